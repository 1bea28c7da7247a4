<?php

declare(strict_types=1);

namespace App\Http\Controllers;

use App\Models\Message;
use App\Support\Daemon;
use Illuminate\Contracts\View\View;
use Illuminate\Http\Request;

final class PageController extends Controller
{
    /** The code that each part of the page shows is the code that runs. */
    private const CODE = [
        'chat' => ['app/Events/MessagePosted.php', 'routes/channels.php'],
        'orders' => ['app/Http/Controllers/OrderController.php', 'app/Events/OrderPlaced.php', 'config/broadcasting.php'],
        'tokens' => ['app/Http/Controllers/TokenController.php', 'app/Events/TokenWritten.php'],
        'daemon' => ['app/Console/Commands/Report.php', 'app/Support/Daemon.php', 'app/Listeners/TellWhoCameAndWent.php'],
    ];

    public function __invoke(Request $request): View
    {
        $connection = config('broadcasting.connections.fanfare');

        return view('demo', [
            'settings' => [
                'key' => $connection['key'],
                'host' => $connection['options']['host'],
                'port' => (int) $connection['options']['port'],
                'tls' => $connection['options']['scheme'] === 'https',
                'daemon' => Daemon::channel(),
                'user' => ['id' => $request->user()->id, 'name' => $request->user()->name],
                'messages' => Message::query()->latest('id')->limit(20)->get()->reverse()
                    ->map(fn (Message $message): array => $message->forFeed())->values(),
            ],
            'code' => array_map(fn (array $files): array => array_combine($files, array_map($this->code(...), $files)), self::CODE),
        ]);
    }

    /** A file without what stands above the code in every file. */
    private function code(string $file): string
    {
        return trim((string) preg_replace('/^(<\?php|declare\(.*|namespace .*|use [A-Z].*|)\n/m', '', (string) file_get_contents(base_path($file))));
    }
}
