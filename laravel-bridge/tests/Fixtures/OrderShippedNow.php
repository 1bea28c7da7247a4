<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Foundation\Events\Dispatchable;

class OrderShippedNow implements ShouldBroadcastNow
{
    use Dispatchable;
    use InteractsWithSockets;

    /**
     * @param  list<string>  $channels
     */
    public function __construct(public int $order, private readonly array $channels = ['orders'])
    {
    }

    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return $this->channels;
    }
}
