--TEST--
Payloads arrive byte for byte: Unicode, escapes, 90 KB
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
foreach (["é 💥 \u{2028} \"quoted\" \\ back / slash", "\u{0}\u{1f}\u{7f}", str_repeat('0123456789é', 7500),
    json_encode(['nested' => '"json"']), ''] as $payload) {
    $client->publish('room', 'e', $payload);
    var_dump($subscriber->next()['data'] === $payload);
}
$client->publish('room', 'e', ['a' => 'é/"']);
$subscriber->show();
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
room e {"a":"é/\""}
