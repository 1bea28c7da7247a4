<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A user has come to a presence channel, with the first of the user's connections.
 */
final class MemberAdded extends DaemonEvent
{
    /**
     * @param  array<array-key, mixed>|null  $info  what the channel's callback returned for the user; null where that was no
     *                                              array, or the user had left again when it was told
     */
    public function __construct(
        string $connection,
        public readonly string $channel,
        public readonly string $userId,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
        public readonly ?array $info = null,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }
}
