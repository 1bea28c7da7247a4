<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Contracts\Broadcasting\Factory;

/**
 * Laravel's own job for an event, with all that it asks the event, but run at once and never put on a queue. What falls
 * back to the queue is the finished broadcast (RepublishBroadcast).
 */
final class DirectBroadcast extends BroadcastEvent
{
    public function handle(Factory $manager): void
    {
        parent::handle(new DirectConnections($manager));
    }
}
