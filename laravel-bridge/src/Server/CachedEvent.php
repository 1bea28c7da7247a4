<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

/**
 * The last published event of a cache channel.
 */
final class CachedEvent
{
    /**
     * @param  string  $data  as it was published
     * @param  int  $ttl  seconds that it will still be kept; 0: for ever
     */
    public function __construct(
        public readonly string $data,
        public readonly int $ttl = 0,
    ) {
    }
}
