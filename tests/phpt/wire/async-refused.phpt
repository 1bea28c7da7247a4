--TEST--
Messages that wait for a connection which is refused count as rejected
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 2; $i++) {
        $c = accept();
        frame($c);
        frame($c);
        error($c, 0, "unauthorized", "wrong secret");
        fclose($c);
    }
');
$client = $fake->client();
$client->publishAsync('a', 'e');
$client->publishAsync('a', 'e');
outcome($client->flush());
$client->publishAsync('a', 'e');
fails(fn () => $client->publish('a', 'e'));
outcome($client->flush());
var_dump($client->pending());
echo $fake->finish();
?>
--EXPECT--
acknowledged 0 rejected 2 unanswered 0
Fanfare\RejectedException Unauthorized: fanfared rejected it: wrong secret
Fanfare\RejectedException Unauthorized: fanfared rejected it: wrong secret
acknowledged 0 rejected 1 unanswered 0
Fanfare\RejectedException Unauthorized: fanfared rejected it: wrong secret
int(0)
