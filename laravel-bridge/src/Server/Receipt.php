<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Server;

/**
 * What the daemon did with one message.
 */
final class Receipt
{
    /**
     * @param  string  $id  the daemon's id of the message
     * @param  int  $recipients  subscribers that the daemon knew when it took the message
     * @param  bool  $duplicate  its key was seen before; nothing was sent again
     */
    public function __construct(
        public readonly string $id,
        public readonly int $recipients = 0,
        public readonly bool $duplicate = false,
    ) {
    }
}
