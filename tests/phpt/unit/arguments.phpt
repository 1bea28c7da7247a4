--TEST--
Bugs of the caller are TypeErrors and ValueErrors, before anything is sent
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
$c = new Fanfare\Client('app', 'secret', '/nowhere/at/all');
$stringable = new class { public function __toString(): string { return 'a'; } };
fails(fn () => $c->publish([], 'e'));
fails(fn () => $c->publish(array_fill(0, 10001, 'a'), 'e'));
fails(fn () => $c->publish(array_fill(0, 10000, 'a'), 'e'));
fails(fn () => $c->publish(['a', 1], 'e'));
fails(fn () => $c->publish(['a', $stringable], 'e'));
fails(fn () => $c->publish(['a', null], 'e'));
fails(fn () => $c->publish('a', 'e', [], null, ''));
fails(fn () => $c->publish('a', 'e', [], null, str_repeat('k', 129)));
fails(fn () => $c->publish('a', 'e', key: str_repeat('k', 128)));
fails(fn () => $c->publish('a'));
fails(fn () => $c->publish(channel: 'a', event: 'e'));
fails(fn () => $c->publish(str_repeat('a', 17 << 20), 'e'));
fails(fn () => $c->publishAsync([], 'e'));
fails(fn () => $c->sendToUser('7', 'e', key: ''));
fails(fn () => Fanfare\publish_async('a', 'e', key: ''));
fails(fn () => Fanfare\Message::toUser('', 'e'));
fails(fn () => $c->publishMany(['a']));
fails(fn () => $c->publishMany([new Fanfare\Message([], 'e')]));
fails(fn () => $c->publishMany([new Fanfare\Message('a', 'e'), new Fanfare\Message(['a', 2], 'e')]));
fails(fn () => $c->publishMany([new Fanfare\Message('a', 'e', key: '')]));
fails(fn () => $c->publishMany(array_fill(0, 10001, new Fanfare\Message('a', 'e'))));
fails(fn () => $c->publishMany([(new ReflectionClass(Fanfare\Message::class))->newInstanceWithoutConstructor()]));
foreach ([0.0, -1.0, NAN, INF] as $timeout) {
    fails(fn () => new Fanfare\Client('app', 'secret', null, $timeout));
}
foreach ([-0.1, NAN, INF] as $timeout) {
    fails(fn () => $c->flush($timeout));
    fails(fn () => Fanfare\flush($timeout));
}
outcome($c->flush(0));
?>
--EXPECT--
ValueError: Fanfare\Client::publish(): Argument #1 ($channels) cannot be empty
ValueError: Fanfare\Client::publish(): Argument #1 ($channels) must not have more than 10000 elements, 10001 given
Fanfare\ConnectException connect never: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
TypeError: Fanfare\Client::publish(): Argument #1 ($channels) must be a string or an array of strings, int found in it
TypeError: Fanfare\Client::publish(): Argument #1 ($channels) must be a string or an array of strings, class@anonymous found in it
TypeError: Fanfare\Client::publish(): Argument #1 ($channels) must be a string or an array of strings, null found in it
ValueError: Fanfare\Client::publish(): Argument #5 ($key) must have between 1 and 128 bytes
ValueError: Fanfare\Client::publish(): Argument #5 ($key) must have between 1 and 128 bytes
Fanfare\ConnectException connect never: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
ArgumentCountError: Fanfare\Client::publish() expects at least 2 arguments, 1 given
Error: Unknown named parameter $channel
ValueError: Fanfare\Client::publish(): Argument #1 ($channels) is longer than one frame may be
ValueError: Fanfare\Client::publishAsync(): Argument #1 ($channels) cannot be empty
ValueError: Fanfare\Client::sendToUser(): Argument #5 ($key) must have between 1 and 128 bytes
ValueError: Fanfare\publish_async(): Argument #5 ($key) must have between 1 and 128 bytes
ValueError: Fanfare\Message::toUser(): Argument #1 ($userId) must have between 1 and 128 bytes of valid UTF-8
TypeError: Fanfare\Client::publishMany(): Argument #1 ($messages) must be a list of Fanfare\Message, string found in it
ValueError: Fanfare\Client::publishMany(): Argument #1 ($messages) at 0: $channels cannot be empty
TypeError: Fanfare\Client::publishMany(): Argument #1 ($messages) at 1: $channels must be a string or an array of strings, int found in it
ValueError: Fanfare\Client::publishMany(): Argument #1 ($messages) at 0: $key must have between 1 and 128 bytes
ValueError: Fanfare\Client::publishMany(): Argument #1 ($messages) must not have more than 10000 messages
ValueError: Fanfare\Client::publishMany(): Argument #1 ($messages) must not contain a message that was never constructed
ValueError: Fanfare\Client::__construct(): Argument #4 ($timeout) must be greater than 0 and at most 86400 seconds
ValueError: Fanfare\Client::__construct(): Argument #4 ($timeout) must be greater than 0 and at most 86400 seconds
ValueError: Fanfare\Client::__construct(): Argument #4 ($timeout) must be greater than 0 and at most 86400 seconds
ValueError: Fanfare\Client::__construct(): Argument #4 ($timeout) must be greater than 0 and at most 86400 seconds
ValueError: Fanfare\Client::flush(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\flush(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\Client::flush(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\flush(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\Client::flush(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\flush(): Argument #1 ($timeout) must be between 0 and 86400 seconds
acknowledged 0 rejected 0 unanswered 0
