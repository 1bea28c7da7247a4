<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\SocketId;
use Fanfare\Laravel\Contracts\Publisher;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Publishers;
use Illuminate\Contracts\Auth\Authenticatable;
use SensitiveParameter;

/**
 * What an application can ask the daemon besides broadcasting, for the application of one broadcasting connection.
 * Failures are thrown, whatever the connection's on_failure says: the caller wants an answer.
 */
final class Server
{
    private const USER_CHANNEL = '#server-to-user-';

    public function __construct(
        #[SensitiveParameter] private readonly Connection $connection,
        private readonly Publishers $publishers,
    ) {
    }

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
    ): void {
        $channel = self::USER_CHANNEL.UserId::valid($user);

        $this->publisher()->publish([new Message([$channel], $event, $payload, SocketId::valid($except), $key)]);
    }

    /**
     * Ends all connections of a user, signed in or on a presence channel as this user; returns how many there were.
     *
     * @throws PublishException
     */
    public function terminateUser(Authenticatable|string|int $user): int
    {
        return $this->publisher()->terminateUser(UserId::valid($user));
    }

    /**
     * Ends one connection; false if there is none with this socket id.
     *
     * @throws PublishException
     */
    public function disconnect(string $socketId): bool
    {
        return SocketId::valid($socketId) !== null && $this->publisher()->disconnect($socketId);
    }

    /**
     * The channels with subscribers, by name, in no order.
     *
     * @param  bool  $cache  also the last events of cache channels
     * @return array<array-key, Channel>
     *
     * @throws PublishException
     */
    public function channels(string $prefix = '', bool $cache = false): array
    {
        return $this->publisher()->channels($prefix, $cache);
    }

    /**
     * A channel that nobody is on is an answer, too.
     *
     * @throws PublishException
     */
    public function channel(string $name, bool $cache = false): Channel
    {
        return $this->publisher()->channel($name, $cache);
    }

    /**
     * The users on a presence channel, each once, in the order in which they came.
     *
     * @return list<Member>
     *
     * @throws PublishException
     */
    public function members(string $channel): array
    {
        return $this->publisher()->members($channel);
    }

    /**
     * Open WebSockets of the application.
     *
     * @throws PublishException
     */
    public function connections(): int
    {
        return $this->publisher()->connections();
    }

    /**
     * Seconds for a round trip to the daemon.
     *
     * @throws PublishException
     */
    public function ping(): float
    {
        return $this->publisher()->ping();
    }

    private function publisher(): Publisher
    {
        try {
            return $this->publishers->for($this->connection);
        } catch (MisconfiguredException $e) {
            throw PublishException::misconfigured($e);
        }
    }
}
