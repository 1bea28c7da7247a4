<?php

declare(strict_types=1);

namespace App\Http\Controllers;

use App\Events\MessagePosted;
use App\Models\Message;
use Illuminate\Contracts\View\View;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

final class DemoController extends Controller
{
    public function show(Request $request): View
    {
        $connection = config('broadcasting.connections.fanfare');

        return view('demo', [
            'settings' => [
                'key' => $connection['key'],
                'host' => $connection['options']['host'],
                'port' => (int) $connection['options']['port'],
                'tls' => $connection['options']['scheme'] === 'https',
                'user' => ['id' => $request->user()->id, 'name' => $request->user()->name],
                'messages' => Message::query()->latest('id')->limit(20)->get()->reverse()
                    ->map(fn (Message $message): array => $message->forFeed())->values(),
            ],
        ]);
    }

    public function post(Request $request): JsonResponse
    {
        $input = $request->validate(['text' => 'required|string|max:500', 'ref' => 'nullable|string|max:40']);

        $message = Message::create(['author' => $request->user()->name, 'text' => $input['text']]);
        broadcast(new MessagePosted($message, $input['ref'] ?? null));

        return response()->json(['id' => $message->id], 201);
    }
}
