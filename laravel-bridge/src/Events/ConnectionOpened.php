<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A browser has connected.
 */
final class ConnectionOpened extends DaemonEvent
{
    public function __construct(
        string $connection,
        public readonly string $socketId,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
