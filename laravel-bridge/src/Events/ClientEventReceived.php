<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * A browser has sent an event to a channel (Echo's whisper()).
 */
final class ClientEventReceived extends DaemonEvent
{
    /**
     * @param  string  $event  as it is on the wire: "client-typing" of whisper('typing')
     * @param  ?string  $data  the text that the browser sent; JSON if it sent no text; payload() decodes it
     * @param  ?string  $userId  on presence channels
     */
    public function __construct(
        string $connection,
        public readonly string $channel,
        public readonly string $event,
        public readonly ?string $data = null,
        public readonly ?string $socketId = null,
        public readonly ?string $userId = null,
        string $id = '',
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
    ) {
        parent::__construct($connection, $id, $time, $attempt, $order);
    }

    /**
     * The data, decoded if it is JSON, else the text.
     */
    public function payload(): mixed
    {
        $payload = $this->data === null ? null : json_decode($this->data, true);

        return $payload === null && $this->data !== 'null' ? $this->data : $payload;
    }
}
