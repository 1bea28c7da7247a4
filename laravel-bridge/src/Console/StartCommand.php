<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Support\Daemon\Configuration;
use Fanfare\Laravel\Support\Daemon\Executable;
use Fanfare\Laravel\Support\Daemon\Launcher;
use Fanfare\Laravel\Support\Daemon\Options;
use Fanfare\Laravel\Support\Value;
use Illuminate\Contracts\Config\Repository;
use Symfony\Component\Console\Attribute\AsCommand;
use Symfony\Component\Console\Formatter\OutputFormatter;

#[AsCommand(name: 'fanfare:start')]
final class StartCommand extends FanfareCommand
{
    /** @var string */
    protected $signature = 'fanfare:start
        {--connection= : The connection of config/broadcasting.php whose daemon it is}
        {--host= : The address to listen on, 127.0.0.1 unless configured}
        {--port= : The port to listen on}
        {--workers= : How many threads serve clients, or "auto"}
        {--debug : Show connections, subscriptions and messages as they happen}';

    /** @var string */
    protected $description = 'Start the daemon with a configuration made of Laravel\'s';

    /** @var string */
    protected $help = <<<'TXT'
        Writes the daemon's configuration to storage/framework/fanfared.conf (every connection of the driver "fanfare" that has
        the same socket is an application of it) and becomes the daemon: Supervisor, systemd and Ctrl-C signal the right process.

          php artisan fanfare:start
          php artisan fanfare:start --host=0.0.0.0 --port=8090 --workers=2
          php artisan fanfare:start --debug

        Further keys of the daemon come from "server.config" of config/fanfare.php, or from lines such as
        FANFARE_LIMITS_MAX_EVENT_SIZE=1M of .env. A daemon that is configured by its administrator needs none of this.

        Exit code: the daemon's; 1 or 2 if it could not be started.
        TXT;

    public function handle(Configuration $configuration, Repository $config): int
    {
        return $this->guarded(function () use ($configuration, $config): int {
            $options = new Options(
                Value::text($this->option('host')), Value::text($this->option('port')),
                Value::text($this->option('workers')), $this->option('debug') === true
            );
            $executable = Executable::find(Value::text($config->get('fanfare.daemon')));
            $name = $this->connection()->name ?? 'fanfare';
            $plan = $configuration->for($name, $options);
            $file = $configuration->file($name);

            if (($fault = $plan->write($file)) !== '') {
                return $this->failed($fault, 'give this user write access to '.dirname($file), self::INVALID);
            }

            $this->components->info(sprintf('Starting the daemon on %s.', OutputFormatter::escape($plan->listen)));
            $this->components->twoColumnDetail('Applications', OutputFormatter::escape(implode(', ', $plan->apps)));
            $this->components->twoColumnDetail('Socket', OutputFormatter::escape($plan->socket));
            $this->components->twoColumnDetail('Configuration', OutputFormatter::escape($file));
            if ($plan->elsewhere !== []) {
                $this->components->twoColumnDetail('Connections of another daemon', OutputFormatter::escape(implode(', ', $plan->elsewhere)));
            }
            $this->newLine();
            if ($this->someoneIsThere()) {
                $this->line('  <fg=yellow;options=bold>Press Ctrl+C to stop the daemon</>');
                $this->newLine();
            }
            if (! Launcher::canReplaceItself()) {
                $this->components->warn('PHP cannot replace itself (no pcntl_exec): the daemon runs below this process and is ended with it. Install PHP\'s pcntl, so that a supervisor signals the daemon itself.');
            }

            $code = Launcher::run([$executable, '--config', $file], $configuration->environment($options));

            return $code === 126 ? $this->failed("\"{$executable}\" cannot be executed", 'run "'.$executable.' --version" to see why', 126) : $code;
        });
    }
}
