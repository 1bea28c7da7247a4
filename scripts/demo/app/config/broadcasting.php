<?php

declare(strict_types=1);

// Two ways to the same daemon, to be seen side by side. An application with one way needs nothing here: FANFARE_DIRECT=true
// in .env makes it the direct one.
$connection = fn (bool $direct): array => [
    'driver' => 'fanfare',
    'key' => env('FANFARE_APP_KEY'),
    'secret' => env('FANFARE_APP_SECRET'),
    'app_id' => env('FANFARE_APP_ID'),
    'options' => ['socket' => env('FANFARE_SOCKET'), 'direct' => $direct],
];

return [
    'default' => env('BROADCAST_CONNECTION', 'fanfare'),

    'connections' => [
        'direct' => $connection(true),
        'queued' => $connection(false),
    ],
];
