<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

use Fanfare\Laravel\Exceptions\PublishException;

/**
 * A broadcast failed, and the package does nothing more about it: it is thrown, or logged, or was the last attempt of
 * the job that repeated it.
 */
final class BroadcastFailed
{
    /**
     * @param  ?string  $connection  name of the broadcasting connection, null if the configuration has none like it
     * @param  ?string  $event  null for answers of "mode" => "async": the daemon says how many failed, not which
     * @param  list<string>  $channels  empty if the event is null
     */
    public function __construct(
        public readonly ?string $connection,
        public readonly ?string $event,
        public readonly array $channels,
        public readonly PublishException $exception,
    ) {
    }
}
