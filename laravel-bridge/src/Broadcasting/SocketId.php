<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

final class SocketId
{
    /**
     * The socket id if it is one, else null: browsers send "undefined" before they are connected.
     */
    public static function valid(mixed $id): ?string
    {
        return is_string($id) && strlen($id) <= 64 && preg_match('/\A\d+\.\d+\z/', $id) === 1 ? $id : null;
    }
}
