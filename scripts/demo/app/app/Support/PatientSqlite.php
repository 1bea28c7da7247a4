<?php

declare(strict_types=1);

namespace App\Support;

use Closure;
use Illuminate\Database\SQLiteConnection;

/**
 * A transaction that reads before it writes, as the queue worker's for the next job, fails at once in SQLite when somebody
 * else has written in between. The worker would then rest for a second, and the board would show that as the queue's own.
 */
final class PatientSqlite extends SQLiteConnection
{
    private const ATTEMPTS = 50;

    public function transaction(Closure $callback, $attempts = 1)
    {
        return parent::transaction($callback, max($attempts, self::ATTEMPTS));
    }
}
