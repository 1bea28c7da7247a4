<?php

declare(strict_types=1);

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

/**
 * One line of the feed.
 *
 * @property int $id
 * @property string $author
 * @property string $text
 * @property \Illuminate\Support\Carbon $created_at
 */
final class Message extends Model
{
    protected $fillable = ['author', 'text'];

    /** @return array{id: int, author: string, text: string, time: string} */
    public function forFeed(): array
    {
        return [
            'id' => $this->id,
            'author' => $this->author,
            'text' => $this->text,
            'time' => $this->created_at->toIso8601String(),
        ];
    }
}
