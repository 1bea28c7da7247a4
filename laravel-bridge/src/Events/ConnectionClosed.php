<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A browser is gone.
 */
final class ConnectionClosed extends DaemonEvent
{
    /**
     * @param  ?string  $userId  if it had signed in
     */
    public function __construct(
        string $connection,
        public readonly string $socketId,
        public readonly ?string $userId = null,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
