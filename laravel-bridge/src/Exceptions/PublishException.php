<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Exceptions;

use Illuminate\Broadcasting\BroadcastException;
use Throwable;

/**
 * A broadcast, or a question to the daemon, failed. The cause's message is in this one's, the cause itself is the previous exception.
 */
final class PublishException extends BroadcastException
{
    /**
     * @param  bool  $retryable  the same may succeed later
     */
    public function __construct(
        public readonly string $reason,
        public readonly bool $retryable,
        ?Throwable $previous = null,
    ) {
        parent::__construct('Fanfare: '.$reason, 0, $previous);
    }

    public static function misconfigured(MisconfiguredException $cause): self
    {
        return new self($cause->reason, false, $cause);
    }
}
