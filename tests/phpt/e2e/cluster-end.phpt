--TEST--
A node that ends, or is reloaded, answers what waits for the cluster first
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
$cluster = Fanfare\Ack::Cluster;
$client = $one->client(20);
$other = new Fanfare\Client('app', 'secret', $two->socket, 3, ack: $cluster);
joined(0, $client, $other);
$subscriber = new Subscriber($one, 'room');
$redis->pause();

echo "- the application gets another secret\n";
$other->publishAsync('room', 'one');
$other->publishAsync('room', 'two');
outcome($other->flush(0.2));
$two->reload('secret = secret', 'secret = changed');
outcome($other->flush(20)); // not before their time is over
var_dump($two->client(secret: 'changed')->publish('room', 'three')->duplicate);

echo "- the node ends\n";
$client->publishAsync('room', 'four', ack: $cluster);
$client->publishAsync('room', 'five', ack: $cluster);
outcome($client->flush(0.2));
$one->terminate();
outcome($client->flush(20));
$subscriber->show();
$subscriber->show();
$redis->resume();
?>
--EXPECT--
- the application gets another secret
acknowledged 0 rejected 0 unanswered 2
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
acknowledged 0 rejected 0 unanswered 0 unconfirmed 2
Fanfare\UnconfirmedException ack maybe: The cluster has not acknowledged it: Redis has not confirmed it within the time given; it was delivered on this node and is kept for the others (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
bool(false)
- the node ends
acknowledged 0 rejected 0 unanswered 2
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
acknowledged 0 rejected 0 unanswered 0 unconfirmed 2
Fanfare\UnconfirmedException ack maybe: The cluster has not acknowledged it: it was delivered on this node, which ends before Redis has confirmed it (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
room four []
room five []
