<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

use Fanfare\Laravel\Exceptions\PublishException;
use Illuminate\Contracts\Auth\Authenticatable;

final class UserId
{
    private const MAX = 128;

    /**
     * The id by which browsers know a user.
     */
    public static function of(object|string|int $user): string
    {
        if (! is_object($user)) {
            return (string) $user;
        }

        /**
         * As in Laravel's own drivers whatever the guard returns is taken for one.
         *
         * @var Authenticatable $user
         * @var scalar|\Stringable|null $id
         */
        $id = method_exists($user, 'getAuthIdentifierForBroadcasting')
            ? $user->getAuthIdentifierForBroadcasting()
            : $user->getAuthIdentifier();

        return (string) $id;
    }

    /**
     * The same if a connection can have signed in with it.
     *
     * @throws PublishException
     */
    public static function valid(Authenticatable|string|int $user): string
    {
        $id = self::of($user);

        if ($id === '' || strlen($id) > self::MAX || preg_match('//u', $id) !== 1) {
            throw new PublishException('a user id must have between 1 and '.self::MAX.' bytes of UTF-8', false);
        }

        return $id;
    }
}
