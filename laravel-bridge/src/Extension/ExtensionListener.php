<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Extension;

use Fanfare;
use Fanfare\Laravel\Contracts\Listener;
use Fanfare\Laravel\Events;
use Fanfare\Laravel\Events\DaemonEvent;
use Fanfare\Laravel\Events\SnapshotTaken;
use Fanfare\Laravel\Server\Member;
use WeakMap;

/**
 * The extension's listener, with Laravel's events. Loaded only where the extension is.
 */
final class ExtensionListener implements Listener
{
    /** @var WeakMap<DaemonEvent, Fanfare\Event> those that are not settled */
    private WeakMap $received;

    private ?Fanfare\Snapshot $taken = null;

    public function __construct(private readonly Fanfare\Listener $listener, private readonly string $connection)
    {
        $this->received = new WeakMap;
    }

    public function receive(float $timeout): ?DaemonEvent
    {
        try {
            $event = $this->listener->receive($timeout);
        } catch (Fanfare\Exception $e) {
            throw ExtensionGateway::listeningFailed($e);
        }

        if ($event === null) {
            return null;
        }

        $known = $this->translate($event->type->value, $event);

        if ($known === null) {
            // Of a type that this package does not know and has not asked for.
            $this->listener->ack($event);

            return null;
        }

        $this->received[$known] = $event;

        return $known;
    }

    public function ack(DaemonEvent $event): void
    {
        if (isset($this->received[$event])) {
            $this->listener->ack($this->received[$event]);
            unset($this->received[$event]);
        }
    }

    public function release(DaemonEvent $event): void
    {
        if (isset($this->received[$event])) {
            $this->listener->release($this->received[$event]);
            unset($this->received[$event]);
        }
    }

    public function takeSnapshot(): ?SnapshotTaken
    {
        $snapshot = $this->listener->snapshot();

        if ($snapshot === null || $snapshot === $this->taken) {
            return null;
        }

        $this->taken = $snapshot;

        return new SnapshotTaken($this->connection, $snapshot->channels, array_map(
            static fn (array $members): array => array_map(
                static fn (Fanfare\Member $member): Member => new Member($member->id, $member->info), $members
            ), $snapshot->members
        ), $snapshot->order);
    }

    public function close(): void
    {
        $this->listener->close();
    }

    /**
     * @return array<array-key, mixed>|null
     */
    private static function info(?string $json): ?array
    {
        $info = $json === null ? null : json_decode($json, true);

        return is_array($info) ? $info : null;
    }

    private function translate(string $type, Fanfare\Event $event): ?DaemonEvent
    {
        $common = ['connection' => $this->connection, 'id' => $event->id, 'time' => $event->time, 'attempt' => $event->attempt, 'order' => $event->order];
        $channel = (string) $event->channel;
        $userId = (string) $event->userId;
        $socketId = (string) $event->socketId;

        return match ($type) {
            'channel_occupied' => new Events\ChannelOccupied(...$common, channel: $channel),
            'channel_vacated' => new Events\ChannelVacated(...$common, channel: $channel),
            'member_added' => new Events\MemberAdded(...$common, channel: $channel, userId: $userId, info: self::info($event->data)),
            'member_removed' => new Events\MemberRemoved(...$common, channel: $channel, userId: $userId),
            'client_event' => new Events\ClientEventReceived(...$common, channel: $channel, event: (string) $event->event,
                data: $event->data, socketId: $event->socketId, userId: $event->userId),
            'cache_miss' => new Events\CacheMissed(...$common, channel: $channel),
            'subscription_count' => new Events\SubscriptionCountChanged(...$common, channel: $channel, count: (int) $event->count),
            'connection_opened' => new Events\ConnectionOpened(...$common, socketId: $socketId),
            'connection_closed' => new Events\ConnectionClosed(...$common, socketId: $socketId, userId: $event->userId),
            'user_online' => new Events\UserOnline(...$common, userId: $userId),
            'user_offline' => new Events\UserOffline(...$common, userId: $userId),
            'events_lost' => new Events\EventsLost(...$common, count: $event->count),
            default => null,
        };
    }
}
