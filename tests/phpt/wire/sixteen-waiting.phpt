--TEST--
Connections that wait for answers are not closed to make room
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 16; $i++) {
        $c[$i] = accept();
        frame($c[$i]);
        $f[$i] = frame($c[$i]);
    }
    wait();
    ack($c[5], $f[5]);
    $d = accept();
    frame($d);
    ack($d, frame($d));
    foreach ($c as $i => $one) {
        if ($i !== 5) {
            ack($one, $f[$i]);
        }
    }
    serve($c[0]);
');
ini_set('fanfare.async_buffer', '0');
for ($i = 0; $i < 16; $i++) {
    $clients[$i] = $fake->client(app: "app-$i");
    $clients[$i]->publishAsync('a', 'e');
}
$last = $fake->client(0.1, app: 'last');
fails(fn () => $last->publish('a', 'e'));
$fake->go();
receipt($fake->client(app: 'last')->publish('a', 'e'));
var_dump($clients[5]->pending(), $clients[4]->pending());
outcome(Fanfare\flush());
echo $fake->finish();
?>
--EXPECT--
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: all 16 connections of this thread wait for answers
receipt id-1 0
int(0)
int(1)
acknowledged 16 rejected 0 unanswered 0
