<?php

declare(strict_types=1);

namespace App\Testing;

use App\Events\AfterCommit;
use App\Events\Changed;
use App\Events\Now;
use App\Events\Queued;
use App\Events\QueuedAfterCommit;
use App\Events\QueuedBeyond;
use App\Jobs\Act;
use App\Models\Post;
use App\Models\User;
use App\Notifications\Shipped;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\EncryptedPrivateChannel;
use Illuminate\Broadcasting\PresenceChannel;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use RuntimeException;
use Throwable;

/** What the tests make the application do, from a request, a command, a worker or a child. */
final class Actions
{
    /** @param array<string, mixed> $in */
    public static function run(string $action, array $in): mixed
    {
        $value = $in['value'] ?? null;
        switch ($action) {
            case 'now':
                event(new Now(self::channels($in), $value));

                return null;
            case 'others':
                broadcast(new Now(self::channels($in), $value))->toOthers();

                return null;
            case 'queued':
                event(new Queued($in['channel'], $value));

                return null;
            case 'changed':
                event(Changed::of($in));

                return null;
            case 'changed-others':
                broadcast(Changed::of($in))->toOthers();

                return null;
            case 'changed-in-transaction':
                try {
                    DB::transaction(function () use ($in): void {
                        event(Changed::of($in));
                        event(new Now([new PrivateChannel($in['channel'])], 'within'));
                        if ($in['fail'] ?? false) {
                            throw new RuntimeException('rolled back');
                        }
                    });
                } catch (RuntimeException $e) {
                    return $e->getMessage();
                }

                return 'committed';
            case 'jobs':
                // Those that wait, not the one that a worker has.
                return DB::table('jobs')->whereNull('reserved_at')->count() + ($in['all'] ?? false ? DB::table('jobs')->whereNotNull('reserved_at')->count() : 0);
            case 'queued-others':
                broadcast(new Queued($in['channel'], $value))->toOthers();

                return null;
            case 'queued-beyond':
                event(new QueuedBeyond($in['channel']));

                return null;
            case 'many':
                for ($i = 0; $i < $in['count']; $i++) {
                    event(new Now(self::channels($in), $i));
                }

                return $in['count'];
            case 'anonymous':
                $pending = match ($in['type'] ?? 'on') {
                    'on' => Broadcast::on($in['channel']),
                    'private' => Broadcast::private($in['channel']),
                    'presence' => Broadcast::presence($in['channel']),
                };
                if (isset($in['as'])) {
                    $pending->as($in['as']);
                }
                $pending->with(['value' => $value]);
                if ($in['others'] ?? false) {
                    $pending->toOthers();
                }
                ($in['queued'] ?? false) ? $pending->send() : $pending->sendNow();

                return null;
            case 'create':
                return Post::create(['user_id' => $in['user'], 'title' => $in['title']])->id;
            case 'retitle':
                Post::findOrFail($in['id'])->update(['title' => $in['title']]);

                return null;
            case 'delete':
                Post::findOrFail($in['id'])->delete();

                return null;
            case 'notify':
                User::findOrFail($in['user'])->notify(new Shipped($in['order']));

                return null;
            case 'transaction':
                return self::transaction($in);
            case 'job':
                dispatch(new Act($in['action'], $in['input']));

                return null;
            case 'fork':
                return self::fork($in);
            case 'memory':
                ini_set('memory_limit', '64M');
                $rows = [];
                for (;;) {
                    // The payload grows until encoding it is what breaks the limit; before that it is refused as too large.
                    $rows[] = str_repeat('x', 1_000_000);
                    try {
                        event(new Now(self::channels($in), $rows));
                    } catch (BroadcastException) {
                    }
                }
            case 'memory-small':
                // Publishes while memory fills up, so that the limit may hit anywhere.
                ini_set('memory_limit', '48M');
                $held = [];
                for ($i = 0;; $i++) {
                    event(new Now(self::channels($in), $i));
                    $held[] = str_repeat('y', 3_000);
                }
            case 'flood':
                // Until somebody ends this process.
                for ($i = 0;; $i++) {
                    event(new Now(self::channels($in), ['n' => $i, 'pad' => str_repeat('z', $in['size'])]));
                }
            case 'pusher':
                // Pusher's SDK, as applications reach it through the drivers that have one.
                return Broadcast::driver()->getPusher()->{$in['method']}(...$in['args']);
            case 'signed-in':
                return auth()->id();
            case 'pid':
                return getmypid();
            case 'traced':
                return Traced::run($in);
            default:
                return ProcessActions::run($action, $in);
        }
    }

