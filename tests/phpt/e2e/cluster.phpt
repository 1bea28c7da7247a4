--TEST--
Two nodes: acknowledged by the cluster, counted in the whole cluster, told when Redis is away
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip-redis.inc'; ?>
--FILE--
<?php
require __DIR__ . '/redis.inc';
$redis = new Redis();
$one = $redis->node('one');
$two = $redis->node('two');
$here = new Subscriber($one, 'room');
$there = new Subscriber($two, 'room', 'there');
$there->signIn('7');
$client = $one->client();
joined(2, $client, $two->client());
$cluster = Fanfare\Ack::Cluster;

echo "- receipts count the node, or all nodes\n";
var_dump($client->publish('room', 'local')->recipients);
var_dump($client->publish(['room', 'there', 'room', 'nobody'], 'cluster', ack: $cluster)->recipients);
var_dump($client->publish('room', 'except', except: $there->socketId, ack: $cluster)->duplicate);
$many = $client->publishMany([new Fanfare\Message('there', 'many'), new Fanfare\Message('room', 'many')], $cluster);
var_dump($many[0]->recipients, $many[1]->recipients);
var_dump($client->sendToUser('7', 'user', ack: $cluster)->recipients);
$client->publishAsync('room', 'async', ack: $cluster);
$client->publishAsync('room', 'async2', ack: $cluster);
outcome($client->flush());

echo "- questions\n";
var_dump($client->channel('room')->subscriptions, $client->answerWasPartial());
$channels = $two->client()->channels();
ksort($channels);
echo json_encode($channels), "\n";

echo "- Redis is away\n";
$redis->pause();
$hasty = new Fanfare\Client('app', 'secret', $one->socket, 0.4, ack: $cluster);
fails(fn () => $hasty->publish('room', 'late', 1, key: 'k'));
var_dump($client->publish('room', 'meanwhile')->recipients);
$hasty->publishAsync('room', 'async3');
outcome($hasty->flush());
var_dump($client->connectionCount(), $client->answerWasPartial());
$redis->resume();

echo "- and back\n";
$again = $client->publish('room', 'late', 1, key: 'k', ack: $cluster);
var_dump($again->duplicate);
joined(2, $client);
var_dump($client->publish('room', 'end', ack: $cluster)->recipients);

echo "- the first node's subscriber\n";
for ($i = 0; $i < 10; $i++) {
    $here->show();
}
echo "- the second node's\n";
for ($i = 0; $i < 12; $i++) {
    $there->show();
}
?>
--EXPECT--
- receipts count the node, or all nodes
int(1)
int(3)
bool(false)
int(1)
int(2)
int(1)
acknowledged 2 rejected 0 unanswered 0
- questions
int(2)
bool(false)
{"room":{"name":"room","occupied":true,"subscriptions":2,"members":null,"cache":null,"partial":false},"there":{"name":"there","occupied":true,"subscriptions":1,"members":null,"cache":null,"partial":false}}
- Redis is away
Fanfare\UnconfirmedException ack maybe: The cluster has not acknowledged it: Redis has not confirmed it within the time given; it was delivered on this node and is kept for the others (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
int(1)
acknowledged 0 rejected 0 unanswered 0 unconfirmed 1
Fanfare\UnconfirmedException ack maybe: The cluster has not acknowledged it: Redis has not confirmed it within the time given; it was delivered on this node and is kept for the others (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
int(1)
bool(true)
- and back
bool(true)
int(2)
- the first node's subscriber
room local []
room cluster []
room except []
room many []
room async []
room async2 []
room late 1
room meanwhile []
room async3 []
room end []
- the second node's
room local []
room cluster []
there cluster []
there many []
room many []
#server-to-user-7 user []
room async []
room async2 []
room late 1
room meanwhile []
room async3 []
room end []
