<?php

declare(strict_types=1);

namespace App\Providers;

use App\Models\User;
use Firebase\JWT\JWT;
use Firebase\JWT\Key;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\ServiceProvider;
use Throwable;

/** As docs/laravel.md has it, under "Authorizing channels". */
final class AppServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        config(['auth.guards.jwt' => ['driver' => 'jwt'], 'services.jwt.secret' => str_repeat('j', 32)]);
    }

    public function boot(): void
    {
        Auth::viaRequest('jwt', function (Request $request): ?User {
            try {
                $claims = JWT::decode((string) $request->bearerToken(), new Key(config('services.jwt.secret'), 'HS256'));
            } catch (Throwable) {
                return null;
            }

            return User::find($claims->sub);
        });
    }
}
