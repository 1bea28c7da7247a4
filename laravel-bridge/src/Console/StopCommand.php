<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:stop')]
final class StopCommand extends FanfareCommand
{
    /** @var string */
    protected $signature = 'fanfare:stop
        {--connection= : The connection of config/broadcasting.php whose daemon is meant}';

    /** @var string */
    protected $description = 'Stop the daemon: it lets go of its clients and ends';

    /** @var string */
    protected $help = <<<'TXT'
        The daemon lets go of its clients and ends with exit code 0. Under Supervisor with "autorestart=true", or systemd with
        "Restart=always", it is started again at once: stop it there ("supervisorctl stop fanfared").

          php artisan fanfare:stop

        Exit codes: 0 the daemon has taken the order, 1 it did not answer or refused, 2 misconfigured.
        TXT;

    public function handle(): int
    {
        return $this->guarded(function (): int {
            $connection = $this->connection();
            $gateway = $this->gateway($connection);

            return $this->guarded(function () use ($gateway): int {
                $gateway->stop();
                $this->components->info('The daemon stops: it lets go of its clients and ends.');

                return self::SUCCESS;
            }, $connection);
        });
    }
}
