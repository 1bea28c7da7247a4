<?php

declare(strict_types=1);

namespace App\Models;

use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Database\Eloquent\BroadcastsEvents;
use Illuminate\Database\Eloquent\Model;

/** A model that broadcasts what happens to it, on its own channel and on its owner's. */
final class Post extends Model
{
    use BroadcastsEvents;

    protected $fillable = ['user_id', 'title'];

    /** @return array<int, mixed> */
    public function broadcastOn(string $event): array
    {
        return [$this, new PrivateChannel("App.Models.User.{$this->user_id}")];
    }

    /** @return array<string, mixed> */
    public function broadcastWith(string $event): array
    {
        return ['model' => ['id' => $this->id, 'title' => $this->title], 'event' => $event];
    }
}
