<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;

/** Queued within a transaction; the job is pushed when it commits. */
final class QueuedAfterCommit implements ShouldBroadcast
{
    use Dispatchable;

    public bool $afterCommit = true;

    public function __construct(private readonly string $channel, public readonly mixed $value = null) {}

    public function broadcastOn(): Channel
    {
        return new Channel($this->channel);
    }
}
