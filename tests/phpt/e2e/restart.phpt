--TEST--
A killed and restarted daemon: the next publish of the same process succeeds
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$client = $daemon->client();
var_dump($client->publish('room', 'e')->recipients);
$daemon->kill();
fails(fn () => $client->publish('room', 'e'));
$client->publishAsync('room', 'e', 'while it was down');
$daemon->again();
$subscriber = new Subscriber($daemon, 'room');
var_dump($client->publish('room', 'e', 'back')->recipients);
outcome($client->flush());
$subscriber->show();
$subscriber->show();
?>
--EXPECT--
int(0)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: Connection refused (is fanfared running, and is fanfare.socket its socket?)
int(1)
acknowledged 1 rejected 0 unanswered 0
room e while it was down
room e back
