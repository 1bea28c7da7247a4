--TEST--
A daemon that dies with our frame in its hands gets it again, with the same producer and number
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $first = hello($c);
    show(frame($c));
    fclose($c);
    $c = accept();
    echo hello($c) === $first ? "same producer\n" : "other producer\n";
    ack($c, show(frame($c)), 4);
    $batch = frame($c);
    fclose($c);
    $c = accept();
    hello($c);
    $again = frame($c);
    var_dump($batch === $again);
    ack($c, $again);
');
$client = $fake->client();
receipt($client->publish('a', 'e', ['n' => 1], '1.2', 'key'));
array_map('receipt', $client->publishMany([new Fanfare\Message('a', 'e'), new Fanfare\Message('b', 'f')]));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 4
receipt id-2.0 0
receipt id-2.1 0
[2,1,["a"],"e","1.2","key","{\"n\":1}"]
same producer
[2,1,["a"],"e","1.2","key","{\"n\":1}"]
bool(true)
