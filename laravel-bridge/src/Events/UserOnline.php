<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A user has signed in, with the first of the user's connections.
 */
final class UserOnline extends DaemonEvent
{
    public function __construct(
        string $connection,
        public readonly string $userId,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
