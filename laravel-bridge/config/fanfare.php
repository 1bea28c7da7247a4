<?php

declare(strict_types=1);

/*
 * What belongs to no single connection. Credentials, socket and failure handling are in the connections of
 * config/broadcasting.php.
 */
return [

    /*
     * Whether connections of Laravel's driver "reverb" are Fanfare's, so that an application that broadcasts through
     * Reverb changes nothing but this. They keep their credentials, REVERB_APP_ID, REVERB_APP_KEY and REVERB_APP_SECRET;
     * socket, time-out and the rest come from the lines FANFARE_*, unless their own options say otherwise.
     */
    'replace_reverb' => env('FANFARE_REPLACE_REVERB', false),

    /*
     * The job that a connection with 'on_failure' => 'queue' leaves behind when a broadcast fails. Without a
     * connection and a queue it goes to the application's default ones, or, from a queued broadcast, to those which
     * that came from.
     */
    'republish' => [
        'connection' => env('FANFARE_QUEUE_CONNECTION'),
        'queue' => env('FANFARE_QUEUE'),

        // Seconds before each further attempt; the last one repeats.
        'backoff' => [1, 2, 5, 10, 30, 60],

        // Seconds after which the job is given up and recorded as failed.
        'retry_for' => 600,
    ],

    /*
     * The log channel for 'on_failure' => 'log' and for failures that 'mode' => 'async' learns of at the end; null is
     * the application's default channel.
     */
    'log_channel' => env('FANFARE_LOG_CHANNEL'),

    /*
     * The daemon's executable for "php artisan fanfare:start"; null looks for "fanfared" in PATH and where it is usually
     * installed.
     */
    'daemon' => env('FANFARE_DAEMON'),

    /*
     * What "php artisan fanfare:start" writes into the daemon's configuration, besides the applications and the socket,
     * which are those of the connections in config/broadcasting.php.
     */
    'server' => [
        // Where it listens for browsers. Without a port it is that of FANFARE_PORT, or 8080 where browsers come
        // through a proxy (FANFARE_SCHEME=https).
        'host' => env('FANFARE_SERVER_HOST', '127.0.0.1'),
        'port' => env('FANFARE_SERVER_PORT'),

        // Threads: a number, or "auto".
        'workers' => env('FANFARE_SERVER_WORKERS', 'auto'),

        // Any other key of the daemon's configuration, by section: 'limits' => ['max_event_size' => '1M'], and
        // 'app' => ['client_events' => 'all'] for every application. Lines FANFARE_<SECTION>_<KEY> of .env, such as
        // FANFARE_LIMITS_MAX_EVENT_SIZE=1M, do the same.
        'config' => [],
    ],

    /*
     * Whether Laravel's health page (/up) fails while the daemon does not answer. Off, because an application without
     * its daemon serves pages all the same, and a load balancer would take it away.
     */
    'health' => env('FANFARE_HEALTH', false),

    /*
     * Whether connections and messages are recorded for Laravel Pulse, where that is installed.
     */
    'pulse' => env('FANFARE_PULSE', true),

];
