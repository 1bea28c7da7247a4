<?php

/**
 * The first and the second broadcast(new Event) of a fresh PHP-FPM request in a real Laravel application.
 *
 * FPM runs it with APPLICATION (its folder) and QUERY_STRING (null or fanfare). Answers one JSON line.
 */

declare(strict_types=1);

$dir = $_SERVER['APPLICATION'];
$driver = $_SERVER['QUERY_STRING'];

require $dir.'/vendor/autoload.php';
$app = require $dir.'/bootstrap/app.php';
$app->instance('request', Illuminate\Http\Request::capture());
$app->make(Illuminate\Contracts\Http\Kernel::class)->bootstrap();
require __DIR__.'/event.inc';

$app->make('config')->set('broadcasting.default', $driver);
$text = str_repeat('x', 200);
$first = bench_broadcast($text, 1);
$second = bench_broadcast($text, 2);

header('Content-Type: application/json');
echo json_encode([
    'phase' => 'fpm',
    'driver' => $driver,
    'cached' => $app->configurationIsCached(),
    'opcache' => function_exists('opcache_get_status') && (opcache_get_status(false)['opcache_enabled'] ?? false),
    'first_us' => round($first / 1e3, 2),
    'second_us' => round($second / 1e3, 2),
]), "\n";
