--TEST--
A daemon that stays away is waited for once; the first publish after it is back succeeds
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    global $server, $socket;
    fclose($server);
    unlink($socket);
    echo "away\n";
    wait();
    $server = listen();
    echo "back\n";
    $c = accept();
    hello($c);
    ack($c, frame($c));
    wait();
    fclose($c);
    fclose($server);
    unlink($socket);
    echo "away\n";
');
echo $fake->line();
$client = $fake->client(1.0);
$start = microtime(true);
fails(fn () => $client->publish('a', 'e'));
var_dump(microtime(true) - $start >= 0.7);
$long = $fake->client(60.0); // shares what is known
$start = microtime(true);
for ($i = 0; $i < 20; $i++) {
    try {
        $long->publish('a', 'e');
    } catch (Fanfare\ConnectException) {
    }
}
var_dump(microtime(true) - $start < 5);
$fake->go();
echo $fake->line();
receipt($long->publish('a', 'e'));
// there was a connection, so it is waited for again
$fake->go();
echo $fake->line();
$start = microtime(true);
fails(fn () => $client->publish('a', 'e'));
var_dump(microtime(true) - $start >= 0.7);
// without a breaker always
ini_set('fanfare.breaker', '0');
$start = microtime(true);
fails(fn () => $fake->client(0.4)->publish('a', 'e'));
var_dump(microtime(true) - $start >= 0.28);
echo $fake->finish();
?>
--EXPECT--
away
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
bool(true)
bool(true)
back
receipt id-1 0
away
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
bool(true)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
bool(true)
