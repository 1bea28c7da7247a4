--TEST--
The excluded socket id receives nothing
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$sender = new Subscriber($daemon, 'room');
$other = new Subscriber($daemon, 'room');
$client = $daemon->client();
var_dump($client->publish('room', 'first', 1, except: $sender->socketId)->recipients);
var_dump($client->publish('room', 'second', 2)->recipients);
$other->show();
$other->show();
$sender->show();
?>
--EXPECT--
int(1)
int(2)
room first 1
room second 2
room second 2
