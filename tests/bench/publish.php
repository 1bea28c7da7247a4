<?php

/**
 * What a publish costs PHP, measured around the call. Prints one JSON line.
 *
 * Usage: publish.php SOCKET APP SECRET COUNT
 * acked: publish(), which waits for the daemon's receipt; every call is in the figures. async: publishAsync() COUNT times and one flush(); its mean
 * is the whole loop with the flush, over COUNT. Nobody is subscribed; a frame on the wire has about 300 B.
 */

declare(strict_types=1);

[, $socket, $app, $secret, $count] = $argv;
$count = (int) $count;

$client = new Fanfare\Client(app: $app, secret: $secret, socket: $socket);
$payload = ['id' => 4711, 'name' => 'bench', 'text' => str_repeat('x', 200)];

/** @param list<int> $samples */
function percentile(array $samples, float $p): float
{
    sort($samples);

    return round($samples[min((int) (count($samples) * $p), count($samples) - 1)] / 1e3, 3);
}

for ($i = 0; $i < 200; $i++) {
    $client->publish('bench-php', 'bench-event', $payload);
}

$acked = [];
for ($i = 0; $i < $count; $i++) {
    $start = hrtime(true);
    $client->publish('bench-php', 'bench-event', $payload);
    $acked[] = hrtime(true) - $start;
}

$async = [];
$begin = hrtime(true);
for ($i = 0; $i < $count; $i++) {
    $start = hrtime(true);
    $client->publishAsync('bench-php', 'bench-event', $payload);
    $async[] = hrtime(true) - $start;
}
$result = $client->flush();
$whole = hrtime(true) - $begin;
if ($result->acknowledged > $count || $result->rejected !== 0 || $result->unanswered !== 0) {
    fwrite(STDERR, "publish.php: the flush reports {$result->acknowledged} acknowledged, {$result->rejected} rejected, {$result->unanswered} unanswered\n");
    exit(1);
}

echo json_encode([
    'phase' => 'php',
    'publishes' => $count,
    'acked_p50_us' => percentile($acked, 0.5),
    'acked_p99_us' => percentile($acked, 0.99),
    'acked_p999_us' => percentile($acked, 0.999),
    'acked_mean_us' => round(array_sum($acked) / 1e3 / $count, 3),
    'async_p50_us' => percentile($async, 0.5),
    'async_p99_us' => percentile($async, 0.99),
    'async_mean_us' => round($whole / 1e3 / $count, 3),
]), "\n";
