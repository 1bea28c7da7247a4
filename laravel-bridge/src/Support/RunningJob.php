<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Queue\Jobs\SyncJob;

/**
 * One attempt of a queued job.
 */
final class RunningJob
{
    private ?bool $broadcasts = null;

    /** @var array<string, int> how often each broadcast came in this attempt */
    private array $seen = [];

    public function __construct(private readonly Job $job)
    {
    }

    public function is(Job $job): bool
    {
        return $this->job === $job;
    }

    /**
     * Where the job came from, so that a worker is known to be there; null for a job that no worker has.
     *
     * @return ?array{string, string} connection and queue
     */
    public function home(): ?array
    {
        return $this->broadcasts() && ! $this->job instanceof SyncJob
            ? [$this->job->getConnectionName(), $this->job->getQueue()]
            : null;
    }

    /**
     * The key of a broadcast that the next attempt gives again; null if the job is not a queued broadcast. A job of
     * the application may broadcast the same event in each attempt and mean another one, so it has no such keys.
     *
     * @param  list<string>  $channels
     */
    public function broadcastKey(string $connection, string $event, array $channels): ?string
    {
        $uuid = $this->job->uuid();

        if ($uuid === null || $uuid === '' || ! $this->broadcasts()) {
            return null;
        }

        // The order is for broadcastOn() to choose, and may be another the next time.
        sort($channels, SORT_STRING);
        $subject = hash('sha256', implode("\n", [$uuid, $connection, $event, ...$channels]));
        $time = $this->seen[$subject] = ($this->seen[$subject] ?? -1) + 1;

        return substr(hash('sha256', "{$subject} {$time}"), 0, 32);
    }

    /**
     * Of where it was dispatched, as its payload says; not judged.
     */
    public function traceparent(): mixed
    {
        return $this->job->payload()['traceparent'] ?? null;
    }

    private function broadcasts(): bool
    {
        return $this->broadcasts ??= $this->isBroadcast();
    }

    private function isBroadcast(): bool
    {
        $data = $this->job->payload()['data'] ?? null;
        $class = is_array($data) ? $data['commandName'] ?? null : null;

        return is_string($class) && is_a($class, BroadcastEvent::class, true);
    }
}
