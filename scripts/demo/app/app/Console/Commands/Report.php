<?php

declare(strict_types=1);

namespace App\Console\Commands;

use App\Events\DaemonReported;
use App\Support\Daemon;
use Illuminate\Console\Command;
use Throwable;

final class Report extends Command
{
    protected $signature = 'demo:report';

    protected $description = 'Tell the open tabs of the demo once a second what the daemon is doing';

    public function handle(): int
    {
        $daemon = Daemon::connect();

        while (true) {
            try {
                // Nobody looks: nothing is asked, nothing is told.
                if ($daemon->isWatched()) {
                    broadcast(new DaemonReported($daemon->figures()));
                }
            } catch (Throwable $e) {
                // The daemon is away; it will be back.
                $this->components->warn($e->getMessage());
            }
            usleep(1_000_000);
        }
    }
}
