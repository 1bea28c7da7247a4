<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;

/** What PHP has heard from the daemon, on its way back to the browsers. */
final class DaemonTold implements ShouldBroadcastNow
{
    public function __construct(private readonly string $text, private readonly float $happenedAt)
    {
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel('told');
    }

    /** @return array{text: string, happened_at: float} */
    public function broadcastWith(): array
    {
        return ['text' => $this->text, 'happened_at' => $this->happenedAt];
    }
}
