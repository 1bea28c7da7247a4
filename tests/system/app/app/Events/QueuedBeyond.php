<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Throwable;

/** Goes out on the default connection and then on one that does not exist, so that the worker tries it again. */
final class QueuedBeyond implements ShouldBroadcast
{
    public int $tries = 3;

    public function __construct(private readonly string $channel) {}

    /** @return list<?string> */
    public function broadcastConnections(): array
    {
        return [null, 'missing'];
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel($this->channel);
    }

    public function broadcastAs(): string
    {
        return 'was.tried';
    }

    /** After the last attempt. */
    public function failed(?Throwable $e): void
    {
        event(new Now([new PrivateChannel($this->channel)], $e?->getMessage()));
    }
}
