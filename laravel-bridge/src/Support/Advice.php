<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Extension\ExtensionGateway;
use Fanfare\Laravel\Support\Daemon\Configuration;

/**
 * What to do about a daemon that does not answer, or says no.
 */
final class Advice
{
    public static function on(PublishException $e, ?Connection $connection): ?string
    {
        if (! extension_loaded('fanfare')) {
            return null;
        }

        return match (ExtensionGateway::refusal($e)) {
            'unknown_app' => sprintf('add the application to the daemon\'s configuration ([app "%s"]) and reload it; one that "php artisan fanfare:start" '.
                'wrote is renewed by stopping it and starting it again', $connection->appId ?? 'id'),
            'unauthorized' => str_contains($e->reason, 'clock')
                ? 'set the clock of the one that is wrong: PHP and the daemon may differ by 10 minutes'
                : 'give FANFARE_APP_SECRET in .env and the daemon\'s configuration the same value (and run "php artisan config:clear" if the configuration is cached)',
            'app_disabled' => 'the daemon\'s configuration says "enabled = no" for this application',
            'forbidden' => self::orders($connection),
            null => ExtensionGateway::neverArrived($e)
                ? self::unreachable($connection)
                : null,
            default => null,
        };
    }

    private static function unreachable(?Connection $connection): string
    {
        $socket = $connection === null ? '' : Configuration::socketOf($connection);

        return $socket !== '' && file_exists($socket) && ! is_writable($socket)
            ? 'this user may not use the socket; "php artisan fanfare:doctor" says what it takes'
            : 'start it with "php artisan fanfare:start" (or Supervisor, or systemd); "php artisan fanfare:doctor" looks closer';
    }

    private static function orders(?Connection $connection): string
    {
        $socket = $connection === null ? '' : Configuration::socketOf($connection);
        $owner = $socket === '' ? false : @fileowner($socket);
        $user = $owner !== false && function_exists('posix_getpwuid') ? posix_getpwuid($owner)['name'] ?? null : null;

        return sprintf('the daemon takes orders from the user it runs as (sudo -u %s php artisan ...), from root, and from applications with "control = yes" under [app "%s"] in its configuration',
            $user ?? 'USER', $connection->appId ?? 'id');
    }
}
