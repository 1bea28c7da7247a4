<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Fanfare\Laravel\Events\BroadcastFailed;
use Fanfare\Laravel\Events\BroadcastQueued;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\FailureLog;
use Fanfare\Laravel\Support\RunningJob;
use Illuminate\Container\Container;
use Illuminate\Contracts\Bus\Dispatcher as Bus;
use Illuminate\Contracts\Events\Dispatcher as Events;
use Throwable;

/**
 * Decides what becomes of a broadcast that failed.
 */
final class FailedBroadcast
{
    /**
     * @param  list<string>  $channels
     */
    public function __construct(
        private readonly Connection $connection,
        private readonly string $event,
        private readonly array $channels,
    ) {
    }

    /**
     * @param  list<Message>  $messages  empty if it failed before there were any
     *
     * @throws PublishException
     */
    public function handle(PublishException $failure, array $messages, ?RunningJob $running): void
    {
        $failure->during($this->connection->name, $this->event, $this->channels);

        // In a queued broadcast, too: how often the worker would try that one again, nobody knows here.
        if ($this->connection->queuesFailures && $failure->retryable && $messages !== []
            && $this->connection->name !== null) {
            $this->queue($failure, $this->connection->name, $messages, $running);

            return;
        }

        $this->announceFailure($failure);

        if ($this->connection->onFailure !== 'log') {
            throw $failure;
        }

        FailureLog::error($failure->getMessage(), $failure->context() + ['exception' => $failure]);
    }

    /**
     * @param  non-empty-list<Message>  $messages
     *
     * @throws PublishException
     */
    private function queue(PublishException $failure, string $connection, array $messages, ?RunningJob $running): void
    {
        try {
            $job = new RepublishBroadcast($connection, $messages, $running?->home(), $failure->unconfirmed);

            Container::getInstance()->make(Bus::class)->dispatch($job);
        } catch (Throwable $e) {
            $both = new PublishException(
                $failure->reason.'; and it could not be queued: '.($e instanceof PublishException ? $e->reason : $e->getMessage()),
                true,
                $failure->getPrevious() ?? $failure,
                $failure->maybeDelivered,
                $failure->unconfirmed,
            );
            $both->during($this->connection->name, $this->event, $this->channels);

            // On the queue "sync" the job has run and failed by now, and has said so.
            if (! $e instanceof PublishException) {
                $this->announceFailure($both);
            }

            throw $both;
        }

        FailureLog::warning('Queued to be sent again. '.$failure->getMessage(), $failure->context());
        self::dispatch(new BroadcastQueued($connection, $this->event, $this->channels, $failure, $job));
    }

    private function announceFailure(PublishException $failure): void
    {
        self::dispatch(new BroadcastFailed($this->connection->name, $this->event, $this->channels, $failure));
    }

    private static function dispatch(object $event): void
    {
        Container::getInstance()->make(Events::class)->dispatch($event);
    }
}
