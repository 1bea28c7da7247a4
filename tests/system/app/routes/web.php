<?php

declare(strict_types=1);

use App\Testing\Actions;
use Illuminate\Foundation\Http\Middleware\ValidateCsrfToken;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;
use Pusher\Pusher;

Route::get('/login/{id}', function (Request $request, int $id) {
    Auth::loginUsingId($id);
    $request->session()->regenerate();

    return ['id' => Auth::id()];
});

Route::get('/whoami', fn () => ['id' => Auth::id(), 'pid' => getmypid()]);

// The body is read as it is: Laravel's middleware trims strings and makes empty ones null.
Route::post('/act/{action}', function (Request $request, string $action) {
    try {
        return ['result' => Actions::run($action, json_decode($request->getContent(), true, flags: JSON_THROW_ON_ERROR))];
    } catch (Throwable $e) {
        return response()->json(Actions::failure($e), 500);
    }
})->withoutMiddleware([ValidateCsrfToken::class]);

// As docs/webhooks.md has it; the events go to a file, checked by hand, and by Pusher's library where it is installed.
Route::post('/webhooks/fanfare', function (Request $request) {
    $app = config('broadcasting.connections.'.config('broadcasting.default'));
    $expected = hash_hmac('sha256', $request->getContent(), $app['secret']);
    abort_unless($request->header('X-Pusher-Key') === $app['key'] && hash_equals($expected, (string) $request->header('X-Pusher-Signature')), 401);

    $events = class_exists(Pusher::class)
        ? (new Pusher($app['key'], $app['secret'], $app['app_id']))->webhook(
            ['X-Pusher-Key' => $request->header('X-Pusher-Key'), 'X-Pusher-Signature' => $request->header('X-Pusher-Signature')],
            $request->getContent(),
        )->get_events()
        : json_decode($request->getContent(), flags: JSON_THROW_ON_ERROR)->events;
    $lines = array_map(fn (object $event): string => json_encode($event)."\n", $events);
    file_put_contents(storage_path('logs/webhooks.log'), implode('', $lines), FILE_APPEND | LOCK_EX);

    return response()->noContent();
})->withoutMiddleware([ValidateCsrfToken::class]);
