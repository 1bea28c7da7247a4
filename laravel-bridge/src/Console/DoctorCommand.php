<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Support\Daemon\Configuration;
use Fanfare\Laravel\Support\Doctor\BrowserCheck;
use Fanfare\Laravel\Support\Doctor\DaemonCheck;
use Fanfare\Laravel\Support\Doctor\Finding;
use Fanfare\Laravel\Support\Doctor\ReverbCheck;
use Fanfare\Laravel\Support\Doctor\Runtime;
use Fanfare\Laravel\Support\Doctor\SettingsCheck;
use Fanfare\Laravel\Support\Doctor\SocketCheck;
use Fanfare\Laravel\Support\Doctor\Status;
use Fanfare\Laravel\Support\Endpoint;
use Fanfare\Laravel\Support\ServedConnections;
use Fanfare\Laravel\Support\Value;
use Illuminate\Contracts\Config\Repository;
use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:doctor')]
final class DoctorCommand extends FanfareCommand
{
    private const MARKS = [
        'ok' => '<fg=green;options=bold>OK</>', 'note' => '<fg=blue;options=bold>NOTE</>',
        'warning' => '<fg=yellow;options=bold>WARNING</>', 'failure' => '<fg=red;options=bold>FAIL</>',
    ];

    /** @var string */
    protected $signature = 'fanfare:doctor
        {--connection= : The connection of config/broadcasting.php that is looked at}
        {--without-browser : Do not try the way of a browser (host and port of Echo)}
        {--json : Answer as JSON}';

    /** @var string */
    protected $description = 'Check everything between an event and a browser, and say how to repair it';

    /** @var string */
    protected $help = <<<'TXT'
        Looks at the extension (here and in PHP-FPM), the socket and its permissions, credentials and clock, the way of a browser
        through proxies and TLS, cached and contradicting settings, limits, and what is left of Reverb. It changes nothing.

          php artisan fanfare:doctor
          sudo -u www-data php artisan fanfare:doctor        as the user of PHP-FPM, who may be allowed less
          php artisan fanfare:doctor --json | jq '.findings[] | select(.status != "ok")'

        Exit codes: 0 nothing is broken (there may be warnings), 1 something is, 2 there is no connection to look at.
        TXT;

    public function handle(Repository $config, SettingsCheck $settings, DaemonCheck $daemon): int
    {
        return $this->guarded(function () use ($config, $settings, $daemon): int {
            $connection = $this->connection();
            $values = ServedConnections::configurations($config)[(string) $connection->name] ?? [];

            $findings = [...(new Runtime)->check(), ...$settings->check($connection, $values)];
            $socket = (new SocketCheck)->check(Configuration::socketOf($connection));
            $findings = [...$findings, ...$socket];

            // What cannot be reached cannot be asked, and one fault is told once.
            if (extension_loaded('fanfare') && $connection->publishingFaults() === [] && ! self::has(Status::Failure, $socket)) {
                $findings = [...$findings, ...$daemon->check($connection)];
            }

            if ($this->option('without-browser') !== true) {
                $findings = [...$findings, ...(new BrowserCheck)->check(
                    Endpoint::fromConfig($values), $connection->key, self::origin(Value::text($config->get('app.url')))
                )];
            }
            $findings = [...$findings, ...(new ReverbCheck)->check($this->laravel->basePath())];

            $this->show($findings);

            return self::has(Status::Failure, $findings) ? self::FAILURE : self::SUCCESS;
        });
    }

    /**
     * @param  list<Finding>  $findings
     */
    private function show(array $findings): void
    {
        if ($this->wantsJson()) {
            $this->json(['ok' => ! self::has(Status::Failure, $findings), 'findings' => array_map(static fn (Finding $finding): array => [
                'check' => $finding->check, 'status' => $finding->status->value, 'message' => $finding->message, 'fix' => $finding->fix,
            ], $findings)]);

            return;
        }
        $this->newLine();

        foreach ($findings as $finding) {
            $this->components->twoColumnDetail("<options=bold>{$finding->check}</>", self::MARKS[$finding->status->value]);
            $this->line('  '.self::plain($finding->message));
            if ($finding->fix !== null) {
                $this->line('  <fg=gray>'.($finding->status === Status::Note ? 'Hint' : 'Fix').':</> '.self::plain($finding->fix));
            }
        }
        $count = static fn (Status $status): int => count(array_filter($findings, static fn (Finding $finding): bool => $finding->status === $status));
        $failures = $count(Status::Failure);
        $warnings = $count(Status::Warning);

        match (true) {
            $failures > 0 => $this->components->error(sprintf('%d %s to be repaired.', $failures, $failures === 1 ? 'thing has' : 'things have')),
            $warnings > 0 => $this->components->warn(sprintf('It works, with %d %s.', $warnings, $warnings === 1 ? 'warning' : 'warnings')),
            default => $this->components->info('Everything works.'),
        };
    }

    /**
     * @param  list<Finding>  $findings
     */
    private static function has(Status $status, array $findings): bool
    {
        return array_filter($findings, static fn (Finding $finding): bool => $finding->status === $status) !== [];
    }

    /**
     * The address of the application's pages as a browser puts it into Origin.
     */
    private static function origin(?string $url): ?string
    {
        $parts = $url === null ? false : parse_url($url);

        return $parts === false || ! isset($parts['scheme'], $parts['host']) ? null
            : $parts['scheme'].'://'.$parts['host'].(isset($parts['port']) ? ':'.$parts['port'] : '');
    }
}
