<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Compat;

/**
 * A webhook whose signature is right, with the methods of the SDK's class of that name.
 */
final class Webhook
{
    /**
     * @param  list<object>  $events
     */
    public function __construct(
        private readonly int $timeMs,
        private readonly array $events,
    ) {
    }

    /**
     * @return list<object>
     */
    public function get_events(): array
    {
        return $this->events;
    }

    public function get_time_ms(): int
    {
        return $this->timeMs;
    }
}
