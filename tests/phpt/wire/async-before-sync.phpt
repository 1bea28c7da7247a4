--TEST--
What was published without waiting goes out before what is published after it
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 4; $i++) {
        ack($c, show(frame($c)));
    }
');
$client = $fake->client();
$client->publishAsync('a', 'first');
$client->publishAsync('a', 'second');
receipt($client->publish('a', 'third'));
var_dump($client->pending());
$client->publishAsync('a', 'fourth');
outcome($client->flush());
echo $fake->finish();
?>
--EXPECT--
receipt id-3 0
int(0)
acknowledged 3 rejected 0 unanswered 0
[2,1,["a"],"first",null,null,"[]"]
[2,2,["a"],"second",null,null,"[]"]
[2,3,["a"],"third",null,null,"[]"]
[2,4,["a"],"fourth",null,null,"[]"]
