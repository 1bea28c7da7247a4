<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\RunningJobs;
use Fanfare\Laravel\Support\ServedConnections;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Container\Container;

/**
 * Makes a driver from its connection's configuration. A method rather than a closure: Laravel 13 binds anonymous
 * functions to its manager.
 */
final class DriverFactory
{
    public function __construct(
        private readonly Gateways $gateways,
        private readonly RunningJobs $jobs,
    ) {
    }

    /**
     * @param  array<array-key, mixed>  $config
     */
    public function make(Container $app, #[\SensitiveParameter] array $config): FanfareBroadcaster
    {
        $repository = $app->make(Repository::class);
        $connection = Connection::fromConfig(
            ServedConnections::complete($config, $repository), self::nameOf($config, $repository)
        );

        return new FanfareBroadcaster($connection, $this->gateways, $this->jobs);
    }

    /**
     * The manager does not tell a driver its name, but a queued job needs it.
     *
     * @param  array<array-key, mixed>  $config
     */
    private static function nameOf(#[\SensitiveParameter] array $config, Repository $repository): ?string
    {
        $connections = $repository->get('broadcasting.connections');
        $name = array_search($config, is_array($connections) ? $connections : [], true);

        return $name === false ? null : (string) $name;
    }
}
