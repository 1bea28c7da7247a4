<?php

declare(strict_types=1);

/*
 * Calls the official PHP SDK of Pusher: a line of JSON on standard input for each call, a line of JSON back.
 *
 *   php sdk.php vendor/autoload.php
 *   {"app": {"id", "key", "secret"}, "options": {...}, "method": "trigger", "args": [...]}  ->  {"result"} or {"error", "code", "message"}
 *
 * A method that ends with Async is waited for.
 */

require $argv[1];

ini_set('display_errors', 'stderr');
error_reporting(E_ALL);

while (($line = fgets(STDIN)) !== false) {
    $call = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    try {
        $pusher = new Pusher\Pusher($call['app']['key'], $call['app']['secret'], $call['app']['id'], $call['options']);
        $result = $pusher->{$call['method']}(...$call['args']);
        if ($result instanceof GuzzleHttp\Promise\PromiseInterface) {
            $result = $result->wait();
        }
        $answer = ['result' => $result];
    } catch (Throwable $e) {
        $answer = ['error' => $e::class, 'code' => $e->getCode(), 'message' => $e->getMessage()];
    }
    fwrite(STDOUT, json_encode($answer, JSON_THROW_ON_ERROR)."\n");
}
