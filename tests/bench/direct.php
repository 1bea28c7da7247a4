<?php

/**
 * From event(new Event) to the bytes at a subscriber, in a real Laravel application, for the ways in which an event can go:
 * at once, directly, through a queue worker. Dispatcher and subscriber are this process, so there is one clock. Prints one
 * JSON line for each way.
 *
 * Usage: direct.php APPLICATION PORT COUNT WAY...     a way is now, direct, database or redis
 * A worker never rests between two looks at its queue (--sleep=0): it is as quick as it can be.
 */

declare(strict_types=1);

use Fanfare\Laravel\Tests\Daemon\Subscriber;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Contracts\Console\Kernel;

$ways = array_slice($argv, 4);
[, $dir, $port, $count] = $argv;

require $dir.'/vendor/autoload.php';
require dirname(__DIR__, 2).'/laravel-bridge/tests/Daemon/Subscriber.php';
$app = require $dir.'/bootstrap/app.php';
$app->make(Kernel::class)->bootstrap();

final class BenchNow implements ShouldBroadcastNow
{
    public function __construct(public readonly int $id, public readonly string $text) {}

    /** @return list<Channel> */
    public function broadcastOn(): array
    {
        return [new Channel('bench-direct')];
    }
}

$config = $app->make('config');
$subscriber = new Subscriber((int) $port, 'fanfare-key');
$subscriber->subscribe('bench-direct');
$text = str_repeat('x', 200);

foreach ($ways as $way) {
    $queued = $way === 'database' || $way === 'redis';
    $config->set('queue.default', $queued ? $way : 'sync');
    $config->set('broadcasting.connections.fanfare.options.direct', $way === 'direct');
    $app->make(BroadcastManager::class)->forgetDrivers();
    $class = $way === 'now' ? BenchNow::class : App\Events\BenchQueued::class;

    $worker = null;
    if ($queued) {
        $worker = proc_open([PHP_BINARY, 'artisan', 'queue:work', $way, '--sleep=0', '--quiet'], [1 => STDERR, 2 => STDERR], $pipes, $dir);
    }
    $samples = [];
    $calls = [];
    // The first ones load classes, and start the worker.
    for ($i = -20; $i < (int) $count; $i++) {
        $start = hrtime(true);
        event(new $class($i, $text));
        $returned = hrtime(true);
        $subscriber->next($class);
        if ($i >= 0) {
            $samples[] = hrtime(true) - $start;
            $calls[] = $returned - $start;
        }
    }
    if ($worker !== null) {
        proc_terminate($worker);
        proc_close($worker);
    }

    sort($samples);
    sort($calls);
    $at = static fn (array $sorted, float $share): float => round($sorted[min(count($sorted) - 1, (int) (count($sorted) * $share))] / 1e3, 2);
    echo json_encode([
        'phase' => 'direct',
        'way' => $way,
        'events' => count($samples),
        'cached' => $app->configurationIsCached(),
        'p50_us' => $at($samples, 0.5),
        'p99_us' => $at($samples, 0.99),
        'mean_us' => round(array_sum($samples) / count($samples) / 1e3, 2),
        'call_p50_us' => $at($calls, 0.5),
    ]), "\n";
}
