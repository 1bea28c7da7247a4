--TEST--
The same key is delivered once and answered with the same receipt
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$subscriber = new Subscriber($daemon, 'room');
$client = $daemon->client();
$first = $client->publish('room', 'e', 'once', key: 'k');
$second = $client->publish('room', 'e', 'twice', key: 'k');
var_dump($first->duplicate, $second->duplicate, $first->id === $second->id, $second->recipients);
$client->publish('room', 'e', 'other', key: 'k2');
$subscriber->show();
$subscriber->show();
?>
--EXPECT--
bool(false)
bool(true)
bool(true)
int(1)
room e once
room e other
