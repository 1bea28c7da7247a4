<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

/**
 * What the daemon knows of a channel.
 */
final class Channel
{
    /**
     * @param  bool  $occupied  somebody is subscribed
     * @param  int  $subscriptions  connections that are subscribed
     * @param  ?int  $members  distinct users; null unless it is a presence channel
     * @param  ?CachedEvent  $cache  null if nothing is kept, or if it was not asked for
     * @param  bool  $partial  not all daemons of the cluster have answered: there may be more
     */
    public function __construct(
        public readonly string $name,
        public readonly bool $occupied = false,
        public readonly int $subscriptions = 0,
        public readonly ?int $members = null,
        public readonly ?CachedEvent $cache = null,
        public readonly bool $partial = false,
    ) {
    }
}
