--TEST--
A payload that publishes while it is encoded
--EXTENSIONS--
fanfare
--INI--
fanfare.async_buffer=0
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 7; $i++) {
        ack($c, show(frame($c)));
    }
');
final class Publishes implements JsonSerializable
{
    public function __construct(private Fanfare\Client $client, private string $name) {}
    public function jsonSerialize(): mixed
    {
        receipt($this->client->publish('inner', $this->name));
        return $this->name;
    }
}
$client = $fake->client();
receipt($client->publish('outer', 'e', [new Publishes($client, 'one')]));
$messages = [];
$messages[] = $first = new Fanfare\Message('outer', 'e', new Publishes($client, 'two'));
$messages[] = &$first;
array_map('receipt', $client->publishMany($messages));
var_dump($client->publishAsync('outer', 'e', new Publishes($client, 'three')));
outcome($client->flush());
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
receipt id-2 0
receipt id-3 0
receipt id-4 0
receipt id-5.0 0
receipt id-5.1 0
receipt id-6 0
int(1)
acknowledged 1 rejected 0 unanswered 0
[2,1,["inner"],"one",null,null,"[]"]
[2,2,["outer"],"e",null,null,"[\"one\"]"]
[2,3,["inner"],"two",null,null,"[]"]
[2,4,["inner"],"two",null,null,"[]"]
[3,5,[[["outer"],"e",null,null,"\"two\""],[["outer"],"e",null,null,"\"two\""]]]
[2,6,["inner"],"three",null,null,"[]"]
[2,7,["outer"],"e",null,null,"\"three\""]
