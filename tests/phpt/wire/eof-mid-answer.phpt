--TEST--
The end of the stream in the middle of an answer is a lost connection
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    frame($c);
    fwrite($c, "\0\0\0\x09\x95\x42\x01");
    fclose($c);
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
');
receipt($fake->client()->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
[2,1,["a"],"e",null,null,"[]"]
