--TEST--
Ack: what takes it, where it stands, and which one is in use
--EXTENSIONS--
fanfare
--FILE--
<?php
use Fanfare\Ack;
use Fanfare\Client;

function shown(Client $client): string
{
    preg_match('/\[ack] => (\w+)/', print_r($client, true), $found);
    return $found[1];
}
$own = new Client('a', 'b', '/nowhere', ack: Ack::Cluster);
$ini = new Client('a', 'b', '/nowhere');
echo shown($own), ' ', shown($ini), "\n";
ini_set('fanfare.ack', 'cluster');
$local = new Client('a', 'b', '/nowhere', null, 0, Ack::Local);
echo shown($own), ' ', shown($ini), ' ', shown($local), "\n";
ini_restore('fanfare.ack');
echo shown($own), ' ', shown($ini), "\n";

foreach (['publish', 'publishAsync', 'publishMany', 'sendToUser'] as $method) {
    $parameters = (new ReflectionMethod($own, $method))->getParameters();
    $ack = array_column(array_map(static fn ($one) => [$one->getName(), $one], $parameters), 1, 0)['ack'];
    echo $method, ' ', $ack->getPosition() + 1, ' ', $ack->getType(), ' ', var_export($ack->getDefaultValue(), true), "\n";
}
foreach (['publish', 'publish_async', 'publish_many'] as $function) {
    $names = array_column((new ReflectionFunction("Fanfare\\$function"))->getParameters(), 'name');
    echo $function, ' ', in_array('ack', $names, true) ? 'ack' : '-', "\n";
}
// a fake of before goes on implementing the contracts
$fake = new class implements Fanfare\Publisher {
    public function publish(string|array $channels, string $event, mixed $payload = [], ?string $except = null, ?string $key = null): Fanfare\Receipt
    {
        return new Fanfare\Receipt('1');
    }

    public function publishMany(array $messages): array
    {
        return [];
    }

    public function sendToUser(string $userId, string $event, mixed $payload = [], ?string $except = null, ?string $key = null): Fanfare\Receipt
    {
        return new Fanfare\Receipt('1');
    }
};
var_dump($fake instanceof Fanfare\Publisher, $own instanceof Fanfare\ClusterInspector, $own->answerWasPartial());
foreach ([
    fn () => $own->publish('a', 'e', ack: 'cluster'),
    fn () => $own->publishMany([], 1),
    fn () => $own->sendToUser('7', 'e', [], null, null, Fanfare\Phase::Ack),
    fn () => new Client(ack: 'cluster'),
] as $try) {
    try {
        $try();
        echo "allowed\n";
    } catch (TypeError $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
cluster local
cluster cluster local
cluster local
publish 6 ?Fanfare\Ack NULL
publishAsync 6 ?Fanfare\Ack NULL
publishMany 2 ?Fanfare\Ack NULL
sendToUser 6 ?Fanfare\Ack NULL
publish ack
publish_async ack
publish_many ack
bool(true)
bool(true)
bool(false)
Fanfare\Client::publish(): Argument #6 ($ack) must be of type ?Fanfare\Ack, string given
Fanfare\Client::publishMany(): Argument #2 ($ack) must be of type ?Fanfare\Ack, int given
Fanfare\Client::sendToUser(): Argument #6 ($ack) must be of type ?Fanfare\Ack, Fanfare\Phase given
Fanfare\Client::__construct(): Argument #6 ($ack) must be of type ?Fanfare\Ack, string given
