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

];
