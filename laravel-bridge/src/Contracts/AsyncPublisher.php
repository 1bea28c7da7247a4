<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Exceptions\PublishException;

/**
 * Takes messages to the daemon without waiting for it.
 */
interface AsyncPublisher
{
    /**
     * Hands over one message without waiting for the answer, which flush() collects.
     *
     * @throws PublishException
     */
    public function publishAsync(Message $message): void;

    /**
     * Collects outstanding answers; returns what went wrong, null if nothing did. Does not throw.
     */
    public function flush(): ?PublishException;
}
