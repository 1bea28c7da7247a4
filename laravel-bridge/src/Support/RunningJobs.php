<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Contracts\Queue\Job;

/**
 * The queued jobs that are being worked on in this process, as Laravel's events tell: usually one or none, and more
 * where a job runs others on the queue "sync".
 */
final class RunningJobs
{
    /** @var list<RunningJob> */
    private array $jobs = [];

    public function start(Job $job): void
    {
        $this->jobs[] = new RunningJob($job);
    }

    /**
     * May be told more than once. Whatever the job had started inside has ended with it.
     */
    public function end(Job $job): void
    {
        foreach ($this->jobs as $depth => $running) {
            if ($running->is($job)) {
                $this->jobs = array_slice($this->jobs, 0, $depth);

                return;
            }
        }
    }

    public function current(): ?RunningJob
    {
        return $this->jobs === [] ? null : $this->jobs[array_key_last($this->jobs)];
    }
}
