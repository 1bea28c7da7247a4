<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Health;

use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\ServedConnections;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Foundation\Events\DiagnosingHealth;

/**
 * Makes Laravel's health page fail while the daemon of a connection does not answer, where fanfare.health wants it.
 */
final class CheckDaemon
{
    /** Seconds that a health check may wait; whoever asks gives up soon. */
    private const PATIENCE = 1.0;

    public function __construct(
        private readonly Repository $config,
        private readonly Gateways $gateways,
    ) {
    }

    public function handle(DiagnosingHealth $event): void
    {
        if (! filter_var($this->config->get('fanfare.health'), FILTER_VALIDATE_BOOL)) {
            return;
        }

        foreach (array_intersect_key(ServedConnections::configurations($this->config), ServedConnections::all($this->config)) as $name => $config) {
            $options = is_array($config['options'] ?? null) ? $config['options'] : [];
            $timeout = $options['timeout'] ?? null;
            $config['options'] = ['timeout' => is_numeric($timeout) ? min((float) $timeout, self::PATIENCE) : self::PATIENCE] + $options;

            // What it throws says what is wrong.
            $this->gateways->for(Connection::fromConfig($config, (string) $name))->ping();
        }
    }
}
