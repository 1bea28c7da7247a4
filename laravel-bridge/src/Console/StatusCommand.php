<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Carbon\CarbonInterval;
use Fanfare\Laravel\Support\Daemon\Configuration;
use Illuminate\Support\Number;
use Symfony\Component\Console\Attribute\AsCommand;
use Symfony\Component\Console\Formatter\OutputFormatter;

#[AsCommand(name: 'fanfare:status')]
final class StatusCommand extends FanfareCommand
{
    /** @var string */
    protected $signature = 'fanfare:status
        {--connection= : The connection of config/broadcasting.php whose daemon is asked}
        {--json : Answer as JSON}';

    /** @var string */
    protected $description = 'Show whether the daemon answers, and what it is doing';

    /** @var string */
    protected $help = <<<'TXT'
          php artisan fanfare:status
          php artisan fanfare:status --json | jq .connections

        Exit codes, for scripts and monitoring: 0 the daemon answers, 1 it does not or refuses this application, 2 misconfigured (no
        extension, no credentials, no such connection).
        TXT;

    public function handle(): int
    {
        return $this->guarded(function (): int {
            $connection = $this->connection();
            $gateway = $this->gateway($connection);

            return $this->guarded(function () use ($connection, $gateway): int {
                // The first one opens the connection, which is not what a publish pays.
                $stats = $gateway->stats();
                $seconds = $gateway->ping();
                $own = $gateway->connectionCount();

                $figures = [
                    'connection' => $connection->name,
                    'app_id' => $connection->appId,
                    'socket' => Configuration::socketOf($connection),
                    'version' => $stats->version,
                    'pid' => $stats->pid,
                    'uptime' => $stats->uptime,
                    'draining' => $stats->draining,
                    'round_trip_ms' => round($seconds * 1_000, 3),
                    'connections' => $own,
                    'channels' => $stats->channels,
                    'messages_in' => $stats->messagesIn,
                    'messages_out' => $stats->messagesOut,
                    'bytes_out' => $stats->bytesOut,
                    'dropped' => $stats->dropped,
                    'daemon' => (object) $stats->extra,
                ];

                if ($this->wantsJson()) {
                    $this->json(['running' => true] + $figures);

                    return self::SUCCESS;
                }

                $this->newLine();
                $this->components->twoColumnDetail(
                    '<fg=green;options=bold>Fanfare</>',
                    $stats->draining ? '<fg=yellow;options=bold>LETTING GO OF ITS CLIENTS</>' : '<fg=green;options=bold>RUNNING</>'
                );
                foreach ([
                    'Daemon' => sprintf('%s <fg=gray>/</> process %d <fg=gray>/</> up for %s', OutputFormatter::escape($stats->version), $stats->pid,
                        CarbonInterval::seconds($stats->uptime)->cascade()->forHumans(['short' => true, 'parts' => 2])),
                    'Socket' => OutputFormatter::escape(Configuration::socketOf($connection)),
                    'Round trip' => sprintf('%.2f ms', $seconds * 1_000),
                    'Application' => sprintf('%s <fg=gray>/</> %s <fg=gray>/</> %s', OutputFormatter::escape((string) $connection->appId),
                        self::count($own, 'connection'), self::count($stats->channels, 'channel')),
                    'Memory' => is_int($memory = $stats->extra['memory'] ?? null) && $memory > 0 ? Number::fileSize($memory, 1) : null,
                    'Nodes of the cluster' => is_int($nodes = $stats->extra['nodes'] ?? null) && $nodes > 1 ? (string) $nodes : null,
                    'Messages of all applications' => sprintf('%s from clients <fg=gray>/</> %s to clients', number_format($stats->messagesIn), number_format($stats->messagesOut)),
                    'Clients closed because they were too slow' => number_format($stats->dropped),
                ] as $label => $value) {
                    if ($value !== null) {
                        $this->components->twoColumnDetail($label, $value);
                    }
                }
                $this->newLine();

                return self::SUCCESS;
            }, $connection);
        });
    }

    protected function failed(string $reason, ?string $fix, int $code): int
    {
        if ($this->wantsJson()) {
            $this->json(['running' => false, 'error' => $reason, 'fix' => $fix]);

            return $code;
        }

        return parent::failed($reason, $fix, $code);
    }

    private static function count(int $count, string $thing): string
    {
        return number_format($count).' '.$thing.($count === 1 ? '' : 's');
    }
}
