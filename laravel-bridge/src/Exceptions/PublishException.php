<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Exceptions;

use Illuminate\Broadcasting\BroadcastException;
use Throwable;

/**
 * A broadcast, or a question to the daemon, failed. The cause's message is in this one's, the cause itself is the
 * previous exception.
 */
final class PublishException extends BroadcastException
{
    private const CHANNELS_SHOWN = 10;

    /** @var array<string, mixed> */
    private array $context = [];

    /**
     * @param  bool  $retryable  the same may succeed later
     * @param  bool  $maybeDelivered  false: the daemon certainly did not act; true: it may have
     * @param  bool  $unconfirmed  the daemon has delivered it on its own node, but Redis did not confirm it in time
     */
    public function __construct(
        public readonly string $reason,
        public readonly bool $retryable,
        ?Throwable $previous = null,
        public readonly bool $maybeDelivered = false,
        public readonly bool $unconfirmed = false,
    ) {
        parent::__construct('Fanfare: '.$reason, 0, $previous);
    }

    public static function misconfigured(MisconfiguredException $cause): self
    {
        return new self($cause->reason, false, $cause);
    }

    /**
     * Notes what was being done, for whoever reads the log. Of many channels the first ones and their number.
     *
     * @param  list<string>  $channels
     */
    public function during(?string $connection, ?string $event = null, array $channels = []): self
    {
        $this->context = array_filter([
            'connection' => $connection,
            'event' => $event,
            'channels' => array_slice($channels, 0, self::CHANNELS_SHOWN),
            'channel_count' => count($channels) > self::CHANNELS_SHOWN ? count($channels) : null,
        ]);

        return $this;
    }

    /**
     * What Laravel's exception handler adds to the log.
     *
     * @return array<string, mixed>
     */
    public function context(): array
    {
        return $this->context;
    }
}
