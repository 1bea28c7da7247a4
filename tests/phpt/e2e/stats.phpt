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
$extra = $stats->extra;
var_dump($extra['state'], abs($extra['unix_ms'] / 1000 - microtime(true)) < 10, $extra['memory'] > 1 << 20, $extra['nodes'], $extra['workers'],
    $extra['listen'] === "127.0.0.1:$daemon->port", $extra['path_prefix'], $extra['socket'] === $daemon->socket, $extra['config'] === "$daemon->dir/conf",
    $extra['uid'] === fileowner($daemon->socket), $extra['max_event_size'], $extra['allowed_origins'], $extra['client_events'], $extra['control'], $extra['published'],
    isset($extra['version']), json_encode($extra) === str_replace('secret', '', json_encode($extra)));
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
string(5) "ready"
bool(true)
bool(true)
int(1)
int(1)
bool(true)
string(0) ""
bool(true)
bool(true)
bool(true)
int(102400)
string(1) "*"
string(7) "members"
bool(false)
int(1)
bool(false)
bool(true)
