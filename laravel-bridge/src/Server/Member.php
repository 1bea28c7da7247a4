<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

/**
 * A user on a presence channel.
 */
final class Member
{
    /**
     * @param  mixed  $info  what the channel's callback returned for the user, as an array where it was an object
     */
    public function __construct(
        public readonly string $id,
        public readonly mixed $info = null,
    ) {
    }
}
