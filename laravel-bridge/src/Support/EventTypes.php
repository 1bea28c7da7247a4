<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Fanfare\Laravel\Events;

/**
 * What the daemon calls its events, and what Laravel's are.
 */
final class EventTypes
{
    /** @var array<string, class-string<Events\DaemonEvent>> */
    public const CLASSES = [
        'channel_occupied' => Events\ChannelOccupied::class,
        'channel_vacated' => Events\ChannelVacated::class,
        'member_added' => Events\MemberAdded::class,
        'member_removed' => Events\MemberRemoved::class,
        'client_event' => Events\ClientEventReceived::class,
        'cache_miss' => Events\CacheMissed::class,
        'subscription_count' => Events\SubscriptionCountChanged::class,
        'connection_opened' => Events\ConnectionOpened::class,
        'connection_closed' => Events\ConnectionClosed::class,
        'user_online' => Events\UserOnline::class,
        'user_offline' => Events\UserOffline::class,
    ];
}
