--TEST--
Publishes that the cluster acknowledges: who asks for it, and in how much time
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    foreach ([[8500, 9000], [8500, 9000], [0, 0], [8500, 9000], [0, 0], [8500, 9000], [8500, 9000], [1, 15]] as $range) {
        ack($c, show_ack(frame($c), ...$range), 3);
    }
    ack($c, show(frame($c)));
');
ini_set('fanfare.app_id', 'app');
ini_set('fanfare.app_secret', 'secret');
ini_set('fanfare.socket', $fake->socket);
ini_set('fanfare.timeout', '10');
$client = $fake->client();
receipt($client->publish('a', 'call', ack: Fanfare\Ack::Cluster));
ini_set('fanfare.ack', 'cluster');
receipt($client->publish('a', 'ini'));
receipt($client->publish('a', 'local', ack: Fanfare\Ack::Local));
$own = new Fanfare\Client(ack: Fanfare\Ack::Cluster);
ini_set('fanfare.ack', 'local');
receipt($own->sendToUser('7', 'own', 'text', '1.2', 'key'));
receipt($client->publish('a', 'ini'));
array_map('receipt', $own->publishMany([new Fanfare\Message('a', 'many'), new Fanfare\Message('b', 'many')]));
receipt(Fanfare\publish('a', 'function', ack: Fanfare\Ack::Cluster));
ini_set('fanfare.timeout', '0.02'); // less the five milliseconds that an answer may need
receipt(Fanfare\publish('a', 'short', ack: Fanfare\Ack::Cluster));
ini_set('fanfare.timeout', '10');
array_map('receipt', Fanfare\publish_many([new Fanfare\Message('a', 'function')]));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 3
receipt id-2 3
receipt id-3 3
receipt id-4 3
receipt id-5 3
receipt id-6.0 3
receipt id-6.1 3
receipt id-7 3
receipt id-8 3
receipt id-9.0 0
[12,1,"in time",["a"],"call",null,null,"[]"]
[12,2,"in time",["a"],"ini",null,null,"[]"]
[2,3,["a"],"local",null,null,"[]"]
[12,4,"in time",["#server-to-user-7"],"own","1.2","key","text"]
[2,5,["a"],"ini",null,null,"[]"]
[13,6,"in time",[[["a"],"many",null,null,"[]"],[["b"],"many",null,null,"[]"]]]
[12,7,"in time",["a"],"function",null,null,"[]"]
[12,8,"in time",["a"],"short",null,null,"[]"]
[3,9,[[["a"],"function",null,null,"[]"]]]
