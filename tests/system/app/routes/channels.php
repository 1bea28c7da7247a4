<?php

declare(strict_types=1);

use App\Models\Post;
use App\Models\User;
use Illuminate\Support\Facades\Broadcast;

Broadcast::channel('App.Models.User.{id}', fn (User $user, int $id): bool => $user->id === $id);

Broadcast::channel('App.Models.Post.{post}', fn (User $user, Post $post): bool => $user->id === $post->user_id);

Broadcast::channel('room.{room}', fn (User $user, string $room): array => ['id' => $user->id, 'name' => $user->name, 'room' => $room]);

Broadcast::channel('open.{name}', fn (User $user): bool => true);

Broadcast::channel('closed.{name}', fn (User $user): bool => false);

Broadcast::userRoutes(['middleware' => ['web']]);

Broadcast::resolveAuthenticatedUserUsing(fn ($request): ?array => $request->user() === null ? null : ['id' => (string) $request->user()->id, 'name' => $request->user()->name]);
