--TEST--
The functions speak for the application of the ini settings
--EXTENSIONS--
fanfare
--INI--
fanfare.app_id=other
fanfare.app_secret=hidden
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, show(frame($c)), 1);
    ack($c, show(frame($c)), 2);
    ack($c, show(frame($c)), 3);
    $c = accept();
    hello($c);
    ack($c, show(frame($c)), 4);
');
ini_set('fanfare.socket', $fake->socket);
receipt(Fanfare\publish('a', 'e', ['x' => 1], except: '1.1', key: 'k'));
var_dump(Fanfare\publish_async(['a', 'b'], 'e'));
array_map('receipt', Fanfare\publish_many([new Fanfare\Message('a', 'e')]));
outcome(Fanfare\flush());
ini_set('fanfare.app_id', 'app');
ini_set('fanfare.app_secret', 'secret');
receipt(Fanfare\publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 1
int(1)
receipt id-3.0 3
acknowledged 1 rejected 0 unanswered 0
receipt id-1 4
[2,1,["a"],"e","1.1","k","{\"x\":1}"]
[2,2,["a","b"],"e",null,null,"[]"]
[3,3,[[["a"],"e",null,null,"[]"]]]
[2,1,["a"],"e",null,null,"[]"]
