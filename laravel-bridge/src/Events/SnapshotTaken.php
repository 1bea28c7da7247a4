<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

use Fanfare\Laravel\Server\Member;

/**
 * What was there when "fanfare:listen --snapshot" began, and again when it had to begin anew. Events come behind it; to apply
 * one that is part of it already does no harm, for each says what is or is not.
 */
final class SnapshotTaken implements FromDaemon
{
    /**
     * @param  string  $connection  name of the broadcasting connection
     * @param  array<array-key, int>  $channels  subscriptions of the occupied channels by name
     * @param  array<array-key, list<Member>>  $members  the users on presence channels by the channel's name
     * @param  int  $order  of the last event that is part of it
     */
    public function __construct(
        public readonly string $connection,
        public readonly array $channels = [],
        public readonly array $members = [],
        public readonly int $order = 0,
    ) {
    }
}
