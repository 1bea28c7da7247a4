--TEST--
Abstract sockets and unix:// addresses
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
if (PHP_OS_FAMILY !== 'Linux') {
    die('skip');
}
$name = 'fanfare-test-' . getmypid() . '-' . bin2hex(random_bytes(4));
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
', "@$name");
receipt($fake->client()->publish('a', 'e'));
echo $fake->finish();
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
');
receipt((new Fanfare\Client('app', 'secret', "unix://$fake->socket"))->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
[2,1,["a"],"e",null,null,"[]"]
receipt id-1 0
[2,1,["a"],"e",null,null,"[]"]
