<?php

declare(strict_types=1);

namespace Fanfare\Laravel;

use Fanfare\Laravel\Broadcasting\FanfareBroadcaster;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Server\Server;
use Fanfare\Laravel\Support\Publishers;
use Fanfare\Laravel\Testing\FakePublisher;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Container\Container;
use Illuminate\Contracts\Auth\Authenticatable;
use InvalidArgumentException;

/**
 * The daemon for everything besides broadcasting, which Laravel does itself. Each method but connection() and fake()
 * speaks for the default broadcasting connection.
 */
final class Fanfare
{
    /**
     * Records broadcasts instead of sending them, for the rest of the test: neither extension nor daemon is needed.
     */
    public static function fake(): FakePublisher
    {
        $fake = new FakePublisher;

        Container::getInstance()->make(Publishers::class)->fake($fake);

        return $fake;
    }

    /**
     * The daemon of a broadcasting connection. Null is the default one if its driver is Fanfare, else "fanfare".
     *
     * @throws InvalidArgumentException for a connection of another driver
     */
    public static function connection(?string $name = null): Server
    {
        $manager = Container::getInstance()->make(BroadcastManager::class);
        $driver = $manager->connection($name);

        if ($name === null && ! $driver instanceof FanfareBroadcaster) {
            $driver = $manager->connection('fanfare');
        }

        if (! $driver instanceof FanfareBroadcaster) {
            throw new InvalidArgumentException("The broadcasting connection [{$name}] is not of the driver \"fanfare\".");
        }

        return $driver->server();
    }

    /**
     * Sends an event to every connection on which this user has signed in.
     *
     * @param  array<array-key, mixed>|string  $payload
     *
     * @throws PublishException
     */
    public static function sendToUser(
        Authenticatable|string|int $user,
        string $event,
        array|string $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): void {
        self::connection()->sendToUser($user, $event, $payload, $except, $key);
    }

    /**
     * Ends all connections of a user; returns how many there were.
     *
     * @throws PublishException
     */
    public static function terminateUser(Authenticatable|string|int $user): int
    {
        return self::connection()->terminateUser($user);
    }

    /**
     * Ends one connection; false if there is none with this socket id.
     *
     * @throws PublishException
     */
    public static function disconnect(string $socketId): bool
    {
        return self::connection()->disconnect($socketId);
    }

    /**
     * The channels with subscribers, by name, in no order.
     *
     * @return array<array-key, Channel>
     *
     * @throws PublishException
     */
    public static function channels(string $prefix = '', bool $cache = false): array
    {
        return self::connection()->channels($prefix, $cache);
    }

    /**
     * @throws PublishException
     */
    public static function channel(string $name, bool $cache = false): Channel
    {
        return self::connection()->channel($name, $cache);
    }

    /**
     * The users on a presence channel, each once, in the order in which they came.
     *
     * @return list<Member>
     *
     * @throws PublishException
     */
    public static function members(string $channel): array
    {
        return self::connection()->members($channel);
    }

    /**
     * Open WebSockets of the application.
     *
     * @throws PublishException
     */
    public static function connections(): int
    {
        return self::connection()->connections();
    }
}
