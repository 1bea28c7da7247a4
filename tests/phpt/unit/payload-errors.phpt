--TEST--
A payload that is no JSON is a PayloadException with PHP's code and sentence
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
enum Suit { case Hearts; }
$c = new Fanfare\Client('app', 'secret', '/nowhere/at/all');
$loop = new stdClass;
$loop->self = $loop;
$deep = [];
for ($i = 0; $i < 600; $i++) {
    $deep = [$deep];
}
foreach (['NAN' => NAN, 'INF' => [INF], 'UTF-8 key' => ["\xff" => 1], 'UTF-8 value' => ["\xc3\x28"], 'recursion' => $loop,
    'depth' => $deep, 'resource' => [STDIN], 'enum' => Suit::Hearts, 'UTF-8 string' => "a\x80", 'overlong' => "\xc0\xaf",
    'surrogate' => "\xed\xa0\x80"] as $name => $payload) {
    echo "$name: ";
    try {
        $c->publish('a', 'e', $payload);
    } catch (Fanfare\PayloadException $e) {
        echo $e->getCode(), ' ', $e->getMessage(), "\n";
        $json = $e->getPrevious();
        if (!$json instanceof JsonException || $json->getCode() !== $e->getCode() || !str_ends_with($e->getMessage(), $json->getMessage())) {
            echo "no JsonException\n";
        }
    }
}
fails(fn () => $c->publishMany([new Fanfare\Message('a', 'e'), new Fanfare\Message('a', 'e', NAN)]));
fails(fn () => $c->publish('a', 'e', str_repeat('x', 16 << 20)));
fails(fn () => $c->publish('a', 'e', [str_repeat('x', 16 << 20)]));
try {
    $c->publish('a', 'e', str_repeat('x', 16 << 20));
} catch (Fanfare\PayloadException $e) {
    var_dump($e->getPrevious());
}
fails(fn () => (new Fanfare\Client('app', 'secret', '/nowhere/at/all', null, JSON_INVALID_UTF8_SUBSTITUTE))->publish('a', 'e', ["\xff"]));
fails(fn () => (new Fanfare\Client('app', 'secret', '/nowhere/at/all', null, JSON_THROW_ON_ERROR))->publish('a', 'e', NAN));
?>
--EXPECT--
NAN: 7 The payload cannot be encoded: Inf and NaN cannot be JSON encoded
INF: 7 The payload cannot be encoded: Inf and NaN cannot be JSON encoded
UTF-8 key: 5 The payload cannot be encoded: Malformed UTF-8 characters, possibly incorrectly encoded
UTF-8 value: 5 The payload cannot be encoded: Malformed UTF-8 characters, possibly incorrectly encoded
recursion: 6 The payload cannot be encoded: Recursion detected
depth: 1 The payload cannot be encoded: Maximum stack depth exceeded
resource: 8 The payload cannot be encoded: Type is not supported
enum: 11 The payload cannot be encoded: Non-backed enums have no default serialization
UTF-8 string: 5 The payload cannot be encoded: Malformed UTF-8 characters, possibly incorrectly encoded
overlong: 5 The payload cannot be encoded: Malformed UTF-8 characters, possibly incorrectly encoded
surrogate: 5 The payload cannot be encoded: Malformed UTF-8 characters, possibly incorrectly encoded
Fanfare\PayloadException: The payload of message 1 cannot be encoded: Inf and NaN cannot be JSON encoded
Fanfare\PayloadException: The payload cannot be encoded: it is larger than one frame may be (16 MiB)
Fanfare\PayloadException: The payload cannot be encoded: it is larger than one frame may be (16 MiB)
NULL
Fanfare\ConnectException connect never: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
Fanfare\PayloadException: The payload cannot be encoded: Inf and NaN cannot be JSON encoded
