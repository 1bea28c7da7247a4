<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Closure;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Advice;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\ServedConnections;
use Fanfare\Laravel\Support\Value;
use Illuminate\Console\Command;
use Illuminate\Contracts\Config\Repository;
use Symfony\Component\Console\Formatter\OutputFormatter;

/**
 * What the commands share: which connection they speak for, and how they fail. Exit codes: 0, 1 when the daemon did not
 * answer or said no, 2 when something is missing or wrong on this side.
 */
abstract class FanfareCommand extends Command
{
    /**
     * Runs what may fail; a failure is told with its fix.
     *
     * @param  Closure(): int  $work
     */
    protected function guarded(Closure $work, ?Connection $connection = null): int
    {
        try {
            return $work();
        } catch (MisconfiguredException $e) {
            return $this->failed($e->reason, null, self::INVALID);
        } catch (PublishException $e) {
            $misconfigured = $e->getPrevious() instanceof MisconfiguredException;

            return $this->failed($e->reason, Advice::on($e, $connection), $misconfigured ? self::INVALID : self::FAILURE);
        }
    }

    protected function failed(string $reason, ?string $fix, int $code): int
    {
        if ($this->wantsJson()) {
            $this->json(['error' => $reason, 'fix' => $fix]);
        } else {
            $this->components->error(OutputFormatter::escape(ucfirst($reason)));
            if ($fix !== null) {
                $this->line('  <fg=gray>Fix:</> '.OutputFormatter::escape($fix));
                $this->newLine();
            }
        }

        return $code;
    }

    /**
     * The connection of --connection; else the default one where it is Fanfare's, else "fanfare", else the first.
     *
     * @throws MisconfiguredException
     */
    protected function connection(): Connection
    {
        $config = $this->laravel->make(Repository::class);
        $served = ServedConnections::all($config);
        $wanted = $this->hasOption('connection') ? Value::text($this->option('connection')) : null;

        if ($wanted !== null) {
            return $served[$wanted] ?? throw new MisconfiguredException(sprintf(
                'there is no connection "%s" of Fanfare\'s in config/broadcasting.php; there %s: %s', $wanted,
                count($served) === 1 ? 'is' : 'are', implode(', ', array_keys($served))
            ));
        }
        $default = Value::text($config->get('broadcasting.default'));

        return ($default === null ? null : $served[$default] ?? null) ?? $served['fanfare'] ?? array_values($served)[0]
            ?? throw new MisconfiguredException('no connection of config/broadcasting.php has the driver "fanfare"');
    }

    /**
     * @throws MisconfiguredException
     */
    protected function gateway(Connection $connection): Gateway
    {
        return $this->laravel->make(Gateways::class)->for($connection);
    }

    /**
     * Whether somebody is there to be asked. Without a terminal a prompt would answer itself with its default.
     */
    protected function someoneIsThere(): bool
    {
        return $this->input->isInteractive() && ((defined('STDIN') && stream_isatty(STDIN)) || $this->laravel->runningUnitTests());
    }

    protected function wantsJson(): bool
    {
        return $this->hasOption('json') && $this->option('json') === true;
    }

    protected function json(mixed $value): void
    {
        $this->output->writeln(
            (string) json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE),
            \Symfony\Component\Console\Output\OutputInterface::OUTPUT_RAW
        );
    }

    /**
     * A text that a client or a user chose, made harmless for a terminal.
     */
    protected static function plain(string $text): string
    {
        return OutputFormatter::escape((string) preg_replace('/[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/', '?', $text));
    }
}
