<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Container\Container;
use Illuminate\Contracts\Config\Repository;

/**
 * The lines of "php artisan about". Shows no secret and waits for nobody.
 */
final class About
{
    /**
     * @return array<string, string>
     */
    public static function lines(): array
    {
        $lines = [
            'Extension' => extension_loaded('fanfare') ? (string) phpversion('fanfare') : '<fg=yellow;options=bold>NOT LOADED</>',
        ];

        $connections = Container::getInstance()->make(Repository::class)->get('broadcasting.connections');

        foreach (is_array($connections) ? $connections : [] as $name => $config) {
            if (is_array($config) && ($config['driver'] ?? null) === 'fanfare') {
                $lines["Connection {$name}"] = self::describe(Connection::fromConfig($config));
            }
        }

        return $lines;
    }

    private static function describe(Connection $connection): string
    {
        $socket = $connection->socket ?? (string) (ini_get('fanfare.socket') ?: 'fanfare.socket');

        return sprintf('%s <fg=gray;options=bold>/</> %s', $connection->appId ?? '<fg=yellow;options=bold>NO APP ID</>', $socket);
    }
}
