<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Fanfare\Laravel\Exceptions\PublishException;
use JsonException;

/**
 * One event on one or many channels, as it goes to the daemon.
 */
final class Message
{
    /**
     * @param  non-empty-list<string>  $channels
     * @param  array<array-key, mixed>|string  $payload  a string is the text that clients receive, an array is encoded
     * @param  ?string  $except  socket id of the connection that shall not receive it
     * @param  ?string  $key  a second message with the same key is not sent again
     * @param  ?string  $traceparent  the trace that it belongs to
     */
    public function __construct(
        public readonly array $channels,
        public readonly string $event,
        public readonly array|string $payload = [],
        public readonly ?string $except = null,
        public readonly ?string $key = null,
        public readonly ?string $traceparent = null,
    ) {
    }

    /**
     * The text that clients receive.
     *
     * @throws PublishException
     */
    public function encodedPayload(): string
    {
        return is_string($this->payload) ? $this->payload : self::encode($this->payload);
    }

    /**
     * As the extension encodes an array.
     *
     * @param  array<array-key, mixed>  $payload
     *
     * @throws PublishException
     */
    public static function encode(array $payload): string
    {
        try {
            return json_encode($payload, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
        } catch (JsonException $e) {
            throw new PublishException('the payload cannot be JSON: '.$e->getMessage(), false, $e);
        }
    }
}
