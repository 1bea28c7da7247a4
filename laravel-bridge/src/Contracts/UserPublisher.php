<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Exceptions\PublishException;
use Illuminate\Contracts\Auth\Authenticatable;

/**
 * Speaks to a user, wherever he has signed in.
 */
interface UserPublisher
{
    /**
     * Sends an event to every connection on which this user has signed in (pusher.signin() in the browser).
     *
     * @param  array<array-key, mixed>|string  $payload
     * @param  ?string  $except  socket id of the connection that shall not receive it
     * @param  ?string  $key  a second event with the same key is not sent again
     *
     * @throws PublishException
     */
    public function sendToUser(
        Authenticatable|string|int $user,
        string $event,
        array|string $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): void;
}
