--TEST--
Deferred publishes to a daemon that hangs use up one time-out in a request, not one each
--EXTENSIONS--
fanfare
--INI--
fanfare.breaker=0
fanfare.async_buffer=0
--FILE--
<?php
require __DIR__ . '/fake.inc';
// where answers come, waiting is flow control: as long as it takes
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 30; $i++) {
        $f = frame($c);
        usleep(50000);
        ack($c, $f);
    }
    serve($c);
');
$client = $fake->client(1.0);
for ($i = 0; $i < 30; $i++) {
    $client->publishAsync('a', 'e', str_repeat('x', 1 << 20));
}
outcome($client->flush(20));
echo $fake->finish();

// where there is silence, it is over soon
$fake = new Fake('
    $all[] = accept();
    wait();
');
$client = $fake->client(1.0);
$start = microtime(true);
$failed = 0;
for ($i = 0; $i < 6; $i++) {
    try {
        $client->publishAsync('a', 'e', str_repeat('x', 4 << 20));
        echo "taken\n";
    } catch (Fanfare\TimeoutException $e) {
        $failed++;
        if ($i === 0) {
            report($e);
        }
    }
}
$took = microtime(true) - $start;
var_dump($failed, $took > 0.8, $took < 3, $client->pending());
$fake->go();
echo $fake->finish();
?>
--EXPECT--
acknowledged 30 rejected 0 unanswered 0
Fanfare\TimeoutException write never: fanfared at SOCKET did not take the message in time
int(6)
bool(true)
bool(true)
int(0)
