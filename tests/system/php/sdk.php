<?php

declare(strict_types=1);

/*
 * Calls the official PHP SDK of Pusher: a line of JSON on standard input for each call, a line of JSON back.
 *
 *   php sdk.php vendor/autoload.php
 *   {"app": {"id", "key", "secret"}, "options": {...}, "client": {...}, "method": "trigger", "args": [...]}
 *       ->  {"result"} or {"error", "code", "message"}
 *
 * "client" are options of Guzzle. Calls with the same app and options share an SDK, and so its kept-alive connections.
 * A method that ends with Async is waited for. With "times" it is called so often at once, with {i} in its arguments replaced.
 */

use GuzzleHttp\Client;
use GuzzleHttp\Promise\PromiseInterface;
use GuzzleHttp\Promise\Utils;
use Pusher\Pusher;

require $argv[1];

ini_set('display_errors', 'stderr');
error_reporting(E_ALL);

/** @var array<string, Pusher> $sdks */
$sdks = [];

while (($line = fgets(STDIN)) !== false) {
    $call = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    try {
        $key = json_encode([$call['app'], $call['options'], $call['client']], JSON_THROW_ON_ERROR);
        $pusher = $sdks[$key] ??= new Pusher($call['app']['key'], $call['app']['secret'], $call['app']['id'], $call['options'], new Client($call['client'] + ['timeout' => 30]));
        if (isset($call['times'])) {
            $promises = [];
            for ($i = 0; $i < $call['times']; $i++) {
                $args = json_decode(str_replace('{i}', (string) $i, json_encode($call['args'], JSON_THROW_ON_ERROR)), true, flags: JSON_THROW_ON_ERROR);
                $promises[] = $pusher->{$call['method']}(...$args);
            }
            $result = Utils::unwrap($promises);
        } else {
            $result = $pusher->{$call['method']}(...$call['args']);
            if ($result instanceof PromiseInterface) {
                $result = $result->wait();
            }
        }
        $answer = ['result' => $result];
    } catch (Throwable $e) {
        $answer = ['error' => $e::class, 'code' => $e->getCode(), 'message' => $e->getMessage()];
    }
    fwrite(STDOUT, json_encode($answer, JSON_THROW_ON_ERROR)."\n");
}
