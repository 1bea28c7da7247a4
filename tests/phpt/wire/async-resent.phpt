--TEST--
Unanswered messages go out again, in order and with their numbers, when the daemon is gone
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $first = hello($c);
    frame($c);
    $f = frame($c);
    frame($c);
    ack($c, $f);
    fclose($c);
    $c = accept();
    echo hello($c) === $first ? "same producer\n" : "other producer\n";
    for ($i = 0; $i < 4; $i++) {
        ack($c, show(frame($c)));
    }
    serve($c);
');
ini_set('fanfare.async_buffer', '0');
$client = $fake->client();
$client->publishAsync('a', 'one');
$client->publishAsync('a', 'two');
$client->publishAsync('a', 'three');
receipt($client->publish('a', 'four'));
outcome($client->flush());
echo $fake->finish();
?>
--EXPECT--
receipt id-4 0
acknowledged 3 rejected 0 unanswered 0
same producer
[2,1,["a"],"one",null,null,"[]"]
[2,2,["a"],"two",null,null,"[]"]
[2,3,["a"],"three",null,null,"[]"]
[2,4,["a"],"four",null,null,"[]"]
