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
    /**
     * @param  object  $event
     * @param  DirectConnections  $connections  those that it goes to
     */
    public function __construct($event, public readonly DirectConnections $connections)
    {
        parent::__construct($event);
    }

    public function handle(Factory $manager): void
    {
        parent::handle($this->connections);
    }
}
