<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Contracts\Broadcasting\Factory;

/**
 * The connections as an event finds them that is published directly. Events that it dispatches on the way, in its
 * broadcastWith() say, are none of these and find the others.
 */
final class DirectConnections implements Factory
{
    public function __construct(private readonly Factory $connections)
    {
    }

    public function connection($name = null): Broadcaster
    {
        $broadcaster = $this->connections->connection($name);

        return $broadcaster instanceof FanfareBroadcaster ? new DirectBroadcaster($broadcaster) : $broadcaster;
    }
}
