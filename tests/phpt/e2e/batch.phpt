--TEST--
A batch is delivered in order; if one of its messages is refused, none is
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$subscriber = new Subscriber($daemon, 'a', 'b');
$client = $daemon->client();
$receipts = $client->publishMany([
    new Fanfare\Message('a', 'e', 1),
    new Fanfare\Message(['a', 'b'], 'e', 2),
    new Fanfare\Message('c', 'e', 3),
]);
echo implode(' ', array_map(fn ($r) => $r->recipients, $receipts)), "\n";
$subscriber->show();
$subscriber->show();
$subscriber->show();
try {
    $client->publishMany([new Fanfare\Message('a', 'e', 'never'), new Fanfare\Message('not a channel', 'e', 'never')]);
} catch (Fanfare\RejectedException $e) {
    echo $e->reason->name, ' ', $e->index, "\n";
}
$client->publish('a', 'e', 'after');
$subscriber->show();
?>
--EXPECT--
1 2 0
a e 1
a e 2
b e 2
InvalidChannel 1
a e after
