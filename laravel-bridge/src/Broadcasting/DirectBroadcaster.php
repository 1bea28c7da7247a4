<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Illuminate\Contracts\Broadcasting\Broadcaster;

/**
 * A connection as an event finds it that is published directly.
 */
final class DirectBroadcaster implements Broadcaster
{
    public function __construct(private readonly FanfareBroadcaster $broadcaster)
    {
    }

    public function auth($request): mixed
    {
        return $this->broadcaster->auth($request);
    }

    public function validAuthenticationResponse($request, $result): mixed
    {
        return $this->broadcaster->validAuthenticationResponse($request, $result);
    }

    /**
     * @param  array<array-key, mixed>  $channels
     * @param  string  $event
     * @param  array<array-key, mixed>  $payload
     */
    public function broadcast(array $channels, $event, array $payload = []): void
    {
        $this->broadcaster->broadcastDirectly($channels, $event, $payload);
    }
}
