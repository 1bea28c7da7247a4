<?php

declare(strict_types=1);

use App\Http\Controllers\MessageController;
use App\Http\Controllers\OrderController;
use App\Http\Controllers\PageController;
use App\Http\Controllers\TokenController;
use App\Http\Middleware\SignInGuest;
use Illuminate\Support\Facades\Route;

Route::get('/', PageController::class)->middleware(SignInGuest::class);

Route::middleware('auth')->group(function (): void {
    Route::post('/messages', [MessageController::class, 'store']);
    Route::post('/orders', [OrderController::class, 'store']);
    Route::post('/tokens', [TokenController::class, 'store']);
    // The page compares its clock with this one before it shows what a message took.
    Route::get('/clock', fn (): array => ['now' => microtime(true) * 1000]);
});
