<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * The last connection of a user that had signed in has ended.
 */
final class UserOffline extends DaemonEvent
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
