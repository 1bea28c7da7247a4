--TEST--
With 256 frames unanswered, the next one waits for its budget and is not taken
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 256; $i++) {
        $f[] = frame($c);
    }
    wait();
    foreach ($f as $one) {
        ack($c, $one);
    }
    echo serve($c), "\n";
');
$client = $fake->client(0.2);
for ($i = 0; $i < 256; $i++) {
    $client->publishAsync('a', 'e', $i);
}
fails(fn () => $client->publishAsync('a', 'e', 'one too many'));
fails(fn () => $client->publish('a', 'e', 'one too many'));
var_dump($client->pending());
$fake->go();
outcome($client->flush(30));
echo $fake->finish();
?>
--EXPECT--
Fanfare\TimeoutException ack never: fanfared at SOCKET did not answer in time
Fanfare\TimeoutException ack never: fanfared at SOCKET did not answer in time
int(256)
acknowledged 256 rejected 0 unanswered 0
0
