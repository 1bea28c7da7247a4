<?php

declare(strict_types=1);

use App\Models\User;
use Illuminate\Support\Facades\Broadcast;

// Besides /broadcasting/auth for browsers with a session, as docs/laravel.md has it.
Broadcast::routes(['prefix' => 'api', 'middleware' => ['auth:sanctum']]);
Broadcast::routes(['prefix' => 'jwt', 'middleware' => ['auth:jwt']]);
// Without a middleware that asks who it is: the channels say which guards they ask.
Broadcast::routes(['prefix' => 'open', 'middleware' => ['api']]);
Broadcast::userRoutes(['middleware' => ['web']]);
Broadcast::userRoutes(['prefix' => 'api', 'middleware' => ['auth:sanctum']]);
Broadcast::userRoutes(['prefix' => 'jwt', 'middleware' => ['auth:jwt']]);

Broadcast::channel('own.{id}', fn (User $user, int $id): bool => $user->id === $id);
Broadcast::channel('room.{room}', fn (User $user, string $room): array => ['name' => $user->name]);
Broadcast::channel('guarded.{id}', fn (User $user, int $id): bool => $user->id === $id, ['guards' => ['sanctum', 'jwt']]);

Broadcast::resolveAuthenticatedUserUsing(fn ($request): ?array => $request->user() === null ? null : ['id' => (string) $request->user()->id]);
