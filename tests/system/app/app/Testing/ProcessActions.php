<?php

declare(strict_types=1);

namespace App\Testing;

use App\Events\Now;
use Illuminate\Broadcasting\Channel;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use InvalidArgumentException;
use JsonSerializable;

/** What the tests of process models make a request, a job or a command do. */
final class ProcessActions
{
    /** @param array<string, mixed> $in */
    public static function run(string $action, array $in): mixed
    {
        $channels = isset($in['channel']) ? [new Channel($in['channel'])] : [];
        $value = $in['value'] ?? null;
        switch ($action) {
            case 'here':
                // With the process that it came from.
                event(new Now($channels, ['value' => $value, 'pid' => getmypid()]));

                return getmypid();
            case 'after-response':
                app()->terminating(fn () => event(new Now($channels, $value)));

                return getmypid();
            case 'finish-request':
                echo json_encode(['result' => 'sent']);
                fastcgi_finish_request();
                event(new Now($channels, $value));

                return null;
            case 'patient':
                // Waits for its receipt for as long as a request, a job or a command may at most.
                $config = config('broadcasting.connections.fanfare');
                config(['broadcasting.connections.patient' => array_replace_recursive($config, ['options' => ['mode' => 'sync', 'timeout' => $in['timeout'] ?? 60]])]);
                Broadcast::connection('patient')->broadcast($channels, Now::class, ['value' => $value]);

                return getmypid();
            case 'queues':
                return ['waiting' => DB::table('jobs')->count(), 'failed' => DB::table('failed_jobs')->count()];
            case 'abort':
                return self::printUntilNobodyListens($channels);
            default:
                throw new InvalidArgumentException("no action {$action}");
        }
    }

    /**
     * A payload that prints while it is encoded; when the client is gone PHP ends the request in the middle of it.
     *
     * @param  list<Channel>  $channels
     */
    private static function printUntilNobodyListens(array $channels): never
    {
        ob_end_clean();
        header('X-Accel-Buffering: no');
        register_shutdown_function(fn () => event(new Now($channels, 'aborted '.connection_status())));
        event(new Now($channels, new class implements JsonSerializable
        {
            public function jsonSerialize(): never
            {
                for (;;) {
                    echo str_repeat('x', 65536);
                    flush();
                }
            }
        }));
    }
}
