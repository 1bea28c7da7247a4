--TEST--
Applications can depend on Gateway and fake it
--EXTENSIONS--
fanfare
--FILE--
<?php
final class FakeGateway implements Fanfare\Gateway
{
    public array $sent = [];

    public function publish(string|array $channels, string $event, mixed $payload = [], ?string $except = null, ?string $key = null): Fanfare\Receipt
    {
        $this->sent[] = [$channels, $event, $payload];
        return new Fanfare\Receipt((string) count($this->sent), recipients: 1);
    }

    public function publishMany(array $messages): array
    {
        return array_map(fn (Fanfare\Message $m) => $this->publish($m->channels, $m->event, $m->payload), $messages);
    }

    public function publishAsync(string|array $channels, string $event, mixed $payload = [], ?string $except = null, ?string $key = null): int
    {
        throw new Fanfare\RejectedException('full', Fanfare\Reason::TooLarge);
    }

    public function pending(): int
    {
        return 0;
    }

    public function flush(?float $timeout = null): Fanfare\FlushResult
    {
        return new Fanfare\FlushResult(acknowledged: count($this->sent));
    }

    public function sendToUser(string $userId, string $event, mixed $payload = [], ?string $except = null, ?string $key = null): Fanfare\Receipt
    {
        return $this->publish("#server-to-user-$userId", $event, $payload);
    }

    public function terminateUser(string $userId): int
    {
        return 2;
    }

    public function terminateConnection(string $socketId): bool
    {
        return false;
    }

    public function channels(string $prefix = '', bool $cache = false): array
    {
        return ['a' => $this->channel('a', $cache)];
    }

    public function channel(string $name, bool $cache = false): Fanfare\Channel
    {
        return new Fanfare\Channel($name, occupied: true, subscriptions: 3);
    }

    public function members(string $channel): array
    {
        return [new Fanfare\Member('7', ['name' => 'A'])];
    }

    public function connectionCount(): int
    {
        return 4;
    }

    public function ping(): float
    {
        return 0.001;
    }

    public function stats(): Fanfare\Stats
    {
        return new Fanfare\Stats(version: 'fake');
    }
}

function application(Fanfare\Gateway $gateway): void
{
    echo $gateway->publishMany([new Fanfare\Message('a', 'e', 1), new Fanfare\Message(['b'], 'f')])[1]->id, "\n";
    try {
        $gateway->publishAsync('a', 'e');
    } catch (Fanfare\RejectedException $e) {
        echo $e->reason->value, "\n";
    }
    echo $gateway->sendToUser('7', 'e')->id, ' ', $gateway->terminateUser('7'), ' ', $gateway->channels()['a']->subscriptions, ' ',
        $gateway->members('presence-a')[0]->info['name'], ' ', $gateway->connectionCount(), "\n";
    echo $gateway->flush()->acknowledged, ' ', $gateway->stats()->version, "\n";
}
application(new FakeGateway);
?>
--EXPECT--
2
too_large
3 2 3 A 4
3 fake
