<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;

final class OrderShipped implements ShouldBroadcast
{
    use Dispatchable;

    public int $tries = 2;

    public function __construct(public int $order)
    {
    }

    public function broadcastOn(): string
    {
        return 'orders';
    }
}
