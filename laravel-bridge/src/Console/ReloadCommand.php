<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Support\Daemon\Configuration;
use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:reload')]
final class ReloadCommand extends FanfareCommand
{
    use ConfiguresDaemon;

    /** @var string */
    protected $signature = 'fanfare:reload
        {--connection= : The connection of config/broadcasting.php whose daemon is meant}';

    /** @var string */
    protected $description = 'Let the daemon read its configuration again, without disturbing its clients';

    /** @var string */
    protected $help = <<<'TXT'
        What has changed for applications and limits takes effect; clients stay connected. A configuration with an error changes
        nothing, and the daemon's log says what is wrong. Address, port and number of threads want a restart.

          php artisan fanfare:reload

        Exit codes: 0 the daemon has taken the order, 1 it did not answer or refused, 2 misconfigured.
        TXT;

    public function handle(Configuration $configuration): int
    {
        return $this->guarded(function () use ($configuration): int {
            $connection = $this->connection();
            $gateway = $this->gateway($connection);

            return $this->guarded(function () use ($configuration, $connection, $gateway): int {
                $renewed = $this->renewConfiguration($configuration, $connection->name ?? 'fanfare');
                $gateway->reload();
                $this->components->info('The daemon uses its new configuration, and nobody was disconnected.'.($renewed ? ' It was written from Laravel\'s.' : ''));

                return self::SUCCESS;
            }, $connection);
        });
    }
}
