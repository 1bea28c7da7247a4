<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;

/** Broadcast by the queue worker, under a name of its own. */
final class Queued implements ShouldBroadcast
{
    use Dispatchable;
    use InteractsWithSockets;

    public function __construct(private readonly string $channel, private readonly mixed $value = null) {}

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel($this->channel);
    }

    public function broadcastAs(): string
    {
        return 'was.queued';
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return ['value' => $this->value, 'pid' => getmypid()];
    }
}
