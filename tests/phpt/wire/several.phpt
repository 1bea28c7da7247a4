--TEST--
Handles share a connection if socket, application and secret are the same
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$one = new Fake('
    $c = accept();
    hello($c);
    ack($c, frame($c));
    ack($c, frame($c));
    $d = accept();
    hello($d);
    ack($d, frame($d));
    ack($c, frame($c));
    echo "two connections\n";
');
$two = new Fake('
    $c = accept();
    hello($c);
    ack($c, frame($c));
    echo "one connection\n";
');
receipt($one->client()->publish('a', 'e'));
receipt($one->client(2.0)->publish('a', 'e'));
receipt($one->client(app: 'other', secret: 'hidden')->publish('a', 'e'));
receipt($two->client()->publish('a', 'e'));
ini_set('fanfare.socket', $one->socket);
ini_set('fanfare.app_id', 'app');
ini_set('fanfare.app_secret', 'secret');
receipt(Fanfare\publish('a', 'e'));
echo $one->finish(), $two->finish();
?>
--EXPECT--
receipt id-1 0
receipt id-2 0
receipt id-1 0
receipt id-1 0
receipt id-3 0
two connections
one connection
