<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\EncryptedPrivateChannel;
use Illuminate\Broadcasting\InteractsWithBroadcasting;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use RuntimeException;

/** An event that Laravel queues, with what it is told to have; the pid says who has sent it. */
class Changed implements ShouldBroadcast
{
    use InteractsWithBroadcasting;
    use InteractsWithSockets;

    public ?string $queue = null;

    public ?string $connection = null;

    public ?int $delay = null;

    public ?bool $afterCommit = null;

    final public function __construct(private readonly string $channel, private readonly mixed $value, private readonly bool $encrypted) {}

    /** @param array<string, mixed> $in */
    public static function of(array $in): static
    {
        $class = match ($in['kind'] ?? null) {
            'unique' => ChangedOnce::class,
            'attribute' => ChangedElsewhere::class,
            default => self::class,
        };
        $event = new $class($in['channel'], $in['value'] ?? null, $in['encrypted'] ?? false);
        foreach ($in['set'] ?? [] as $property => $value) {
            $event->{$property} = $value;
        }
        if (isset($in['via'])) {
            $event->broadcastVia($in['via']);
        }

        return $event;
    }

    public function broadcastOn(): Channel
    {
        return $this->encrypted ? new EncryptedPrivateChannel($this->channel) : new PrivateChannel($this->channel);
    }

    public function broadcastAs(): string
    {
        return 'changed';
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return match ($this->value) {
            'throw' => throw new RuntimeException('nothing to broadcast with'),
            'huge' => ['value' => str_repeat('x', 200_000)],
            default => ['value' => $this->value, 'pid' => getmypid()],
        };
    }
}
