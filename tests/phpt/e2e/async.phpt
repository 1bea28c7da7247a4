--TEST--
A thousand messages without waiting arrive all, once and in order
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$subscriber = new Subscriber($daemon, 'room');
$client = $daemon->client();
for ($i = 0; $i < 1000; $i++) {
    $client->publishAsync('room', 'e', (string) $i);
}
$client->publishAsync('bad channel', 'e');
$result = $client->flush();
echo "$result->acknowledged $result->rejected $result->unanswered ", $result->error->reason->name, "\n";
for ($i = 0; $i < 1000; $i++) {
    if ($subscriber->next()['data'] !== (string) $i) {
        die("out of order at $i");
    }
}
echo "in order\n";
?>
--EXPECT--
1000 1 0 InvalidChannel
in order
