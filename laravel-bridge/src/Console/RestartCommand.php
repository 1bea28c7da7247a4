<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Support\Daemon\Configuration;
use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:restart')]
final class RestartCommand extends FanfareCommand
{
    use ConfiguresDaemon;

    /** @var string */
    protected $signature = 'fanfare:restart
        {--connection= : The connection of config/broadcasting.php whose daemon is meant}';

    /** @var string */
    protected $description = 'Restart the daemon: it tells its clients to come back and starts anew as the same process';

    /** @var string */
    protected $help = <<<'TXT'
        The daemon lets go of its clients, over several seconds when there are many, and executes itself anew, whatever supervises
        it. Publishers wait for it meanwhile. For a new configuration alone "fanfare:reload" will do, which disturbs nobody.

          php artisan fanfare:restart
          php artisan fanfare:restart --connection=tenant

        Exit codes: 0 the daemon has taken the order, 1 it did not answer or refused, 2 misconfigured.
        TXT;

    public function handle(Configuration $configuration): int
    {
        return $this->guarded(function () use ($configuration): int {
            $connection = $this->connection();
            $gateway = $this->gateway($connection);

            return $this->guarded(function () use ($configuration, $connection, $gateway): int {
                $renewed = $this->renewConfiguration($configuration, $connection->name ?? 'fanfare');
                $gateway->restart();
                $this->components->info('The daemon restarts: it lets go of its clients, who come back by themselves.'.($renewed ? ' Its configuration was written anew.' : ''));

                return self::SUCCESS;
            }, $connection);
        });
    }
}
