<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

/**
 * The daemon's own figures. Connections and channels are those of the application on this daemon, the rest is counted since
 * its start over all of its applications.
 */
final class Stats
{
    /**
     * @param  int  $uptime  seconds
     * @param  bool  $draining  it is letting go of its clients
     * @param  array<string, int|bool|string>  $extra  what else it tells of itself and its configuration: docs/ipc.md has the names
     */
    public function __construct(
        public readonly string $version = '',
        public readonly int $pid = 0,
        public readonly int $uptime = 0,
        public readonly int $connections = 0,
        public readonly int $channels = 0,
        public readonly int $messagesIn = 0,
        public readonly int $messagesOut = 0,
        public readonly int $bytesOut = 0,
        public readonly int $dropped = 0,
        public readonly bool $draining = false,
        public readonly array $extra = [],
    ) {
    }
}
