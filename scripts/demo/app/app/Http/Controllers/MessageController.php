<?php

declare(strict_types=1);

namespace App\Http\Controllers;

use App\Events\MessagePosted;
use App\Models\Message;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

final class MessageController extends Controller
{
    public function store(Request $request): JsonResponse
    {
        $input = $request->validate(['text' => 'required|string|max:500', 'ref' => 'nullable|string|max:40']);

        $message = Message::create(['author' => $request->user()->name, 'text' => $input['text']]);
        broadcast(new MessagePosted($message, $input['ref'] ?? null));

        return response()->json(['id' => $message->id], 201);
    }
}
