<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * Somebody has subscribed to a cache channel that keeps no event: broadcast one, and it will be kept.
 */
final class CacheMissed extends DaemonEvent
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
