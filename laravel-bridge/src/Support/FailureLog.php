<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Container\Container;
use Illuminate\Log\LogManager;
use Psr\Log\LoggerInterface;

/**
 * Where failures go that are not thrown. Asks the container at that moment, so that a driver need not keep it.
 */
final class FailureLog
{
    /**
     * @param  array<string, mixed>  $context
     */
    public static function error(string $message, array $context = []): void
    {
        self::logger()->error($message, $context);
    }

    /**
     * @param  array<string, mixed>  $context
     */
    public static function warning(string $message, array $context = []): void
    {
        self::logger()->warning($message, $context);
    }

    private static function logger(): LoggerInterface
    {
        $logger = Container::getInstance()->make(LoggerInterface::class);
        $channel = Settings::logChannel();

        return $logger instanceof LogManager && $channel !== null ? $logger->channel($channel) : $logger;
    }
}
