<?php

declare(strict_types=1);

namespace App\Events;

use App\Support\Daemon;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;

/** What the daemon is doing, told once a second by demo:report to whoever looks. */
final class DaemonReported implements ShouldBroadcastNow
{
    /** @param  array<string, mixed>  $figures */
    public function __construct(private readonly array $figures)
    {
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel(Daemon::channel());
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return $this->figures;
    }
}
