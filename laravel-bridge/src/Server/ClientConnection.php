<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

/**
 * An open WebSocket of a client.
 */
final class ClientConnection
{
    /**
     * @param  ?string  $userId  the user who has signed in
     * @param  string  $address  as the daemon sees it, or a trusted proxy tells it
     * @param  float  $openedAt  seconds since 1970
     * @param  int  $subscriptions  channels
     */
    public function __construct(
        public readonly string $socketId,
        public readonly ?string $userId = null,
        public readonly string $address = '',
        public readonly float $openedAt = 0.0,
        public readonly int $subscriptions = 0,
    ) {
    }
}
