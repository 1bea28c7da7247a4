--TEST--
However a call spends its time, it has it once: waiting for others first, a new connection, a slow reader
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
const BUDGET = 2.0;
/** Prints whether a call took its time, and not much more: twice would be 4 seconds. */
function timed(callable $call): void
{
    $start = microtime(true);
    fails($call);
    $took = microtime(true) - $start;
    echo $took > 1.7 && $took < 3.2 ? "once\n" : "took $took s\n";
}

// 256 answers are outstanding and come late; then there is silence
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 256; $i++) {
        $f[] = frame($c);
    }
    usleep(1600000);
    foreach ($f as $one) {
        ack($c, $one);
    }
    frame($c);
    wait();
');
$client = $fake->client(BUDGET);
for ($i = 0; $i < 256; $i++) {
    $client->publishAsync('a', 'e', $i);
}
timed(fn () => $client->publish('a', 'e'));
$fake->go();
echo $fake->finish();

// the connection is lost late, and the next one is silent
$fake = new Fake('
    $c = accept();
    hello($c);
    frame($c);
    usleep(1600000);
    fclose($c);
    $c = accept();
    hello($c);
    frame($c);
    wait();
');
timed(fn () => $fake->client(BUDGET)->publish('a', 'e'));
$fake->go();
echo $fake->finish();

// a reader that takes a little now and then: each part of the message finds room in time, the whole does not
$fake = new Fake('
    $c = accept();
    stream_set_blocking($c, false);
    $end = microtime(true) + 6;
    do {
        fread($c, 65536);
        usleep(200000);
    } while (microtime(true) < $end && !feof($c));
');
timed(fn () => $fake->client(BUDGET)->publish('a', 'e', str_repeat('x', 8 << 20)));
echo $fake->finish();

// an answer that comes byte by byte and never ends
$fake = new Fake('
    $c = accept();
    hello($c);
    frame($c);
    fwrite($c, "\0\0\1\0\x95");
    for ($i = 0; $i < 20; $i++) {
        usleep(200000);
        if (@fwrite($c, "x") === false) {
            break;
        }
    }
');
timed(fn () => $fake->client(BUDGET)->publish('a', 'e'));
$fake->finish();
?>
--EXPECT--
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
once
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
once
Fanfare\TimeoutException write never: fanfared at SOCKET did not take the message in time
once
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
once
