--TEST--
Three calls in a row that used up their budget open the breaker for a second; an answer closes it
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 4; $i++) {
        $all[] = $c = accept();
        hello($c);
        frame($c);
    }
    $c = accept();
    hello($c);
    while ($f = frame($c)) {
        ack($c, $f);
        if ($f[1] > 5) {
            break;
        }
    }
');
$client = $fake->client(0.1);
for ($i = 0; $i < 3; $i++) {
    fails(fn () => $client->publish('a', 'e'));
}
$start = microtime(true);
fails(fn () => $client->publish('a', 'e'));
fails(fn () => $client->publishAsync('a', 'e'));
fails(fn () => $client->ping());
var_dump(microtime(true) - $start < 0.1);
var_dump(str_contains(print_r($client, true), '[state] => paused'));
// The pause itself is what is tested, and it is measured in seconds: nothing happens at its end that could be waited for.
// A second later one call tries, and its failure opens it again
usleep(1100000);
fails(fn () => $client->publish('a', 'e'));
fails(fn () => $client->publish('a', 'e'));
usleep(1100000);
$client = $fake->client();
receipt($client->publish('a', 'e'));
receipt($client->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: 3 calls in a row timed out, not trying for a second
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: 3 calls in a row timed out, not trying for a second
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: 3 calls in a row timed out, not trying for a second
bool(true)
bool(true)
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: 4 calls in a row timed out, not trying for a second
receipt id-5 0
receipt id-6 0
