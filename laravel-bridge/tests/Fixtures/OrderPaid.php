<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/**
 * An ordinary queued event, on as many connections and channels as a test wants; the order is another each time.
 */
final class OrderPaid implements ShouldBroadcast
{
    /** @var list<string> */
    public static array $connections = ['fanfare'];

    /** @var list<string> */
    public static array $channels = ['orders'];

    /**
     * @return list<string>
     */
    public function broadcastConnections(): array
    {
        return self::$connections;
    }

    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return self::$channels = array_reverse(self::$channels);
    }

    /**
     * @return array<string, mixed>
     */
    public function broadcastWith(): array
    {
        return ['order' => 1];
    }
}
