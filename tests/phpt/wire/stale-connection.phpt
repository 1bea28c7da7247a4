--TEST--
A connection that the daemon has closed since the last call is replaced without a word
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $first = hello($c);
    ack($c, show(frame($c)));
    restart();
    fclose($c);
    echo "restarted\n";
    $c = accept();
    echo hello($c) === $first ? "same producer\n" : "other producer\n";
    ack($c, show(frame($c)));
');
$client = $fake->client();
receipt($client->publish('a', 'before'));
echo $fake->line(), $fake->line();
receipt($client->publish('a', 'after'));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
[2,1,["a"],"before",null,null,"[]"]
restarted
receipt id-2 0
same producer
[2,2,["a"],"after",null,null,"[]"]
