<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Pulse\Recorders;

use Fanfare\Laravel\Server\Stats;
use Fanfare\Laravel\Support\Daemon\Configuration;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\ServedConnections;
use Illuminate\Contracts\Config\Repository;
use Laravel\Pulse\Events\SharedBeat;
use Laravel\Pulse\Pulse;
use Laravel\Pulse\Support\CacheStoreResolver;

/**
 * Records for Laravel Pulse how many messages came from and went to clients since the last time. Each server on which
 * pulse:check runs does it for the daemon beside it, which counts for all of its applications together.
 */
final class FanfareMessages
{
    private const SECONDS = 15;

    /** For how long a daemon's last figures are remembered. */
    private const MEMORY = 3_600;

    /** @var class-string */
    public string $listen = SharedBeat::class;

    public function __construct(
        private readonly Pulse $pulse,
        private readonly Repository $config,
        private readonly Gateways $gateways,
        private readonly CacheStoreResolver $cache,
    ) {
    }

    public function record(SharedBeat $event): void
    {
        if ($event->time->second % self::SECONDS !== 0) {
            return;
        }
        $seen = [];

        foreach (ServedConnections::all($this->config) as $name => $connection) {
            $socket = Configuration::socketOf($connection);

            if ($connection->appId === null || isset($seen[$socket])) {
                continue;
            }
            $seen[$socket] = true;
            $stats = $this->gateways->for($connection)->stats();

            foreach ($this->since($stats, $socket, $event->time->getTimestamp()) as $direction => $count) {
                if ($count > 0) {
                    $this->pulse->record(
                        type: "fanfare_message:{$direction}",
                        key: (string) $name,
                        value: $count,
                        timestamp: $event->time->getTimestamp(),
                    )->sum()->onlyBuckets();
                }
            }
        }
    }

    /**
     * In the cache, under a name that Pulse does not count among the application's keys, and not in this object: several pulse:check may run on one host, and each is started anew at times.
     *
     * @return array{sent: int, received: int}
     */
    private function since(Stats $stats, string $socket, int $now): array
    {
        $cache = $this->cache->store();
        $key = 'laravel:pulse:fanfare:'.gethostname().':'.hash('sha256', $socket);
        $last = $cache->get($key);
        // A daemon that has started since then counts from nothing.
        $started = $now - $stats->uptime;
        $cache->put($key, ['pid' => $stats->pid, 'started' => $started, 'in' => $stats->messagesIn, 'out' => $stats->messagesOut], self::MEMORY);

        if (! is_array($last)) {
            return ['sent' => 0, 'received' => 0];
        }
        $same = ($last['pid'] ?? null) === $stats->pid && is_int($last['started'] ?? null) && abs($last['started'] - $started) <= 5;
        $before = static fn (string $figure): int => $same && is_int($last[$figure] ?? null) ? $last[$figure] : 0;

        return ['sent' => max(0, $stats->messagesOut - $before('out')), 'received' => max(0, $stats->messagesIn - $before('in'))];
    }
}
