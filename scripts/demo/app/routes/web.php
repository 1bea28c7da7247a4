<?php

declare(strict_types=1);

use App\Http\Controllers\DemoController;
use App\Http\Middleware\SignInGuest;
use Illuminate\Support\Facades\Route;

Route::get('/', [DemoController::class, 'show'])->middleware(SignInGuest::class);
Route::post('/messages', [DemoController::class, 'post'])->middleware('auth');
