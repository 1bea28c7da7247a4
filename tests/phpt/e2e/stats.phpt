--TEST--
ping() and stats() of the real daemon
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
$client->publish('room', 'e');
$subscriber->next();
$stats = $client->stats();
var_dump($client->ping() > 0, $stats->version !== '', $stats->pid > 1, $stats->connections, $stats->channels,
    $stats->messagesIn > 0, $stats->messagesOut > 0, $stats->bytesOut > 0, $stats->dropped, $stats->draining);
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
int(1)
int(1)
bool(true)
bool(true)
bool(true)
int(0)
bool(false)
