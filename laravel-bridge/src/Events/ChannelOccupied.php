<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A channel has its first subscriber.
 */
final class ChannelOccupied extends DaemonEvent
{
    public function __construct(
        string $connection,
        public readonly string $channel,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
