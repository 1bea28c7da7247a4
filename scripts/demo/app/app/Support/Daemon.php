<?php

declare(strict_types=1);

namespace App\Support;

use Fanfare\Client;
use Fanfare\Stats;

/** The daemon that this process publishes to, asked for its figures on the same socket. */
final class Daemon
{
    private ?Stats $last = null;

    private int $lastAt = 0;

    private float $lastProcessor = 0;

    public function __construct(private readonly Client $client)
    {
    }

    public static function connect(): self
    {
        $connection = config('broadcasting.connections.fanfare');

        return new self(new Client($connection['app_id'], $connection['secret'], $connection['options']['socket']));
    }

    /** Where its figures are told; each node of a cluster has its own channel, named by the port that browsers know. */
    public static function channel(): string
    {
        return 'daemon.'.config('broadcasting.connections.fanfare.options.port');
    }

    public function isWatched(): bool
    {
        return $this->client->channel('private-'.self::channel())->occupied;
    }

    /** @return array<string, mixed> rates are those since the last call; null in the first one, and after a restart */
    public function figures(): array
    {
        $trips = [];
        for ($trip = 0; $trip < 5; $trip++) {
            $trips[] = $this->client->ping();
        }
        sort($trips);

        $stats = $this->client->stats();
        $now = hrtime(true);
        $processor = $this->processorSeconds($stats->pid);
        $seconds = $this->last?->pid === $stats->pid ? ($now - $this->lastAt) / 1e9 : null;
        $rate = fn (float $more): ?float => $seconds === null ? null : $more / $seconds;

        $figures = [
            'version' => $stats->version,
            'uptime' => $stats->uptime,
            'connections' => $stats->connections,
            'channels' => $stats->channels,
            'messages' => $rate($stats->messagesOut - ($this->last->messagesOut ?? 0)),
            'bytes' => $rate($stats->bytesOut - ($this->last->bytesOut ?? 0)),
            'dropped' => $stats->dropped,
            'trip' => $trips[2] * 1e6,
            'memory' => $this->residentBytes($stats->pid),
            'processor' => $processor === null ? null : $rate($processor - $this->lastProcessor),
        ];
        [$this->last, $this->lastAt, $this->lastProcessor] = [$stats, $now, $processor ?? 0];

        return $figures;
    }

    /** As the kernel counts it; null where /proc does not tell. */
    private function residentBytes(int $pid): ?int
    {
        $pages = @file_get_contents("/proc/{$pid}/statm");

        return $pages === false ? null : (int) explode(' ', $pages)[1] * 4096;
    }

    /** User and system time of the daemon since its start, of all its threads. */
    private function processorSeconds(int $pid): ?float
    {
        $line = @file_get_contents("/proc/{$pid}/stat");
        if ($line === false) {
            return null;
        }
        // The name in brackets may hold blanks; the times are the 12th and 13th field behind it, in hundredths.
        $fields = explode(' ', substr($line, strrpos($line, ')') + 2));

        return ((int) $fields[11] + (int) $fields[12]) / 100;
    }
}