    /** @return array<string, mixed> */
    public static function failure(Throwable $e): array
    {
        return [
            'error' => $e::class,
            'broadcast' => $e instanceof BroadcastException,
            'message' => $e->getMessage(),
            'previous' => $e->getPrevious() === null ? null : $e->getPrevious()::class,
        ];
    }

    /**
     * @param  array<string, mixed>  $in
     * @return array<int, mixed>
     */
    private static function channels(array $in): array
    {
        return array_map(function (string $name): Channel|string {
            [$type, $rest] = array_pad(explode(':', $name, 2), 2, '');

            return match ($type) {
                'public' => new Channel($rest),
                'private' => new PrivateChannel($rest),
                'presence' => new PresenceChannel($rest),
                'encrypted' => new EncryptedPrivateChannel($rest),
                default => $name,
            };
        }, (array) ($in['channels'] ?? $in['channel']));
    }

    /** @param array<string, mixed> $in */
    private static function transaction(array $in): string
    {
        try {
            DB::transaction(function () use ($in): void {
                Post::withoutEvents(fn () => Post::create(['user_id' => 1, 'title' => 'in a transaction']));
                match ($in['kind']) {
                    'now' => event(new AfterCommit($in['channel'], $in['value'])),
                    'queued' => event(new QueuedAfterCommit($in['channel'], $in['value'])),
                    // Without any of it: at once, whatever becomes of the transaction.
                    'plain' => event(new Now([new Channel($in['channel'])], $in['value'])),
                };
                if ($in['fail'] ?? false) {
                    throw new RuntimeException('rolled back');
                }
            });
        } catch (RuntimeException $e) {
            if ($e->getMessage() !== 'rolled back') {
                throw $e;
            }

            return 'rolled back';
        }

        return 'committed';
    }

    /**
     * Publishes, forks, publishes in parent and children at once.
     *
     * @param  array<string, mixed>  $in
     */
    private static function fork(array $in): int
    {
        $channels = self::channels($in);
        event(new Now($channels, 'before'));
        $children = [];
        for ($child = 0; $child < $in['children']; $child++) {
            $pid = pcntl_fork();
            if ($pid === -1) {
                throw new RuntimeException('fork failed');
            }
            if ($pid === 0) {
                $status = 0;
                try {
                    for ($i = 0; $i < $in['count']; $i++) {
                        event(new Now($channels, "child {$child} {$i}"));
                    }
                } catch (Throwable $e) {
                    fwrite(STDERR, (string) $e);
                    $status = 1;
                }
                if (($in['end'] ?? 'exit') === 'kill') {
                    posix_kill(getmypid(), SIGKILL);
                }
                exit($status);
            }
            $children[] = $pid;
        }
        for ($i = 0; $i < $in['count']; $i++) {
            event(new Now($channels, "parent {$i}"));
        }
        $failed = 0;
        foreach ($children as $pid) {
            pcntl_waitpid($pid, $status);
            if (($in['end'] ?? 'exit') === 'exit' && (! pcntl_wifexited($status) || pcntl_wexitstatus($status) !== 0)) {
                $failed++;
            }
        }
        event(new Now($channels, 'after'));

        return $failed;
    }
}
