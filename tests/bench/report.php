<?php

/**
 * Reads the JSON lines that scripts/bench collected, prints the table of medians and ratios, writes summary.json.
 *
 * Usage: report.php LINES SUMMARY
 * A ratio is the median of the ratios within each turn: the machine's own speed drifts between turns. Each row says
 * the goal and, where there is one, the limit beyond which a design is not accepted.
 */

declare(strict_types=1);

[, $lines, $summary] = $argv;

/** @param list<float> $values */
function median(array $values): float
{
    sort($values);
    $n = count($values);

    return $n === 0 ? NAN : ($n % 2 === 1 ? $values[intdiv($n, 2)] : ($values[$n / 2 - 1] + $values[$n / 2]) / 2);
}

/** @var array<string, array<string, list<float>>> $series by row and field, one value a turn */
$series = [];
$conditions = [];
foreach (file($lines, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) as $line) {
    $row = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    if (isset($row['conditions'])) {
        $conditions = $row['conditions'];

        continue;
    }
    $name = match ($row['phase']) {
        'rtt' => 'rtt '.$row['for'].' '.$row['placement'],
        'php', 'php busy' => $row['phase'].' '.$row['placement'],
        'event', 'fpm' => $row['phase'].' '.$row['driver'].' '.$row['placement'],
        'direct' => 'direct '.$row['way'],
        'cluster window' => $row['phase'].':'.$row['outstanding'].' '.$row['server'],
        'cluster single', 'cluster unheard', 'idle', 'members' => $row['phase'].' '.$row['server'],
        default => $row['phase'].' '.$row['clients'].'/'.$row['channels'].' '.$row['server'],
    };
    foreach ($row as $field => $value) {
        if (is_int($value) || is_float($value)) {
            $series[$name][$field][] = (float) $value;
        }
    }
}

$table = [];
/**
 * @param  list<float>|null  $measured
 * @param  list<float>|null  $base
 */
function row(array &$table, string $what, ?array $measured, ?array $base, string $unit, string $goal, string $limit): void
{
    if ($measured === null) {
        return;
    }
    $ratios = [];
    foreach ($base === null ? [] : $measured as $i => $value) {
        if (($base[$i] ?? 0.0) > 0.0) {
            $ratios[] = $value / $base[$i];
        }
    }
    $table[] = [
        'what' => $what,
        'fanfare' => round(median($measured), 3),
        'base' => $base === null ? null : round(median($base), 3),
        'unit' => $unit,
        'ratio' => $ratios === [] ? null : round(median($ratios), 3),
        'ratio_min' => $ratios === [] ? null : round(min($ratios), 3),
        'ratio_max' => $ratios === [] ? null : round(max($ratios), 3),
        'turns' => count($measured),
        'goal' => $goal,
        'limit' => $limit,
    ];
}

$get = static fn (string $name, string $field): ?array => $series[$name][$field] ?? null;
$pair = static function (string $load, string $field, string $what, string $unit, string $goal, string $limit) use (&$table, $get): void {
    row($table, $what, $get("$load fanfared", $field), $get("$load floor", $field), $unit, $goal, $limit);
};
/** Null driver plus the round trip, turn by turn. */
$plus = static function (?array $a, ?array $b): ?array {
    if ($a === null || $b === null) {
        return null;
    }
    return array_map(static fn (float $v, float $w): float => $v + $w, $a, $b);
};

