--TEST--
publishAsync() gathers, flush() writes and collects
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 3; $i++) {
        show($f[$i] = frame($c));
    }
    ack($c, $f[0]);
    error($c, $f[1][1], "invalid_channel", "bad name");
    ack($c, $f[2]);
    serve($c);
');
$client = $fake->client();
var_dump($client->publishAsync('a', 'e', 1), $client->publishAsync('b', 'e', 2), $client->publishAsync('c', 'e', 3), $client->pending());
outcome($client->flush());
var_dump($client->pending());
outcome($client->flush());
$client->publishAsync('d', 'e');
outcome(Fanfare\flush());
echo $fake->finish();
?>
--EXPECT--
int(1)
int(2)
int(3)
int(3)
acknowledged 2 rejected 1 unanswered 0
Fanfare\RejectedException InvalidChannel: fanfared rejected it: bad name
int(0)
acknowledged 0 rejected 0 unanswered 0
acknowledged 1 rejected 0 unanswered 0
[2,1,["a"],"e",null,null,"1"]
[2,2,["b"],"e",null,null,"2"]
[2,3,["c"],"e",null,null,"3"]
