<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Exceptions\PublishException;
use Illuminate\Contracts\Auth\Authenticatable;

/**
 * Ends WebSockets of browsers.
 */
interface Terminator
{
    /**
     * Ends all connections of a user, signed in or on a presence channel as this user; returns how many there were.
     *
     * @throws PublishException
     */
    public function terminateUser(Authenticatable|string|int $user): int;

    /**
     * Ends one connection; false if there is none with this socket id.
     *
     * @throws PublishException
     */
    public function terminateConnection(string $socketId): bool;
}
