--TEST--
Never more than 256 frames are without an answer
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 1; $i <= 256; $i++) {
        $f[$i] = frame($c);
    }
    $read = [$c];
    $none = null;
    echo stream_select($read, $none, $none, 0, 300000), " more\n";
    ack($c, $f[1]);
    echo "answered one\n";
    for ($i = 2; $i <= 256; $i++) {
        ack($c, $f[$i]);
    }
    echo serve($c), "\n";
');
$client = $fake->client();
$most = 0;
for ($i = 0; $i < 1000; $i++) {
    $most = max($most, $client->publishAsync('a', 'e', $i));
}
var_dump($most <= 256);
outcome($client->flush());
echo $fake->finish();
?>
--EXPECT--
bool(true)
acknowledged 1000 rejected 0 unanswered 0
0 more
answered one
744
