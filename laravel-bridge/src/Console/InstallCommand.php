<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Support\Daemon\Executable;
use Fanfare\Laravel\Support\Install\Broadcasting;
use Fanfare\Laravel\Support\Install\Change;
use Fanfare\Laravel\Support\Install\Credentials;
use Fanfare\Laravel\Support\Install\DevScript;
use Fanfare\Laravel\Support\Install\EnvFile;
use Fanfare\Laravel\Support\Value;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Foundation\CachesConfiguration;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\DevCommands;
use Symfony\Component\Console\Attribute\AsCommand;
use Symfony\Component\Console\Formatter\OutputFormatter;
use Symfony\Component\Process\Process;

use function Laravel\Prompts\confirm;

#[AsCommand(name: 'fanfare:install')]
final class InstallCommand extends FanfareCommand
{
    private const SYSTEM_SOCKET = '/run/fanfare/fanfare.sock';

    /** The most bytes of a socket's path. */
    private const SOCKET_MAX = 107;

    /** @var string */
    protected $signature = 'fanfare:install
        {--switch : Broadcast through Fanfare, even if another broadcaster is in use}
        {--direct : Publish events of ShouldBroadcast at once instead of through the queue (FANFARE_DIRECT=true)}
        {--dev-script : Add the daemon to the "dev" script of composer.json}
        {--npm : Install what Echo needs with npm, pnpm, yarn or bun}
        {--without-echo : Leave routes, configuration and JavaScript alone and only write .env}
        {--dry-run : Show what would be changed, and change nothing}';

    /** @var string */
    protected $description = 'Set the application up for Fanfare: credentials, channels and Echo';

    /** @var string */
    protected $help = <<<'TXT'
        Adds what is missing and leaves what is there; called again, it finds nothing to do. It asks before it edits. Where Reverb's
        credentials are in .env, they can be taken over, so that browsers need no new build.

          php artisan fanfare:install
          php artisan fanfare:install --dry-run
          php artisan fanfare:install --no-interaction --direct --npm

        With --no-interaction it adds what is missing, takes Reverb's credentials over, and does without what can only be wanted by
        somebody: npm, the development script, direct publishing, and taking the place of a broadcaster that is in use.

        Exit codes: 0, 1 it was not wanted or a file cannot be written, 2 something has to be repaired first.
        TXT;

    public function handle(Application $app, Repository $config, Broadcasting $broadcasting): int
    {
        $file = $app->environmentFilePath();
        $before = is_file($file) ? @file_get_contents($file) : '';
        if ($before === false) {
            return $this->failed("{$file} cannot be read", 'run this as the user whose file it is', self::INVALID);
        }
        $env = new EnvFile($before);
        $credentials = new Credentials($env, self::given($env));

        // Everything is asked first, and only then something is changed.
        $takeOver = $credentials->canTakeOverReverb()
            && $this->decide('Take over the credentials and the address of Reverb (REVERB_APP_ID and so on)? Browsers need no new build then.', true, true);
        $credentials->fill($takeOver, $this->socket());
        $kept = $this->switchBroadcaster($credentials, $env);
        if ($this->wantsDirect($env)) {
            $env->set('FANFARE_DIRECT', 'true');
        }
        $withEcho = $this->option('without-echo') !== true;
        if ($withEcho) {
            $credentials->fillVite();
        }

        $changes = $withEcho ? $broadcasting->changes() : [];
        $script = $this->devScript();
        if ($script !== null) {
            $changes[] = $script;
        }
        $lines = $env->changes();
        if ($env->isChanged() && is_file($file)) {
            array_unshift($changes, new Change($file, $env->text(), basename($file).': '.implode(', ', $lines)));
        }

        if ($changes !== []) {
            $this->components->info($this->option('dry-run') === true ? 'Would change:' : 'To be changed:');
            $this->components->bulletList(array_map(static fn (Change $change): string => OutputFormatter::escape($change->what), $changes));

            if ($this->option('dry-run') === true) {
                return self::SUCCESS;
            }
            if (! $this->decide('Change these files?', true, true)) {
                $this->components->warn('Nothing was changed.');

                return self::FAILURE;
            }
            foreach ($changes as $change) {
                $fault = '';
                $this->components->task(OutputFormatter::escape((string) strtok($change->what, ',:')), static function () use ($change, &$fault): bool {
                    $fault = $change->write();

                    return $fault === '';
                });
                if ($fault !== '') {
                    return $this->failed($fault, 'give this user write access to it and run this again; what is done already stays', self::FAILURE);
                }
            }
            $this->newLine();
        } elseif (is_file($file) || ! $env->isChanged()) {
            $this->components->info('Everything is set up already: nothing was changed.');
        }

        if (! is_file($file) && $env->isChanged()) {
            $this->components->warn(sprintf('There is no %s. Give the application these lines in its environment:', basename($file)));
            foreach ($lines as $name) {
                $this->line('  '.OutputFormatter::escape("{$name}={$env->raw($name)}"));
            }
            $this->newLine();
        }
        $packages = $withEcho && $this->option('dry-run') !== true ? $this->installPackages($broadcasting) : [];
        $this->sayWhatIsLeft($config, $broadcasting, $packages, $changes !== [], $kept, $withEcho);

        return self::SUCCESS;
    }

    /**
     * What the user says; without a user what does no harm.
     */
    private function decide(string $question, bool $suggested, bool $alone): bool
    {
        return $this->someoneIsThere() ? confirm($question, $suggested) : $alone;
    }

