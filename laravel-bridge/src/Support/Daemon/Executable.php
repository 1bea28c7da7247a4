<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Daemon;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Symfony\Component\Process\ExecutableFinder;

/**
 * Finds fanfared.
 */
final class Executable
{
    public const NAME = 'fanfared';

    /** Where it is installed, and where PATH of a user or of a supervisor often does not lead. */
    private const USUAL = ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/opt/fanfare/bin'];

    /**
     * @param  ?string  $configured  fanfare.daemon
     *
     * @throws MisconfiguredException
     */
    public static function find(?string $configured): string
    {
        if ($configured !== null) {
            if (is_file($configured) && is_executable($configured)) {
                return $configured;
            }

            throw new MisconfiguredException(
                "\"fanfare.daemon\" (FANFARE_DAEMON) is \"{$configured}\", which is not an executable file"
            );
        }

        return self::look() ?? throw new MisconfiguredException(sprintf(
            'the daemon "%s" was found neither in PATH nor in %s: install it (docs/install.md of Fanfare\'s repository), or '.
            'say where it is with FANFARE_DAEMON=/path/to/%1$s in .env', self::NAME, implode(', ', self::USUAL)
        ));
    }

    /**
     * Where it is; null where it is not.
     */
    public static function path(?string $configured): ?string
    {
        return $configured === null ? self::look() : (is_file($configured) && is_executable($configured) ? $configured : null);
    }

    public static function isThere(?string $configured): bool
    {
        return self::path($configured) !== null;
    }

    private static function look(): ?string
    {
        return (new ExecutableFinder)->find(self::NAME, null, self::USUAL);
    }
}
