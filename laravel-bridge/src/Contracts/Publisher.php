<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Exceptions\PublishException;

/**
 * Takes finished messages to the daemon.
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
}
