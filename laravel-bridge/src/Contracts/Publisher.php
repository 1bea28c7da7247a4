<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;

/**
 * Everything that the package asks of the daemon. The extension stands behind one implementation, tests behind
 * another.
 */
interface Publisher
{
    /**
     * Hands all messages to the daemon, or none, and returns when it has taken them over.
     *
     * @param  non-empty-list<Message>  $messages
     *
     * @throws PublishException
     */
    public function publish(array $messages): void;

    /**
     * Hands over one message without waiting for the answer, which flush() collects.
     *
     * @throws PublishException
     */
    public function publishAsync(Message $message): void;

    /**
     * Collects outstanding answers; returns what went wrong, null if nothing did.
     */
    public function flush(): ?string;

    /**
     * Seconds for a round trip.
     *
     * @throws PublishException
     */
    public function ping(): float;

    /**
     * Ends all connections of a user; returns how many there were.
     *
     * @throws PublishException
     */
    public function terminateUser(string $userId): int;

    /**
     * Ends one connection; false if there is none.
     *
     * @throws PublishException
     */
    public function disconnect(string $socketId): bool;

    /**
     * @return array<array-key, Channel> by name
     *
     * @throws PublishException
     */
    public function channels(string $prefix, bool $cache): array;

    /**
     * @throws PublishException
     */
    public function channel(string $name, bool $cache): Channel;

    /**
     * @return list<Member>
     *
     * @throws PublishException
     */
    public function members(string $channel): array;

    /**
     * @throws PublishException
     */
    public function connections(): int;
}
