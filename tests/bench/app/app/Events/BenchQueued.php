<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/** What tests/bench/direct.php dispatches and a worker finds. */
final class BenchQueued implements ShouldBroadcast
{
    public function __construct(public readonly int $id, public readonly string $text) {}

    /** @return list<Channel> */
    public function broadcastOn(): array
    {
        return [new Channel('bench-direct')];
    }
}
