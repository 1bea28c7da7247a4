<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Contracts\Events\ShouldDispatchAfterCommit;
use Illuminate\Foundation\Events\Dispatchable;

/** Fired within a transaction, broadcast when it commits. */
final class AfterCommit implements ShouldBroadcastNow, ShouldDispatchAfterCommit
{
    use Dispatchable;

    public function __construct(private readonly string $channel, public readonly mixed $value = null) {}

    public function broadcastOn(): Channel
    {
        return new Channel($this->channel);
    }
}
