<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A user has come to a presence channel, with the first of the user's connections.
 */
final class MemberAdded extends DaemonEvent
{
    /**
     * @param  mixed  $info  what the channel's callback returned for the user, as an array where it was an object; null if the daemon does not say
     */
    public function __construct(
        string $connection,
        public readonly string $channel,
        public readonly string $userId,
        public readonly mixed $info = null,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
