--TEST--
A daemon that does not read: TimeoutException while writing, certainly not delivered
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    wait();
');
fails(fn () => $fake->client(0.2)->publish('a', 'e', str_repeat('x', 8 << 20)));
$fake->go();
echo $fake->finish();
?>
--EXPECT--
Fanfare\TimeoutException write never: fanfared at SOCKET did not take the message in time
