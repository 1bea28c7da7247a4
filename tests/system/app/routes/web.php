<?php

declare(strict_types=1);

use App\Testing\Actions;
use Illuminate\Foundation\Http\Middleware\ValidateCsrfToken;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;

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
