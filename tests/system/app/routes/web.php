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

Route::post('/act/{action}', fn (Request $request, string $action) => ['result' => Actions::run($action, $request->json()->all())])
    ->withoutMiddleware([ValidateCsrfToken::class]);
