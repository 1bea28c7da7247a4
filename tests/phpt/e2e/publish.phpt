--TEST--
A published event reaches its subscribers, on one channel and on many
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$one = new Subscriber($daemon, 'orders', 'other');
$two = new Subscriber($daemon, 'orders');
$client = $daemon->client();
$receipt = $client->publish('orders', 'App\\Events\\Shipped', ['id' => 1]);
var_dump($receipt->id !== '', $receipt->recipients, $receipt->duplicate);
$one->show();
$two->show();
var_dump($client->publish(['orders', 'other', 'nobody'], 'e', 'raw text')->recipients);
$one->show();
$one->show();
$two->show();
var_dump($client->publish('nobody', 'e')->recipients);
?>
--EXPECT--
bool(true)
int(2)
bool(false)
orders App\Events\Shipped {"id":1}
orders App\Events\Shipped {"id":1}
int(3)
orders e raw text
other e raw text
orders e raw text
int(0)