    /**
     * @return ?string the broadcaster that stays in use
     */
    private function switchBroadcaster(Credentials $credentials, EnvFile $env): ?string
    {
        $used = $credentials->broadcasterInUse();

        // Without Pusher's SDK neither of these two has ever worked.
        $works = $used !== null && ! (in_array($used, ['reverb', 'pusher'], true) && ! class_exists('Pusher\Pusher'));
        $switch = ! $works || $this->option('switch') === true
            || $this->decide("The application broadcasts through \"{$used}\". Broadcast through Fanfare from now on?", true, false);

        if (! $switch) {
            return $used;
        }
        if ($env->get('BROADCAST_CONNECTION') !== 'fanfare') {
            $credentials->useFanfare();
        }

        return null;
    }

    private function wantsDirect(EnvFile $env): bool
    {
        if ($env->get('FANFARE_DIRECT') !== null) {
            return false;
        }

        return $this->option('direct') === true || $this->decide(
            'Publish events of ShouldBroadcast at once instead of through the queue (FANFARE_DIRECT=true)? '.DirectFigures::REASON, false, false
        );
    }

    private function devScript(): ?Change
    {
        // Newer versions of Laravel have a list of development commands, on which the package is.
        if (class_exists(DevCommands::class)) {
            return null;
        }
        $file = $this->laravel->basePath('composer.json');
        $text = @file_get_contents($file);
        $with = $text === false ? null : DevScript::with($text);

        if ($with === null || ! ($this->option('dev-script') === true || $this->decide('Start the daemon with "composer run dev", too?', true, false))) {
            return null;
        }

        return new Change($file, $with, 'composer.json: fanfare:start in the script "dev"');
    }

    /**
     * @return list<string> the packages that are still missing
     */
    private function installPackages(Broadcasting $broadcasting): array
    {
        $missing = $broadcasting->missingPackages();

        if ($missing === []) {
            return [];
        }
        $command = $broadcasting->npmCommand($missing);

        if (! ($this->option('npm') === true || $this->decide('Run "'.implode(' ', $command).'"?', true, false))) {
            return $missing;
        }
        $process = new Process($command, $this->laravel->basePath(), null, null, null);
        $process->setTty(Process::isTtySupported() && $this->someoneIsThere());
        $process->run(function (string $type, string $text): void {
            $this->output->write($text, false, \Symfony\Component\Console\Output\OutputInterface::OUTPUT_RAW);
        });

        if (! $process->isSuccessful()) {
            $this->components->warn('"'.implode(' ', $command).'" has failed.');

            return $missing;
        }

        return [];
    }

    /**
     * @param  list<string>  $packages
     */
    private function sayWhatIsLeft(Repository $config, Broadcasting $broadcasting, array $packages, bool $changed, ?string $kept, bool $withEcho): void
    {
        $left = $broadcasting->byHand();

        if ($kept !== null) {
            $left[] = "The application still broadcasts through \"{$kept}\": BROADCAST_CONNECTION=fanfare in .env changes that (or fanfare:install --switch).";
        }
        if ($this->laravel instanceof CachesConfiguration && $this->laravel->configurationIsCached()) {
            $left[] = 'The configuration is cached and does not know of this yet: php artisan config:clear (or config:cache).';
        }
        if (! extension_loaded('fanfare')) {
            $left[] = sprintf('Install the extension for PHP %d.%d, which this PHP has not loaded: docs/install.md of Fanfare\'s repository.', PHP_MAJOR_VERSION, PHP_MINOR_VERSION);
        }
        $left[] = Executable::isThere(Value::text($config->get('fanfare.daemon')))
            ? 'Start the daemon: php artisan fanfare:start. In production Supervisor runs that command, or systemd.'
            : 'Install the daemon (docs/install.md), and start it: php artisan fanfare:start.';
        if ($packages !== []) {
            $left[] = 'Install what Echo needs: '.implode(' ', $broadcasting->npmCommand($packages));
        }
        if ($withEcho && ($changed || $packages !== []) && is_file($this->laravel->basePath('package.json'))) {
            $left[] = 'Build the front end, which holds the key and the address: '.implode(' ', $broadcasting->buildCommand());
        }
        $left[] = 'Have everything checked: php artisan fanfare:doctor';

        $this->components->info('What is left to do:');
        $this->components->bulletList(array_map(OutputFormatter::escape(...), $left));
    }

    /**
     * A daemon of the system's own where there is one, else a socket in the application's own folder, which needs no root.
     */
    private function socket(): string
    {
        if (file_exists(self::SYSTEM_SOCKET) || is_writable(dirname(self::SYSTEM_SOCKET))) {
            return self::SYSTEM_SOCKET;
        }
        $own = $this->laravel->storagePath('framework/fanfare.sock');

        return strlen($own) <= self::SOCKET_MAX
            ? $own : '/tmp/fanfare-'.substr(hash('sha256', $own), 0, 12).'/fanfare.sock';
    }

    /**
     * Lines that the process was given, in a container for one, and that are not in the file.
     *
     * @return list<string>
     */
    private static function given(EnvFile $env): array
    {
        return array_values(array_filter(
            array_keys(getenv()),
            static fn (string $name): bool => str_starts_with($name, 'FANFARE_') && $env->get($name) === null
        ));
    }
}
