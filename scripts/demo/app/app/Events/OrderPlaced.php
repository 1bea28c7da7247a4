<?php

declare(strict_types=1);

namespace App\Events;

use App\Models\Order;
use Illuminate\Broadcasting\InteractsWithBroadcasting;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/**
 * An ordinary event that Laravel queues. OrderController broadcasts it twice, via two connections of
 * config/broadcasting.php: "direct" publishes it at once, "queued" leaves it to the queue worker.
 */
final class OrderPlaced implements ShouldBroadcast
{
    use InteractsWithBroadcasting;

    /** @var array{number: int, item: string, city: string, quantity: int} */
    public readonly array $order;

    /** When the application said broadcast(), in milliseconds of the epoch; the way through the queue comes after it. */
    public readonly float $dispatchedAt;

    public function __construct(Order $order)
    {
        $this->order = $order->forBoard();
        $this->dispatchedAt = microtime(true) * 1000;
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel('orders');
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return [...$this->order, 'by' => $this->broadcastConnections()[0], 'dispatched_at' => $this->dispatchedAt];
    }
}
