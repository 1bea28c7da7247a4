--TEST--
Deferred publishes open the breaker and obey it; a write that is not answered does not close it
--EXTENSIONS--
fanfare
--INI--
fanfare.async_buffer=0
fanfare.shutdown_flush=0
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $f = frame($c);
    wait();
    ack($c, $f);
    echo "answered\n";
    serve($c);
');
$client = $fake->client(0.2);
$client->publishAsync('a', 'e');
for ($i = 0; $i < 3; $i++) {
    outcome($client->flush());
}
$start = microtime(true);
fails(fn () => $client->publish('a', 'e'));
fails(fn () => $client->publishAsync('a', 'e'));
outcome($client->flush(30)); // asks nobody, but would see an answer
var_dump(microtime(true) - $start < 5);
$fake->go();
echo $fake->line();
outcome($client->flush(30));
var_dump($client->publishAsync('a', 'e'));
outcome($client->flush(30));
echo $fake->finish();
?>
--EXPECT--
acknowledged 0 rejected 0 unanswered 1
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
acknowledged 0 rejected 0 unanswered 1
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
acknowledged 0 rejected 0 unanswered 1
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: 3 calls in a row timed out, not trying for a second
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: 3 calls in a row timed out, not trying for a second
acknowledged 0 rejected 0 unanswered 1
Fanfare\ConnectException connect maybe: Cannot reach fanfared at SOCKET: 3 calls in a row timed out, not trying for a second
bool(true)
answered
acknowledged 1 rejected 0 unanswered 0
int(1)
acknowledged 1 rejected 0 unanswered 0
