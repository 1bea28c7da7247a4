<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

use Closure;
use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\SocketId;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Contracts\Server as ServerContract;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use Illuminate\Contracts\Auth\Authenticatable;
use SensitiveParameter;

/**
 * The daemon of one broadcasting connection. Making one asks nobody.
 */
final class Server implements ServerContract
{
    private const USER_CHANNEL = '#server-to-user-';

    public function __construct(
        #[SensitiveParameter] private readonly Connection $connection,
        private readonly Gateways $gateways,
    ) {
    }

    public function sendToUser(
        Authenticatable|string|int $user,
        string $event,
        array|string $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): void {
        $channel = self::USER_CHANNEL.UserId::valid($user);
        $message = new Message([$channel], $event, $payload, SocketId::valid($except), $key);

        $this->ask(static fn (Gateway $gateway) => $gateway->publish([$message]), $event, [$channel]);
    }

    public function terminateUser(Authenticatable|string|int $user): int
    {
        $id = UserId::valid($user);

        return $this->ask(static fn (Gateway $gateway): int => $gateway->terminateUser($id));
    }

    public function terminateConnection(string $socketId): bool
    {
        return SocketId::valid($socketId) !== null
            && $this->ask(static fn (Gateway $gateway): bool => $gateway->terminateConnection($socketId));
    }

    public function channels(string $prefix = '', bool $cache = false): array
    {
        return $this->ask(static fn (Gateway $gateway): array => $gateway->channels($prefix, $cache));
    }

    public function channel(string $name, bool $cache = false): Channel
    {
        return $this->ask(static fn (Gateway $gateway): Channel => $gateway->channel($name, $cache), channels: [$name]);
    }

    public function members(string $channel): array
    {
        return $this->ask(static fn (Gateway $gateway): array => $gateway->members($channel), channels: [$channel]);
    }

    public function connectionCount(): int
    {
        return $this->ask(static fn (Gateway $gateway): int => $gateway->connectionCount());
    }

    public function ping(): float
    {
        return $this->ask(static fn (Gateway $gateway): float => $gateway->ping());
    }

    public function answerWasPartial(): bool
    {
        return $this->ask(static fn (Gateway $gateway): bool => $gateway->answerWasPartial());
    }

    public function stats(): Stats
    {
        return $this->ask(static fn (Gateway $gateway): Stats => $gateway->stats());
    }

    public function connections(int $limit = 100, ?string $after = null): array
    {
        return $this->ask(static fn (Gateway $gateway): array => $gateway->connections($limit, $after));
    }

    public function stop(): void
    {
        $this->ask(static fn (Gateway $gateway) => $gateway->stop());
    }

    public function restart(): void
    {
        $this->ask(static fn (Gateway $gateway) => $gateway->restart());
    }

    public function reload(): void
    {
        $this->ask(static fn (Gateway $gateway) => $gateway->reload());
    }

    /**
     * @template T
     *
     * @param  Closure(Gateway): T  $question
     * @param  list<string>  $channels
     * @return T
     *
     * @throws PublishException
     */
    private function ask(Closure $question, ?string $event = null, array $channels = []): mixed
    {
        try {
            return $question($this->gateways->for($this->connection));
        } catch (PublishException|MisconfiguredException $e) {
            $failure = $e instanceof PublishException ? $e : PublishException::misconfigured($e);

            throw $failure->during($this->connection->name, $event, $channels);
        }
    }
}