$loads = [];
foreach (array_keys($series) as $name) {
    if (preg_match('#^(\w+ \d+/\d+) fanfared$#', $name, $m)) {
        $loads[] = $m[1];
    }
}
foreach ($loads as $load) {
    [$phase, $size] = explode(' ', $load);
    $clients = number_format((int) $size);
    $channels = (int) explode('/', $size)[1];
    $on = "$clients subscribers".($channels > 1 ? " on $channels channels" : '');
    match ($phase) {
        'memory' => [
            $pair($load, 'rss_per_connection', "user memory per idle connection, $on, warm server", 'B', '<= 400 B', '600 B'),
            $pair($load, 'cold_rss_per_connection', '... from a server just started', 'B', '', ''),
        ],
        'connect' => [
            $pair($load, 'connects_per_s', "connects and subscriptions a second, $on", '/s', '>= 0.8', ''),
            $pair($load, 'cpu_us_per_connect', "CPU per connect and subscription, $on", 'us', '', ''),
        ],
        'single' => [
            $pair($load, 'cpu_us_per_delivery', "CPU per delivery, $on, one publish at a time", 'us', (int) $size > 5000 ? '<= 1.15' : '<= 1.10', (int) $size > 5000 ? '' : '1.3'),
            $pair($load, 'last_p50_ms', "... time to the last subscriber, p50", 'ms', (int) $size > 5000 ? '<= 1.15' : '<= 1.10', ''),
            $pair($load, 'last_p99_ms', '... p99', 'ms', '', ''),
        ],
        'window' => [
            $pair($load, $channels > 1 ? 'publishes_per_s' : 'deliveries_per_s', ($channels > 1 ? 'publishes' : 'deliveries')." a second under backlog, $on", '/s', $channels > 1 ? '>= 0.90' : '>= 4.5', ''),
            $pair($load, 'cpu_us_per_delivery', '... CPU per delivery', 'us', '', ''),
        ],
        'rate' => [
            $pair($load, 'latency_p50_ms', "delivery latency at 50 publishes a second, $on, p50", 'ms', '', ''),
            $pair($load, 'latency_p99_ms', '... p99', 'ms', '<= 1.1', ''),
        ],
        'crowd' => [
            row($table, "$clients join a presence channel at once: until all are in", $get("$load fanfared", 'seconds'), null, 's', '<= 30', ''),
            row($table, '... the most that the daemon held', $get("$load fanfared", 'rss_peak_kb'), null, 'KB', '<= 307,200', ''),
            row($table, '... bytes that were sent', $get("$load fanfared", 'bytes'), null, 'B', '', ''),
        ],
        default => null,
    };
}
/** Nodes joined by Redis: yardstick is Redis alone. */
$us = static fn (?array $ms): ?array => $ms === null ? null : array_map(static fn (float $v): float => $v * 1000, $ms);
$minus = static fn (?array $a, ?array $b): ?array => $a === null || $b === null ? null : array_map(static fn (float $v, float $w): float => $v - $w, $a, $b);
$hop = $us($get('cluster single nodes', 'last_p50_ms'));
row($table, 'from one node to a subscriber of another, one at a time, p50; yardstick: XADD and XREAD', $hop, $get('cluster single stream', 'p50_us'), 'us', '<= 1.5', '');
row($table, '... p99', $us($get('cluster single nodes', 'last_p99_ms')), $get('cluster single stream', 'p99_us'), 'us', '', '');
row($table, '... less what it takes within one node without Redis, p50', $minus($hop, $us($get('cluster single alone', 'last_p50_ms'))), $get('cluster single stream', 'p50_us'), 'us', '', '');
row($table, '... p50; yardstick: PUBLISH and SUBSCRIBE', $hop, $get('cluster single pubsub', 'p50_us'), 'us', '', '');
row($table, "... Redis' CPU for each; yardstick: XADD and XREAD", $get('cluster single nodes', 'redis_cpu_us'), $get('cluster single stream', 'redis_cpu_us'), 'us', '', '');
foreach ([1, 16, 64, 250, 1000] as $outstanding) {
    $of = static fn (string $server, string $field): ?array => $get("cluster window:$outstanding $server", $field);
    row($table, "publishes a second from node to node, $outstanding outstanding; yardstick: XADD and XREAD", $of('nodes', 'publishes_per_s'), $of('stream', 'publishes_per_s'), '/s', '', '');
    row($table, '... yardstick: PUBLISH and SUBSCRIBE', $of('nodes', 'publishes_per_s'), $of('pubsub', 'publishes_per_s'), '/s', '', '');
    row($table, "... Redis' CPU for each; yardstick: XADD and XREAD", $of('nodes', 'redis_cpu_us'), $of('stream', 'redis_cpu_us'), 'us', '', '');
    row($table, '... yardstick: PUBLISH and SUBSCRIBE', $of('nodes', 'redis_cpu_us'), $of('pubsub', 'redis_cpu_us'), 'us', $outstanding >= 64 ? '< 1' : '', '');
    row($table, '... yardstick: PUBLISH and two that SUBSCRIBE', $of('nodes', 'redis_cpu_us'), $of('pubsub2', 'redis_cpu_us'), 'us', '', '');
    row($table, '... CPU of the node that publishes', $of('nodes', 'sender_cpu_us'), null, 'us', '', '');
    row($table, '... CPU of the node with the subscriber', $of('nodes', 'cpu_us_per_delivery'), null, 'us', '', '');
}
row($table, 'publishes a second that nobody wants on the other node', $get('cluster unheard nodes', 'publishes_per_s'), null, '/s', '', '');
row($table, '... CPU of that other node for each', $get('cluster unheard nodes', 'cpu_us_per_publish'), null, 'us', '<= 1 us', '');
row($table, "... Redis' CPU for each", $get('cluster unheard nodes', 'redis_cpu_us'), null, 'us', '', '');
row($table, '... CPU of the node that publishes', $get('cluster unheard nodes', 'sender_cpu_us'), null, 'us', '', '');
row($table, 'memory of a presence member on another node, beside its user_info; yardstick: on its own node', $get('members nodes', 'elsewhere_bytes'), $get('members nodes', 'own_bytes'), 'B', '<= 120 B', '');
row($table, 'an idle node, one of two, resident; yardstick: without Redis', $get('idle nodes', 'rss'), $get('idle alone', 'rss'), 'B', '', '');
row($table, '... CPU a second', $get('idle nodes', 'cpu_us_per_s'), $get('idle alone', 'cpu_us_per_s'), 'us', '', '');
row($table, '... times a second that it wakes up', $get('idle nodes', 'wakes_per_s'), $get('idle alone', 'wakes_per_s'), '', '', '');
foreach (['same core', 'other core'] as $placement) {
    $key = str_replace(' core', '', $placement);
    row($table, "publish from PHP, acknowledged, $placement, p50", $get("php $key", 'acked_p50_us'), $get("rtt publish $key", 'rtt_p50_us'), 'us', '<= 1.5', '2');
    row($table, '... mean', $get("php $key", 'acked_mean_us'), $get("rtt publish $key", 'rtt_mean_us'), 'us', '', '');
    row($table, '... p99', $get("php $key", 'acked_p99_us'), $get("rtt publish $key", 'rtt_p99_us'), 'us', '', '');
    row($table, '... p99.9', $get("php $key", 'acked_p999_us'), $get("rtt publish $key", 'rtt_p999_us'), 'us', '', '');
    row($table, "... the same with 6 busy processes, $placement, mean", $get("php busy $key", 'acked_mean_us'), $get("rtt busy $key", 'rtt_mean_us'), 'us', '', '2');
    foreach (['p50', 'p99', 'p999'] as $which) {
        row($table, "... $which", $get("php busy $key", "acked_{$which}_us"), $get("rtt busy $key", "rtt_{$which}_us"), 'us', '', '');
    }
    row($table, "publish from PHP, deferred, with its flush, $placement, mean", $get("php $key", 'async_mean_us'), $get("rtt publish $key", 'write_mean_us'), 'us', '', '');
    row($table, '... the call alone, p50', $get("php $key", 'async_p50_us'), $get("rtt publish $key", 'write_p50_us'), 'us', '<= 1.5', '');
    row($table, "broadcast(new Event), CLI, $placement, p50", $get("event fanfare $key", 'p50_us'), $plus($get("event null $key", 'p50_us'), $get("rtt event $key", 'rtt_p50_us')), 'us', '', '1.5');
    row($table, '... with the round trip paced as Laravel paces it', $get("event fanfare $key", 'p50_us'), $plus($get("event null $key", 'p50_us'), $get("rtt event $key", 'paced_p50_us')), 'us', '', '');
    row($table, '... mean', $get("event fanfare $key", 'mean_us'), $plus($get("event null $key", 'mean_us'), $get("rtt event $key", 'rtt_mean_us')), 'us', '', '');
    row($table, "broadcast(new Event), first of an FPM request, $placement", $get("fpm fanfare $key", 'first_us'), $plus($get("fpm null $key", 'first_us'), $get("rtt fpm $key", 'rtt_p50_us')), 'us', '', '');
    row($table, '... second of the request', $get("fpm fanfare $key", 'second_us'), $plus($get("fpm null $key", 'second_us'), $get("rtt fpm $key", 'rtt_p50_us')), 'us', '', '');
}
foreach (['direct' => 'published directly', 'database' => 'by a worker of the queue "database" that never rests', 'redis' => 'by one of "redis"'] as $way => $how) {
    $goal = $way === 'direct' ? '<= 1.10' : '';
    row($table, "from event() to a subscriber, ShouldBroadcast, $how, p50; yardstick: ShouldBroadcastNow", $get("direct $way", 'p50_us'), $get('direct now', 'p50_us'), 'us', $goal, '');
    row($table, '... p99', $get("direct $way", 'p99_us'), $get('direct now', 'p99_us'), 'us', '', '');
    row($table, '... what event() takes of it, p50', $get("direct $way", 'call_p50_us'), $get('direct now', 'call_p50_us'), 'us', '', '');
}

$width = 0;
foreach ($table as $r) {
    $width = max($width, strlen($r['what']));
}
$number = static fn (?float $v): string => $v === null ? '' : number_format($v, $v >= 1000 ? 0 : ($v >= 100 ? 1 : 2));
printf("%-{$width}s %12s %12s %3s %7s  %-15s %-9s %s\n", '', 'fanfare', 'yardstick', '', 'ratio', '(min-max)', 'goal', 'limit');
foreach ($table as $r) {
    printf(
        "%-{$width}s %12s %12s %3s %7s  %-15s %-9s %s\n",
        $r['what'],
        $number($r['fanfare']),
        $number($r['base']),
        $r['unit'],
        $r['ratio'] === null ? '' : number_format($r['ratio'], 2),
        $r['ratio'] === null ? '' : sprintf('(%.2f-%.2f)', $r['ratio_min'], $r['ratio_max']),
        $r['goal'],
        $r['limit'],
    );
}
foreach ($conditions as $name => $value) {
    printf("%-10s %s\n", $name, $value);
}
file_put_contents($summary, json_encode(['conditions' => $conditions, 'rows' => $table], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES)."\n");
