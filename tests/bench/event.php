<?php

/**
 * A whole broadcast(new Event) in a real Laravel application, warm, in CLI: the null driver and the fanfare driver in
 * turns within one process. Prints one JSON line a turn and driver.
 *
 * Usage: event.php APPLICATION TURNS COUNT
 */

declare(strict_types=1);

[, $dir, $turns, $count] = $argv;

require $dir.'/vendor/autoload.php';
$app = require $dir.'/bootstrap/app.php';
$app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();
require __DIR__.'/event.inc';

$text = str_repeat('x', 200);
$use = static fn (string $driver) => $app->make('config')->set('broadcasting.default', $driver);

foreach (['null', 'fanfare'] as $driver) {
    $use($driver);
    for ($i = 0; $i < min(200, (int) $count); $i++) {
        bench_broadcast($text, $i);
    }
}
for ($turn = 1; $turn <= (int) $turns; $turn++) {
    foreach (['null', 'fanfare'] as $driver) {
        $use($driver);
        $samples = [];
        for ($i = 0; $i < (int) $count; $i++) {
            $samples[] = bench_broadcast($text, $i);
        }
        sort($samples);
        echo json_encode([
            'turn' => $turn,
            'phase' => 'event',
            'driver' => $driver,
            'events' => count($samples),
            'cached' => $app->configurationIsCached(),
            'p50_us' => round($samples[intdiv(count($samples), 2)] / 1e3, 2),
            'p99_us' => round($samples[(int) (count($samples) * 0.99)] / 1e3, 2),
            'mean_us' => round(array_sum($samples) / count($samples) / 1e3, 2),
        ]), "\n";
    }
}
