<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Events\DaemonEvent;
use Fanfare\Laravel\Events\SnapshotTaken;
use Fanfare\Laravel\Exceptions\PublishException;

/**
 * Where the daemon's events arrive. Each is to be acknowledged or given back.
 */
interface Listener
{
    /**
     * The next event; null if none came in time, or a signal did. Connects again by itself.
     *
     * @param  float  $timeout  seconds
     *
     * @throws PublishException
     */
    public function receive(float $timeout): ?DaemonEvent;

    /**
     * It is done with.
     */
    public function ack(DaemonEvent $event): void;

    /**
     * It shall come again, to this listener or another one of the group.
     */
    public function release(DaemonEvent $event): void;

    /**
     * What was there when it began to listen, as long as that has not been taken; null if it was not asked for.
     */
    public function takeSnapshot(): ?SnapshotTaken;

    public function close(): void;
}
