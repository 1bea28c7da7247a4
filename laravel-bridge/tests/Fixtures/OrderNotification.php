<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

use Illuminate\Notifications\Messages\BroadcastMessage;
use Illuminate\Notifications\Notification;

final class OrderNotification extends Notification
{
    /**
     * @return list<string>
     */
    public function via(): array
    {
        return ['broadcast'];
    }

    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return ['orders'];
    }

    public function toBroadcast(): BroadcastMessage
    {
        return new BroadcastMessage(['order' => 1]);
    }
}
