<?php

declare(strict_types=1);

namespace App\Events;

use App\Models\Message;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Foundation\Events\Dispatchable;

/** A message for everybody's feed, broadcast at once from the process that posts it. */
final class MessagePosted implements ShouldBroadcastNow
{
    use Dispatchable;

    public function __construct(private readonly Message $message, private readonly ?string $ref = null)
    {
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel('feed');
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return [
            ...$this->message->forFeed(),
            'ref' => $this->ref,
            // Milliseconds of the epoch: on one machine the page can tell how long the way here took.
            'sent_at' => microtime(true) * 1000,
        ];
    }
}
