<?php

declare(strict_types=1);

use App\Models\User;
use Illuminate\Support\Facades\Broadcast;

// Whoever is signed in may read these; a real application asks a policy here.
Broadcast::channel('feed', fn (User $user): bool => true);
Broadcast::channel('orders', fn (User $user): bool => true);
Broadcast::channel('tokens', fn (User $user): bool => true);
Broadcast::channel('daemon.{port}', fn (User $user): bool => true);
Broadcast::channel('told', fn (User $user): bool => true);

// What this returns is what the others see of a member.
Broadcast::channel('room', fn (User $user): array => ['id' => $user->id, 'name' => $user->name]);
