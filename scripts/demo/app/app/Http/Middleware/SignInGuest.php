<?php

declare(strict_types=1);

namespace App\Http\Middleware;

use App\Models\User;
use Closure;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Str;
use Symfony\Component\HttpFoundation\Response;

/** Gives every new session a guest of its own, so that private and presence channels have somebody to authorize. */
final class SignInGuest
{
    private const COLOURS = ['Amber', 'Azure', 'Cobalt', 'Coral', 'Crimson', 'Golden', 'Indigo', 'Jade', 'Ruby', 'Silver', 'Teal', 'Violet'];

    private const ANIMALS = ['Badger', 'Crane', 'Dolphin', 'Falcon', 'Gecko', 'Heron', 'Ibis', 'Lynx', 'Marten', 'Otter', 'Raven', 'Stoat'];

    public function handle(Request $request, Closure $next): Response
    {
        if (Auth::guest()) {
            Auth::login(User::create([
                'name' => self::COLOURS[array_rand(self::COLOURS)].' '.self::ANIMALS[array_rand(self::ANIMALS)],
                'email' => Str::uuid().'@guests.invalid',
                'password' => Str::random(40),
            ]));
        }

        return $next($request);
    }
}
