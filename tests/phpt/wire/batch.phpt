--TEST--
publishMany(): one frame, receipts in order
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, show(frame($c)), 2);
    $f = frame($c);
    echo count($f[2]), "\n";
    ack($c, $f, 1, true);
    send($c, "\x93\x43\x03\x91\x93\xa1i\x00\xc2");
    frame($c);
');
$client = $fake->client();
$m = new Fanfare\Message('one', 'e', ['n' => 1]);
array_map('receipt', $client->publishMany(['x' => $m, 'y' => new Fanfare\Message(['two', 'three'], 'f', 'raw', '1.2', 'key'), $m]));
$receipts = $client->publishMany(array_fill(0, 10000, $m));
var_dump(count($receipts), array_is_list($receipts));
receipt($receipts[9999]);
fails(fn () => $client->publishMany([$m, $m]));
echo $fake->finish();
?>
--EXPECT--
receipt id-1.0 2
receipt id-1.1 2
receipt id-1.2 2
int(10000)
bool(true)
receipt id-2.9999 1 duplicate
Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: 1 receipts for 2 messages
[3,1,[[["one"],"e",null,null,"{\"n\":1}"],[["two","three"],"f","1.2","key","raw"],[["one"],"e",null,null,"{\"n\":1}"]]]
10000
