--TEST--
Message::toUser() makes what sendToUser() sends
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
$message = Fanfare\Message::toUser('üser "8"', 'Hello', ['a' => 1], except: '1.2', key: 'k');
echo json_encode($message, JSON_UNESCAPED_UNICODE), "\n";
echo json_encode(Fanfare\Message::toUser(userId: '7', event: 'Hello')), "\n";
fails(fn () => Fanfare\Message::toUser("\xff", 'e'));
fails(fn () => Fanfare\Message::toUser(str_repeat('x', 129), 'e'));
fails(fn () => $message->channels = 'a');
fails(fn () => $message->__construct('a', 'e'));
?>
--EXPECT--
{"channels":"#server-to-user-üser \"8\"","event":"Hello","payload":{"a":1},"except":"1.2","key":"k","traceparent":null}
{"channels":"#server-to-user-7","event":"Hello","payload":[],"except":null,"key":null,"traceparent":null}
ValueError: Fanfare\Message::toUser(): Argument #1 ($userId) must have between 1 and 128 bytes of valid UTF-8
ValueError: Fanfare\Message::toUser(): Argument #1 ($userId) must have between 1 and 128 bytes of valid UTF-8
Error: Cannot modify readonly property Fanfare\Message::$channels
Error: Cannot construct Fanfare\Message twice
