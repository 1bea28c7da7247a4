--TEST--
A backlog that stays full: ConnectException when the budget is used up
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    global $server, $socket, $backlog;
    fclose($server);
    unlink($socket);
    $backlog = 1;
    $server = listen();
    // fill it
    $held = [];
    while (($one = @stream_socket_client("unix://$socket", $no, $text, 0, STREAM_CLIENT_ASYNC_CONNECT | STREAM_CLIENT_CONNECT)) !== false && count($held) < 50) {
        $held[] = $one;
    }
    echo "full\n";
    wait();
');
$fake->line();
$start = microtime(true);
fails(fn () => $fake->client(0.2)->publish('a', 'e'));
$took = microtime(true) - $start;
var_dump($took >= 0.15, $took < 3);
$fake->go();
$fake->finish();
?>
--EXPECT--
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: it accepted no connection in time
bool(true)
bool(true)
