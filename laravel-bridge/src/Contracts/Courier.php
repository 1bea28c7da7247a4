<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Receipt;

/**
 * Takes one message to the daemon for whoever wants to see the receipt.
 */
interface Courier
{
    /**
     * @throws PublishException
     */
    public function send(Message $message): Receipt;
}
