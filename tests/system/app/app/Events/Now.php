<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Foundation\Events\Dispatchable;

/** Broadcast at once, in the process that fires it. */
final class Now implements ShouldBroadcastNow
{
    use Dispatchable;
    use InteractsWithSockets;

    /** @param array<int, mixed> $channels */
    public function __construct(private readonly array $channels, public readonly mixed $value = null) {}

    /** @return array<int, mixed> */
    public function broadcastOn(): array
    {
        return $this->channels;
    }
}
