<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;

/** A piece of an answer, broadcast as soon as the model has written it. */
final class TokenWritten implements ShouldBroadcastNow
{
    public function __construct(
        private readonly string $answer,
        private readonly int $number,
        private readonly int $of,
        private readonly string $text,
    ) {
    }

    public function broadcastOn(): PrivateChannel
    {
        return new PrivateChannel('tokens');
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return [
            'answer' => $this->answer,
            'number' => $this->number,
            'of' => $this->of,
            'text' => $this->text,
            'sent_at' => microtime(true) * 1000,
        ];
    }
}
