<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Contracts\Config\Repository;

/**
 * Which of broadcasting.connections are Fanfare's: those of the driver "fanfare", and with fanfare.replace_reverb those
 * of Laravel's driver "reverb" as well. Whoever asks what the daemon has to know, or shows connections, asks here.
 */
final class ServedConnections
{
    /** Of a connection "fanfare" these say where browsers find the daemon, which a taken-over connection says itself. */
    private const OWN = ['host', 'port', 'scheme'];

    /**
     * Whether connections of Laravel's driver "reverb" are taken over (FANFARE_REPLACE_REVERB).
     */
    public static function replacesReverb(Repository $config): bool
    {
        return filter_var($config->get('fanfare.replace_reverb'), FILTER_VALIDATE_BOOL);
    }

    /**
     * Every connection that Fanfare serves, by name. Credentials may be missing: publishingFaults() says so. The
     * connection "fanfare", which this package defines itself, is left out where it is empty and there are others.
     *
     * @return array<array-key, Connection>
     */
    public static function all(Repository $config): array
    {
        $served = [];

        foreach (self::configurations($config) as $name => $connection) {
            $served[$name] = Connection::fromConfig($connection, (string) $name);
        }

        $own = $served['fanfare'] ?? null;

        if ($own !== null && count($served) > 1 && $own->isEmpty()) {
            unset($served['fanfare']);
        }

        return $served;
    }

    /**
     * The same as their drivers read them.
     *
     * @return array<array-key, array<array-key, mixed>>
     */
    public static function configurations(Repository $config): array
    {
        $connections = $config->get('broadcasting.connections');
        $drivers = self::replacesReverb($config) ? ['fanfare', 'reverb'] : ['fanfare'];
        $served = [];

        foreach (is_array($connections) ? $connections : [] as $name => $connection) {
            if (is_array($connection) && in_array($connection['driver'] ?? null, $drivers, true)) {
                $served[$name] = self::complete($connection, $config);
            }
        }

        return $served;
    }

    /**
     * A connection as its driver reads it. One of Laravel's driver "reverb" knows nothing of a socket: what it does not say
     * is taken from the connection "fanfare", which the lines FANFARE_* of .env fill. Its time-out is that of a request
     * over HTTP, thirty seconds unless set, and would be the wrong one here.
     *
     * @param  array<array-key, mixed>  $connection
     * @return array<array-key, mixed>
     */
    public static function complete(#[\SensitiveParameter] array $connection, Repository $config): array
    {
        if (($connection['driver'] ?? null) !== 'reverb') {
            return $connection;
        }

        $own = is_array($connection['options'] ?? null) ? $connection['options'] : [];
        $defaults = $config->get('broadcasting.connections.fanfare.options');
        $defaults = array_diff_key(is_array($defaults) ? $defaults : [], array_flip(self::OWN));

        unset($own['timeout']);
        $connection['options'] = array_replace($defaults, array_filter($own, static fn (mixed $value): bool => $value !== null && $value !== ''));

        return $connection;
    }
}
