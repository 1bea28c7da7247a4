<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;

/**
 * Asks the daemon what it knows.
 */
interface Inspector
{
    /**
     * The channels with subscribers, by name, in no order.
     *
     * @param  bool  $cache  also the last events of cache channels
     * @return array<array-key, Channel>
     *
     * @throws PublishException
     */
    public function channels(string $prefix = '', bool $cache = false): array;

    /**
     * A channel that nobody is on is an answer, too.
     *
     * @throws PublishException
     */
    public function channel(string $name, bool $cache = false): Channel;

    /**
     * The users on a presence channel, each once, in the order in which they came.
     *
     * @return list<Member>
     *
     * @throws PublishException
     */
    public function members(string $channel): array;

    /**
     * Open WebSockets of the application.
     *
     * @throws PublishException
     */
    public function connectionCount(): int;

    /**
     * Seconds for a round trip to the daemon.
     *
     * @throws PublishException
     */
    public function ping(): float;
}
