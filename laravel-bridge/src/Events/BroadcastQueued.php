<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

use Fanfare\Laravel\Broadcasting\RepublishBroadcast;
use Fanfare\Laravel\Exceptions\PublishException;

/**
 * A broadcast failed, and a job was queued that sends it again ("on_failure" => "queue").
 */
final class BroadcastQueued
{
    /**
     * @param  string  $connection  name of the broadcasting connection
     * @param  list<string>  $channels
     */
    public function __construct(
        public readonly string $connection,
        public readonly string $event,
        public readonly array $channels,
        public readonly PublishException $exception,
        public readonly RepublishBroadcast $job,
    ) {
    }
}
