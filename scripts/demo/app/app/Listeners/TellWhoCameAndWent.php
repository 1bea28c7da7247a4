<?php

declare(strict_types=1);

namespace App\Listeners;

use App\Events\DaemonTold;
use App\Models\User;
use Fanfare\Laravel\Events\MemberAdded;
use Fanfare\Laravel\Events\MemberRemoved;

/** Hears from the daemon, by way of `php artisan fanfare:listen`, who comes to a presence channel and who leaves it. */
final class TellWhoCameAndWent
{
    public function handle(MemberAdded|MemberRemoved $event): void
    {
        $name = User::query()->find($event->userId)->name ?? "user {$event->userId}";
        $did = $event instanceof MemberAdded ? 'came to' : 'left';

        broadcast(new DaemonTold("{$name} {$did} {$event->channel}", $event->time * 1000));
    }
}
