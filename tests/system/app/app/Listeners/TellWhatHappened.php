<?php

declare(strict_types=1);

namespace App\Listeners;

use Fanfare\Laravel\Events\FromDaemon;
use RuntimeException;

/** Writes down what fanfare:listen dispatches, and behaves as the name of the channel says. */
final class TellWhatHappened
{
    public function handle(FromDaemon $event): void
    {
        $this->tell(['event' => class_basename($event), 'pid' => getmypid()] + get_object_vars($event));
        $channel = $event->channel ?? '';

        match (true) {
            str_starts_with($channel, 'throws') => throw new RuntimeException("no use for {$channel}"),
            str_starts_with($channel, 'hangs') => $this->hang(),
            str_starts_with($channel, 'kills') => posix_kill(getmypid(), SIGKILL),
            str_starts_with($channel, 'slow') => usleep(1_500_000),
            default => null,
        };
        if (str_starts_with($channel, 'slow')) {
            $this->tell(['event' => 'done', 'pid' => getmypid(), 'channel' => $channel]);
        }
    }

    /** @param array<string, mixed> $line */
    private function tell(array $line): void
    {
        file_put_contents(storage_path('logs/events.log'), json_encode($line, JSON_THROW_ON_ERROR)."\n", FILE_APPEND | LOCK_EX);
    }

    private function hang(): never
    {
        for (;;) {
            usleep(100_000);
        }
    }
}
