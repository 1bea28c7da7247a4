<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

use Closure;
use Illuminate\Broadcasting\InteractsWithBroadcasting;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;
use RuntimeException;

/**
 * A queued event with all that may be asked of one.
 */
class OrderChanged implements ShouldBroadcast
{
    use Dispatchable;
    use InteractsWithBroadcasting;
    use InteractsWithSockets;

    /** @var list<Closure(object, Closure): mixed> */
    public static array $middleware = [];

    public function __construct(public int|string $order, private readonly bool $when = true)
    {
    }

    public function broadcastOn(): string
    {
        return 'orders';
    }

    public function broadcastAs(): string
    {
        return 'order.changed';
    }

    /**
     * @return array<string, mixed>
     */
    public function broadcastWith(): array
    {
        return ['order' => $this->order === 'throw' ? throw new RuntimeException('no such order') : $this->order];
    }

    public function broadcastWhen(): bool
    {
        return $this->when;
    }

    /**
     * @return list<Closure(object, Closure): mixed>
     */
    public function middleware(): array
    {
        return self::$middleware;
    }
}
