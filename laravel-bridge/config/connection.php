<?php

declare(strict_types=1);

/*
 * The connection "fanfare" as it is when config/broadcasting.php says nothing about it. The provider lays whatever the
 * application defines under broadcasting.connections.fanfare over this, key by key. It is not published: an
 * application overrides single keys in its own config/broadcasting.php.
 */
return [

    'driver' => 'fanfare',
    'key' => env('FANFARE_APP_KEY'),
    'secret' => env('FANFARE_APP_SECRET'),
    'app_id' => env('FANFARE_APP_ID'),

    'options' => [
        // The daemon's socket; null takes the extension's ini setting fanfare.socket.
        'socket' => env('FANFARE_SOCKET'),

        // Seconds for one whole publish; null takes fanfare.timeout.
        'timeout' => env('FANFARE_TIMEOUT'),

        // Where browsers reach the daemon. Publishing never uses these.
        'host' => env('FANFARE_HOST', 'localhost'),
        'port' => env('FANFARE_PORT', 8080),
        'scheme' => env('FANFARE_SCHEME', 'http'),

        // Base64 of the 32 bytes that encrypted channels need.
        'encryption_master_key_base64' => env('FANFARE_ENCRYPTION_MASTER_KEY'),

        // When a publish fails: "throw", "log" or "queue".
        'on_failure' => env('FANFARE_ON_FAILURE', 'throw'),

        // "sync" waits for the daemon's receipt, "async" collects it when the request, job or command ends.
        'mode' => env('FANFARE_MODE', 'sync'),

        // Whether ShouldBroadcast events go out at once instead of by a queued job, and for how many seconds they wait for the
        // daemon before the queue gets them after all.
        'direct' => env('FANFARE_DIRECT', false),
        'direct_timeout' => env('FANFARE_DIRECT_TIMEOUT', 0.25),

        // What a receipt says: "local", this daemon has the event, or "cluster", Redis has it for all daemons; null takes
        // fanfare.ack.
        'ack' => env('FANFARE_ACK'),
    ],

];
