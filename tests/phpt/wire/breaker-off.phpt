--TEST--
fanfare.breaker = 0 never stops trying
--EXTENSIONS--
fanfare
--INI--
fanfare.breaker=0
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 6; $i++) {
        $all[] = $c = accept();
        hello($c);
        echo frame($c)[1], "\n";
    }
    wait();
');
$client = $fake->client(0.02);
for ($i = 0; $i < 6; $i++) {
    try {
        $client->publish('a', 'e');
    } catch (Fanfare\TimeoutException) {
    }
}
echo $fake->finish();
?>
--EXPECT--
1
2
3
4
5
6
