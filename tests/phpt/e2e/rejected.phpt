--TEST--
What the daemon refuses, with its reason
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$client = $daemon->client();
foreach ([['bad channel', 'e'], ['', 'e'], ["nul\0", 'e'], [str_repeat('x', 201), 'e'], ['a', ''], ['a', "\xff"],
    ['a', str_repeat('x', 201)]] as [$channel, $event]) {
    try {
        $client->publish($channel, $event);
        echo "accepted\n";
    } catch (Fanfare\RejectedException $e) {
        echo $e->reason->name, "\n";
    }
}
var_dump($client->publish('a', 'e')->recipients);
?>
--EXPECT--
InvalidChannel
InvalidChannel
InvalidChannel
InvalidChannel
InvalidEvent
InvalidEvent
InvalidEvent
int(0)
