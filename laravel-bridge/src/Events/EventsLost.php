<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * Events are missing here: more happened than wait for a group whose workers are away, or the daemon was restarted. Whoever keeps
 * a state by them asks for it anew: Fanfare::channels(), Fanfare::members(), or the option --snapshot of fanfare:listen.
 */
final class EventsLost extends DaemonEvent
{
    /**
     * @param  ?int  $count  how many; null if nobody knows
     */
    public function __construct(
        string $connection,
        public readonly ?int $count = null,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
