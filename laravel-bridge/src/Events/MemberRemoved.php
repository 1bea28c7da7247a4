<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A user has left a presence channel, with the last of the user's connections.
 */
final class MemberRemoved extends DaemonEvent
{
    public function __construct(
        string $connection,
        public readonly string $channel,
        public readonly string $userId,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
