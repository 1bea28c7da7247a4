<?php

declare(strict_types=1);

namespace App\Http\Controllers;

use App\Events\TokenWritten;
use App\Support\LanguageModel;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Cache;
use Illuminate\Support\Str;

final class TokenController extends Controller
{
    public function store(Request $request, LanguageModel $model): JsonResponse
    {
        $input = $request->validate(['tokens' => 'required|integer|between:1,20000', 'rate' => 'required|integer|between:0,100000']);
        $tokens = (int) $input['tokens'];
        $lock = Cache::lock('tokens', 120);

        if (! $lock->get()) {
            return response()->json(['message' => 'An answer is being written already.'], 409);
        }

        $answer = Str::random(12);
        $spent = 0;
        $begun = hrtime(true);

        try {
            foreach ($model->write($tokens, (int) $input['rate']) as $number => $text) {
                $start = hrtime(true);
                broadcast(new TokenWritten($answer, $number, $tokens, $text));
                $spent += hrtime(true) - $start;
            }
        } finally {
            $lock->release();
        }

        return response()->json([
            'answer' => $answer,
            'seconds' => (hrtime(true) - $begun) / 1e9,
            // What one broadcast() took here, in microseconds: Laravel, the extension, and the daemon's receipt.
            'broadcast' => $spent / $tokens / 1000,
        ], 201);
    }
}
