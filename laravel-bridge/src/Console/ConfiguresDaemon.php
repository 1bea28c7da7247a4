<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Support\Daemon\Configuration;
use Fanfare\Laravel\Support\Daemon\Options;

/**
 * For commands that make a running daemon read its configuration: where fanfare:start has written it, it is written anew, so
 * that what has changed in Laravel's counts.
 *
 * @phpstan-require-extends FanfareCommand
 */
trait ConfiguresDaemon
{
    /**
     * @return bool whether there was a file to renew
     *
     * @throws MisconfiguredException
     */
    private function renewConfiguration(Configuration $configuration, string $connection): bool
    {
        $file = $configuration->file($connection);
        $text = is_file($file) ? @file_get_contents($file) : false;
        $options = $text === false ? null : Options::ofFile($text);

        if ($options === null) {
            return false;
        }
        $fault = $configuration->for($connection, $options)->write($file);

        if ($fault !== '') {
            throw new MisconfiguredException($fault);
        }

        return true;
    }
}
