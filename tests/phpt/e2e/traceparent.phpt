--TEST--
A traceparent travels with a publish of every kind; one that is none is ignored
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon("[server]\nlog_level = debug\n");
$one = new Subscriber($daemon, 'orders');
$client = $daemon->client();
$trace = fn (int $n): string => sprintf('00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01', $n);
$client->publish('orders', 'e', 'text', traceparent: $trace(1));
$client->publish('orders', 'e', str_repeat('x', 90000), traceparent: $trace(2), ack: Fanfare\Ack::Cluster);
$client->publishAsync('orders', 'e', '', traceparent: $trace(3));
$client->flush();
$client->publishMany([new Fanfare\Message('orders', 'e', 'a', traceparent: $trace(4)), new Fanfare\Message('orders', 'e', 'b')]);
$client->sendToUser('7', 'e', traceparent: $trace(5));
$client->publish('orders', 'e', 'c', traceparent: 'nonsense');
$client->publish('orders', 'e', 'd', traceparent: str_repeat('x', 100000));
foreach (['text', str_repeat('x', 90000), '', 'a', 'b', 'c', 'd'] as $data) {
    var_dump($one->next()['data'] === $data);
}
var_dump(Fanfare\Message::toUser('7', 'e', traceparent: 't')->traceparent, (new Fanfare\Message('a', 'e'))->traceparent);
preg_match_all('/ debug trace: message \S+ of application app: traceparent (\S+)/', file_get_contents("$daemon->dir/log"), $lines);
var_dump($lines[1] === array_map($trace, range(1, 5)));
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
string(1) "t"
NULL
bool(true)
