--TEST--
After the memory limit has cut off a call, a shutdown function still publishes
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/memory-limit.inc'; ?>
--INI--
memory_limit=8M
--FILE--
<?php
require __DIR__ . '/fake.inc';
// before the fake daemon's own
register_shutdown_function(function () {
    global $client, $fake;
    receipt($client->publish("a", "after"));
    echo $fake->finish();
});
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
    ack($c, show(frame($c)));
    ack($c, show(frame($c)));
');
final class Hungry implements JsonSerializable
{
    public function jsonSerialize(): mixed
    {
        global $client;
        $client->publish('a', 'inner');
        return str_repeat('x', 64 << 20);
    }
}
$client = $fake->client();
receipt($client->publish('a', 'before'));
$client->publish('a', 'never', new Hungry);
?>
--EXPECTF--
receipt id-1 0

Fatal error: Allowed memory size of 8388608 bytes exhausted%s
receipt id-3 0
[2,1,["a"],"before",null,null,"[]"]
[2,2,["a"],"inner",null,null,"[]"]
[2,3,["a"],"after",null,null,"[]"]
