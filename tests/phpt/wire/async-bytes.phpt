--TEST--
Messages without an answer are bounded in bytes; one that is larger than the bound still goes, alone
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    ini_set("memory_limit", "512M");
    $c = accept();
    hello($c);
    for ($i = 0; $i < 8; $i++) {
        $f[] = frame($c)[1];
    }
    wait();
    foreach ($f as $seq) {
        ack($c, [2, $seq]);
    }
    echo serve($c), " more\n";
');
$client = $fake->client(0.5);
$taken = 0;
try {
    for ($i = 0; $i < 100; $i++) {
        $client->publishAsync('a', 'e', str_repeat('x', 1000000));
        $taken++;
    }
} catch (Fanfare\TimeoutException $e) {
    report($e);
}
var_dump($taken, $client->pending());
$fake->go();
outcome($client->flush(30));
$client = $fake->client(30.0);
var_dump($client->publishAsync('a', 'e', str_repeat('x', 12 << 20)));
$client->publishAsync('a', 'e', 'small');
outcome($client->flush(30));
echo $fake->finish();
?>
--EXPECT--
Fanfare\TimeoutException ack never: fanfared at SOCKET did not answer in time
int(8)
int(8)
acknowledged 8 rejected 0 unanswered 0
int(1)
acknowledged 2 rejected 0 unanswered 0
2 more
