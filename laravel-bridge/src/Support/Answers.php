<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Container\Container;
use Illuminate\Contracts\Events\Dispatcher;

/**
 * What "mode" => "async" has not waited for.
 */
final class Answers
{
    /**
     * Where nothing waits this costs nothing.
     */
    public static function collect(Gateways $gateways): void
    {
        foreach ($gateways->flush() as $failed) {
            $e = $failed->exception;
            FailureLog::error($e->getMessage(), $e->context() + ['exception' => $e]);
            Container::getInstance()->make(Dispatcher::class)->dispatch($failed);
        }
    }
}
