<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Daemon\Executable;
use Illuminate\Container\Container;
use Illuminate\Contracts\Config\Repository;

/**
 * The lines of "php artisan about". Shows no secret, and waits a tenth of a second at most for each daemon.
 */
final class About
{
    private const PATIENCE = 0.1;

    /**
     * @return array<string, string>
     */
    public static function lines(): array
    {
        $lines = [
            'Extension' => extension_loaded('fanfare') ? (string) phpversion('fanfare') : self::warning('NOT LOADED'),
        ];

        $container = Container::getInstance();
        $config = $container->make(Repository::class);
        $lines['Daemon'] = Executable::path(Value::text($config->get('fanfare.daemon'))) ?? 'not installed here';
        $configurations = ServedConnections::configurations($config);

        foreach (array_keys(ServedConnections::all($config)) as $name) {
            $lines["Connection {$name}"] = self::describe(
                Connection::fromConfig(array_replace_recursive($configurations[$name], ['options' => ['timeout' => self::PATIENCE]])),
                $container->make(Gateways::class)
            );
        }

        $default = Value::text($config->get('broadcasting.default'));
        $lines['Browsers connect to'] = isset($configurations[$default ?? '']) || isset($configurations['fanfare'])
            ? Endpoint::fromConfig($configurations[$default ?? ''] ?? $configurations['fanfare'])->url() : '-';

        return $lines;
    }

    private static function describe(Connection $connection, Gateways $gateways): string
    {
        if ($connection->publishingFaults() !== []) {
            return self::warning('NOT CONFIGURED');
        }

        $where = $connection->appId.' <fg=gray;options=bold>/</> '
            .($connection->socket ?? (string) (ini_get('fanfare.socket') ?: 'default socket'));

        if (! extension_loaded('fanfare')) {
            return $where;
        }

        try {
            return sprintf('%s <fg=gray;options=bold>/</> <fg=green;options=bold>ANSWERS</> in %.2f ms',
                $where, $gateways->for($connection)->ping() * 1_000);
        } catch (PublishException|MisconfiguredException $e) {
            return $where.' <fg=gray;options=bold>/</> '.self::warning('DOES NOT ANSWER').' '.$e->reason;
        }
    }

    private static function warning(string $text): string
    {
        return "<fg=yellow;options=bold>{$text}</>";
    }
}
