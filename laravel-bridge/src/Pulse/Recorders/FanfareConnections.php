<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Pulse\Recorders;

use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\ServedConnections;
use Illuminate\Contracts\Config\Repository;
use Laravel\Pulse\Events\IsolatedBeat;
use Laravel\Pulse\Pulse;

/**
 * Records for Laravel Pulse how many clients are connected, by application. One of the servers does it for all: a daemon
 * counts the clients of its whole cluster.
 */
final class FanfareConnections
{
    private const SECONDS = 15;

    /** @var class-string */
    public string $listen = IsolatedBeat::class;

    public function __construct(
        private readonly Pulse $pulse,
        private readonly Repository $config,
        private readonly Gateways $gateways,
    ) {
    }

    public function record(IsolatedBeat $event): void
    {
        if ($event->time->second % self::SECONDS !== 0) {
            return;
        }
        $seen = [];

        foreach (ServedConnections::all($this->config) as $connection) {
            $app = (string) $connection->appId;

            // Two connections may lead to one application.
            if ($app === '' || isset($seen[$app])) {
                continue;
            }
            $seen[$app] = true;

            $this->pulse->record(
                type: 'fanfare_connections',
                key: $app,
                value: $this->gateways->for($connection)->connectionCount(),
                timestamp: $event->time->getTimestamp(),
            )->avg()->max()->onlyBuckets();
        }
    }
}
