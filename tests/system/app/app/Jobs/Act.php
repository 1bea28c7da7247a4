<?php

declare(strict_types=1);

namespace App\Jobs;

use App\Testing\Actions;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Queue\Queueable;

/** Runs one of the test's actions in the queue worker. */
final class Act implements ShouldQueue
{
    use Queueable;

    /** @param array<string, mixed> $input */
    public function __construct(private readonly string $action, private readonly array $input) {}

    public function handle(): void
    {
        Actions::run($this->action, $this->input);
    }
}
