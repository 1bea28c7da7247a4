--TEST--
channels(), channel(), members() and connectionCount() of the real daemon
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon("[app \"two\"]\nkey = two\nsecret = secret\n");
$client = $daemon->client();
$other = $daemon->client(app: 'two');
[$one, $two] = [new Subscriber($daemon, 'orders', '42'), new Subscriber($daemon, 'orders', 'cache-news')];
$one->subscribe('presence-room', ['user_id' => 'ann', 'user_info' => ['name' => 'Ann', 'tags' => ['a', 'b'], 'o' => (object) []]]);
$two->subscribe('presence-room', ['user_id' => 7]);
$client->publish('cache-news', 'e', ['n' => "é\"\n"]);

$channels = $client->channels();
ksort($channels, SORT_STRING);
foreach ($channels as $name => $channel) {
    echo $name, ' ', json_encode($channel), "\n";
}
var_dump($channels['42'] instanceof Fanfare\Channel, $channels['42']->name);
echo json_encode($client->channels('presence-')), "\n";
var_dump($client->channels('nobody'), $client->channels('cache-')['cache-news']->cache);
$cached = $client->channels(prefix: 'cache-', cache: true)['cache-news']->cache;
var_dump($cached->data, $cached->ttl > 1700 && $cached->ttl <= 1800);
var_dump($client->channel('cache-news')->cache, $client->channel('cache-news', true)->cache->data);
echo json_encode($client->channel("cache-none", cache: true)), "\n";
var_dump($client->channel('presence-none')->members);
echo json_encode($client->members("presence-room")), json_encode($client->members("presence-none")), "\n";
var_dump($client->connectionCount());

echo "the other application\n";
var_dump($other->channels(), $other->channel('orders')->occupied, $other->members('presence-room'), $other->connectionCount(),
    $other->channel('cache-news', true)->cache);
foreach ([
    fn () => $client->channel('a b'),
    fn () => $client->channel(''),
    fn () => $client->members('orders'),
    fn () => $daemon->client(secret: 'wrong')->channels(),
    fn () => $daemon->client(app: 'off')->connectionCount(),
] as $try) {
    fails($try);
}
var_dump(json_last_error());
?>
--EXPECT--
42 {"name":"42","occupied":true,"subscriptions":1,"members":null,"cache":null,"partial":false}
cache-news {"name":"cache-news","occupied":true,"subscriptions":1,"members":null,"cache":null,"partial":false}
orders {"name":"orders","occupied":true,"subscriptions":2,"members":null,"cache":null,"partial":false}
presence-room {"name":"presence-room","occupied":true,"subscriptions":2,"members":2,"cache":null,"partial":false}
bool(true)
string(2) "42"
{"presence-room":{"name":"presence-room","occupied":true,"subscriptions":2,"members":2,"cache":null,"partial":false}}
array(0) {
}
NULL
string(14) "{"n":"é\"\n"}"
bool(true)
NULL
string(14) "{"n":"é\"\n"}"
{"name":"cache-none","occupied":false,"subscriptions":0,"members":null,"cache":null,"partial":false}
int(0)
[{"id":"ann","info":{"name":"Ann","tags":["a","b"],"o":[]}},{"id":"7","info":null}][]
int(2)
the other application
array(0) {
}
bool(false)
array(0) {
}
int(0)
NULL
Fanfare\RejectedException InvalidChannel: fanfared rejected it: the channel name is invalid
Fanfare\RejectedException InvalidChannel: fanfared rejected it: the channel name is invalid
Fanfare\RejectedException InvalidChannel: fanfared rejected it: members are known of presence channels only
Fanfare\RejectedException Unauthorized: fanfared rejected it: the secret is wrong; compare FANFARE_APP_SECRET with the daemon's configuration
Fanfare\RejectedException AppDisabled: fanfared rejected it: the application is disabled
int(0)
