--TEST--
The buffer is written when it has reached fanfare.async_buffer, or at once with 0
--EXTENSIONS--
fanfare
--INI--
fanfare.async_buffer=1000
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    echo "connected\n";
    hello($c);
    for ($i = 0; $i < 3; $i++) {
        ack($c, frame($c));
    }
    echo "three\n";
    wait();
    ack($c, $f = frame($c));
    echo "$f[1]\n";
    serve($c);
');
$client = $fake->client();
for ($i = 0; $i < 3; $i++) {
    $client->publishAsync('a', 'e', str_repeat('x', 400));
    echo $i < 2 ? "kept\n" : $fake->line() . $fake->line();
}
ini_set('fanfare.async_buffer', '0');
$client->publishAsync('a', 'e', 'x');
$fake->go();
echo $fake->line();
outcome($client->flush());
echo $fake->finish();
?>
--EXPECT--
kept
kept
connected
three
4
acknowledged 4 rejected 0 unanswered 0
