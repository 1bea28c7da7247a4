<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\FailureLog;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Container\Container;
use Illuminate\Contracts\Bus\Dispatcher;
use Illuminate\Queue\CallQueuedHandler;
use Illuminate\Queue\SyncQueue;
use Throwable;

/**
 * Decides what becomes of a broadcast that failed.
 */
final class FailedBroadcast
{
    public function __construct(
        private readonly Connection $connection,
        private readonly PublishException $failure,
    ) {
    }

    /**
     * @param  list<string>  $channels
     * @param  list<Message>  $messages  empty if it failed before there were any
     *
     * @throws PublishException
     */
    public function handle(array $channels, string $event, array $messages): void
    {
        if ($this->connection->onFailure === 'log') {
            FailureLog::error($this->failure->getMessage(), [
                'event' => $event,
                'channels' => array_slice($channels, 0, 10),
                'exception' => $this->failure,
            ]);

            return;
        }

        if ($this->connection->onFailure !== 'queue' || ! $this->failure->retryable || $messages === []
            || $this->connection->name === null || self::queueRetries()) {
            throw $this->failure;
        }

        try {
            $this->queue($this->connection->name, $messages);
        } catch (Throwable $e) {
            throw new PublishException(
                $this->failure->reason.'; and it could not be queued: '.$e->getMessage(),
                true,
                $this->failure->getPrevious() ?? $this->failure
            );
        }

        FailureLog::warning('Queued to be sent again. '.$this->failure->getMessage(), [
            'event' => $event,
            'channels' => array_slice($channels, 0, 10),
        ]);
    }

    /**
     * @param  non-empty-list<Message>  $messages
     */
    private function queue(string $connection, array $messages): void
    {
        $job = new RepublishBroadcast($connection, $messages);

        Container::getInstance()->make(Dispatcher::class)->dispatch($job);
    }

    /**
     * Whether a queued job is being worked on that will repeat the broadcast itself when it fails. Who called is asked
     * only after a failure; so no event listener has to keep book for all the broadcasts that succeed.
     */
    private static function queueRetries(): bool
    {
        $inJob = false;

        foreach (debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS) as $frame) {
            $class = $frame['class'] ?? '';

            if ($class === BroadcastManager::class && $frame['function'] === 'queue' && ! $inJob) {
                return false;
            }

            if ($class === CallQueuedHandler::class) {
                $inJob = true;
            }

            // A job of the queue "sync" runs in the request and is tried once.
            if ($inJob && $class === SyncQueue::class) {
                return false;
            }
        }

        return $inJob;
    }
}
