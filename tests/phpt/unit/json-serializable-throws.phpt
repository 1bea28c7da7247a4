--TEST--
What a payload throws while it is encoded reaches the caller as it is
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
final class Thrower implements JsonSerializable
{
    public function jsonSerialize(): mixed
    {
        throw new DomainException('mine');
    }
}
$c = new Fanfare\Client('app', 'secret', '/nowhere/at/all');
fails(fn () => $c->publish('a', 'e', new Thrower));
fails(fn () => $c->publishAsync('a', 'e', ['deep' => [new Thrower]]));
fails(fn () => $c->publishMany([new Fanfare\Message('a', 'e', new Thrower)]));
var_dump($c->pending());
?>
--EXPECT--
DomainException: mine
DomainException: mine
DomainException: mine
int(0)
