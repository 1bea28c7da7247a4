<?php

declare(strict_types=1);

namespace App\Providers;

use App\Support\PatientSqlite;
use Illuminate\Database\Connection;
use Illuminate\Support\ServiceProvider;

final class AppServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        Connection::resolverFor('sqlite', static fn (...$made): Connection => new PatientSqlite(...$made));
    }
}
