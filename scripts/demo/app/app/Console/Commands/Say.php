<?php

declare(strict_types=1);

namespace App\Console\Commands;

use App\Events\MessagePosted;
use App\Models\Message;
use Illuminate\Console\Command;

final class Say extends Command
{
    protected $signature = 'demo:say {text : What everybody shall read}';

    protected $description = 'Broadcast a message to every open tab of the demo';

    public function handle(): int
    {
        $message = Message::create(['author' => 'artisan', 'text' => (string) $this->argument('text')]);
        broadcast(new MessagePosted($message));
        $this->components->info('Broadcast to the channel private-feed.');

        return self::SUCCESS;
    }
}
