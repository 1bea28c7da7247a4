--TEST--
A daemon without Redis is the whole cluster: it acknowledges at once
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
$cluster = Fanfare\Ack::Cluster;
$start = microtime(true);
$receipt = $client->publish(['room', 'other'], 'one', ack: $cluster);
var_dump($receipt->recipients, $receipt->duplicate);
$receipts = $client->publishMany([new Fanfare\Message('room', 'two', key: 'k'), new Fanfare\Message('room', 'three')], $cluster);
var_dump(count($receipts), $receipts[1]->recipients);
$again = $client->publish('room', 'two', key: 'k', ack: $cluster);
var_dump($again->duplicate, $again->id === $receipts[0]->id);
fails(fn () => $client->publish('room', '', ack: $cluster));
fails(fn () => $client->publishMany([new Fanfare\Message('room', 'fine'), new Fanfare\Message('ro om', 'e')], $cluster));
$client->publishAsync('room', 'four', ack: $cluster);
$client->publishAsync('room', 'five');
outcome($client->flush());
var_dump($client->channel('room')->partial, $client->channels()['room']->partial, $client->connectionCount(), $client->answerWasPartial());
var_dump(microtime(true) - $start < 5);
for ($i = 0; $i < 5; $i++) {
    $subscriber->show();
}
?>
--EXPECT--
int(1)
bool(false)
int(2)
int(1)
bool(true)
bool(true)
Fanfare\RejectedException InvalidEvent: fanfared rejected it: event name must be 1 to 200 bytes of UTF-8 (max_event_name)
Fanfare\RejectedException InvalidChannel #1: fanfared rejected message 1 of the batch: channel name "ro om" is invalid: letters, digits and _-=@,.; only
acknowledged 2 rejected 0 unanswered 0
bool(false)
bool(false)
int(1)
bool(false)
bool(true)
room one []
room two []
room three []
room four []
room five []
