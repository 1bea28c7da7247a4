--TEST--
At most sixteen connections a thread: the one used longest ago makes room
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 17; $i++) {
        $c[$i] = accept();
        frame($c[$i]);
        if ($i === 16) {
            // number 1: number 0 was used again
            var_dump(frame($c[1]));
        }
        ack($c[$i], frame($c[$i]));
        if ($i === 15) {
            ack($c[0], frame($c[0]));
        }
    }
    for ($i = 0; $i < 17; $i++) {
        if ($i !== 1) {
            ack($c[$i], frame($c[$i]));
        }
    }
');
for ($i = 0; $i < 17; $i++) {
    $clients[$i] = $fake->client(app: "app-$i");
    $clients[$i]->publish('a', 'e');
    if ($i === 15) {
        receipt($clients[0]->publish('a', 'e'));
    }
}
for ($i = 0; $i < 17; $i++) {
    if ($i !== 1) {
        $clients[$i]->publish('a', 'e');
    }
}
echo $fake->finish();
?>
--EXPECT--
receipt id-2 0
NULL
