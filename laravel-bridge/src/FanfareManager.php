<?php

declare(strict_types=1);

namespace Fanfare\Laravel;

use Fanfare\Laravel\Broadcasting\FanfareBroadcaster;
use Fanfare\Laravel\Contracts\Factory;
use Fanfare\Laravel\Contracts\Server;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Stats;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Container\Container;
use Illuminate\Contracts\Auth\Authenticatable;
use InvalidArgumentException;

/**
 * What stands behind the facade, and what is injected for each of the contracts that it implements. Each method but
 * connection() speaks for the default broadcasting connection. Not final, so that tests can mock it.
 */
class FanfareManager implements Factory, Server
{
    public function connection(?string $name = null): Server
    {
        // Asked for at that moment: a long-running worker has an application for each request.
        $manager = Container::getInstance()->make(BroadcastManager::class);
        $driver = $manager->connection($name);

        if ($name === null && ! $driver instanceof FanfareBroadcaster) {
            $driver = $manager->connection('fanfare');
        }

        if (! $driver instanceof FanfareBroadcaster) {
            throw new InvalidArgumentException("The broadcasting connection [{$name}] is not of the driver \"fanfare\".");
        }

        return $driver->server();
    }

    public function sendToUser(
        Authenticatable|string|int $user,
        string $event,
        array|string $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): void {
        $this->connection()->sendToUser($user, $event, $payload, $except, $key);
    }

    public function terminateUser(Authenticatable|string|int $user): int
    {
        return $this->connection()->terminateUser($user);
    }

    public function terminateConnection(string $socketId): bool
    {
        return $this->connection()->terminateConnection($socketId);
    }

    public function channels(string $prefix = '', bool $cache = false): array
    {
        return $this->connection()->channels($prefix, $cache);
    }

    public function channel(string $name, bool $cache = false): Channel
    {
        return $this->connection()->channel($name, $cache);
    }

    public function members(string $channel): array
    {
        return $this->connection()->members($channel);
    }

    public function connectionCount(): int
    {
        return $this->connection()->connectionCount();
    }

    public function ping(): float
    {
        return $this->connection()->ping();
    }

    public function answerWasPartial(): bool
    {
        return $this->connection()->answerWasPartial();
    }

    public function stats(): Stats
    {
        return $this->connection()->stats();
    }

    public function connections(int $limit = 100, ?string $after = null): array
    {
        return $this->connection()->connections($limit, $after);
    }

    public function stop(): void
    {
        $this->connection()->stop();
    }

    public function restart(): void
    {
        $this->connection()->restart();
    }

    public function reload(): void
    {
        $this->connection()->reload();
    }
}
