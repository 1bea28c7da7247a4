<?php

declare(strict_types=1);

// Web requests, the queue worker and its jobs write to one SQLite file at once: with a log of what is written they do not
// wait for the disk and hardly for each other, which is the best that the queue can have here.
return [
    'default' => 'sqlite',

    'connections' => [
        'sqlite' => [
            'driver' => 'sqlite',
            'database' => env('DB_DATABASE', database_path('database.sqlite')),
            'prefix' => '',
            'foreign_key_constraints' => true,
            'busy_timeout' => 5000,
            'journal_mode' => 'WAL',
            'synchronous' => 'NORMAL',
        ],
    ],
];
