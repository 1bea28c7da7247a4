--TEST--
publish(): a frame with the hello in front of it, an answer, a receipt
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    echo strlen(hello($c)), "\n";
    ack($c, show(frame($c)), 3);
    ack($c, show(frame($c)), 0, true);
    ack($c, show(frame($c)));
');
$client = $fake->client();
receipt($client->publish('orders', 'App\\Events\\Shipped', ['id' => 1, 'price' => 1.0, 'path' => 'a/b', 'name' => 'Zoë']));
receipt($client->publish(['a', 'b'], 'e', 'as it is', '12.34', 'key'));
receipt($client->publish(event: 'e', channels: ['x' => 'a'], key: 'k'));
unset($client);
// the connection belongs to the thread, not to the object
var_dump(str_contains(print_r($fake->client(), true), "[state] => connected"));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 3
receipt id-2 0 duplicate
receipt id-3 0
bool(true)
32
[2,1,["orders"],"App\\Events\\Shipped",null,null,"{\"id\":1,\"price\":1,\"path\":\"a/b\",\"name\":\"Zoë\"}"]
[2,2,["a","b"],"e","12.34","key","as it is"]
[2,3,["a"],"e",null,"k","[]"]
