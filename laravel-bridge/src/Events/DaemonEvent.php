<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * Something that has happened in the daemon.
 */
abstract class DaemonEvent implements FromDaemon
{
    /**
     * @param  string  $connection  name of the broadcasting connection
     * @param  string  $id  the same whenever the event comes again; empty if the daemon had none to give
     * @param  float  $time  when it happened, in seconds since 1970
     * @param  int  $attempt  1, and one more each time that a listener failed or its process ended
     * @param  int  $order  rises with each event, as long as the daemon lives
     */
    public function __construct(
        public readonly string $connection,
        public readonly string $id = '',
        public readonly float $time = 0.0,
        public readonly int $attempt = 1,
        public readonly int $order = 0,
    ) {
    }
}
