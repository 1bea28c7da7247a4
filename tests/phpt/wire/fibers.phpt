--TEST--
Fibers: publishes within, a payload that suspends in the middle of a call while others use the client, and one that never goes on
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
final class Pauses implements JsonSerializable
{
    public function __construct(private string $name) {}
    public function jsonSerialize(): mixed
    {
        $got = Fiber::suspend($this->name);
        if ($got instanceof Throwable) {
            throw $got;
        }
        return "$this->name $got";
    }
}
$fake = new Fake('
    $c = accept();
    hello($c);
    while (($f = frame($c)) !== null) {
        ack($c, show($f));
    }
');
$client = $fake->client();

$plain = new Fiber(fn () => receipt($client->publish('a', 'in a fiber')));
$plain->start();

// Two calls are in the middle of their payload at once, and a third one from outside goes between them.
$one = new Fiber(fn () => receipt($client->publish('one', 'e', [new Pauses('first'), new Pauses('second')])));
$two = new Fiber(fn () => array_map('receipt', $client->publishMany([
    new Fanfare\Message('two', 'e', 'plain'),
    new Fanfare\Message('two', 'e', new Pauses('batch')),
])));
$async = new Fiber(fn () => $client->publishAsync('async', 'e', new Pauses('deferred')));
echo $one->start(), ' ', $two->start(), ' ', $async->start(), "\n";
receipt($client->publish('a', 'between'));
echo $one->resume('1'), "\n";
$two->resume('2');
json_encode("\xff");
$async->resume('3');
$one->resume('4');
echo json_last_error_msg(), "\n";
outcome($client->flush());

// An exception thrown into it is the caller's; one that is dropped in the middle unwinds without a word.
$fails = new Fiber(fn () => $client->publish('a', 'never', new Pauses('x')));
$fails->start();
fails(fn () => $fails->resume(new DomainException('thrown in')));
$dropped = new Fiber(function () use ($client) {
    try {
        $client->publishMany([new Fanfare\Message('a', 'never', new Pauses('x'))]);
    } finally {
        echo "unwound\n";
    }
});
$dropped->start();
unset($dropped);

// Deep in a fiber's own small stack, many times.
for ($i = 0; $i < 300; $i++) {
    $all[] = $fiber = new Fiber(fn () => $client->publishAsync('many', 'e', new Pauses('x')));
    $fiber->start();
}
$before = memory_get_usage();
foreach ($all as $fiber) {
    $fiber->resume('y');
}
$result = $client->flush();
var_dump($result->acknowledged, $result->unanswered);

// A generator that publishes between its values, and at its end although nobody ran it to its end.
$generator = (function () use ($client) {
    try {
        receipt($client->publish('a', 'before yield'));
        yield 1;
        yield 2;
    } finally {
        receipt($client->publish('a', 'at its end'));
    }
})();
echo $generator->current(), "\n";
unset($generator);

// It is left suspended until the script ends.
$open = new Fiber(fn () => $client->publish('a', 'never', new Pauses('x')));
$open->start();
$client->close();
foreach (explode("\n", $fake->finish()) as $line) {
    str_contains($line, '"many"') || print("$line\n");
}
?>
--EXPECT--
receipt id-1 0
first batch deferred
receipt id-2 0
second
receipt id-3.0 0
receipt id-3.1 0
receipt id-5 0
No error
acknowledged 1 rejected 0 unanswered 0
DomainException: thrown in
unwound
int(300)
int(0)
receipt id-306 0
1
receipt id-307 0
[2,1,["a"],"in a fiber",null,null,"[]"]
[2,2,["a"],"between",null,null,"[]"]
[3,3,[[["two"],"e",null,null,"plain"],[["two"],"e",null,null,"\"batch 2\""]]]
[2,4,["async"],"e",null,null,"\"deferred 3\""]
[2,5,["one"],"e",null,null,"[\"first 1\",\"second 4\"]"]
[2,306,["a"],"before yield",null,null,"[]"]
[2,307,["a"],"at its end",null,null,"[]"]
