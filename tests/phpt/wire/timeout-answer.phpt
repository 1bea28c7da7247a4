--TEST--
No answer in time: TimeoutException, maybe delivered; the connection is not used again
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $f = frame($c);
    var_dump(frame($c));
    $d = accept();
    hello($d);
    ack($d, show(frame($d)));
');
$client = $fake->client(0.2);
$start = microtime(true);
fails(fn () => $client->publish('a', 'first'));
$took = microtime(true) - $start;
var_dump($took >= 0.15, $took < 3);
$client = $fake->client();
receipt($client->publish('a', 'second'));
echo $fake->finish();
?>
--EXPECT--
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
bool(true)
bool(true)
receipt id-2 0
NULL
[2,2,["a"],"second",null,null,"[]"]
