<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Container\Container;
use Illuminate\Contracts\Config\Repository;

/**
 * config/fanfare.php, with types. A value of the wrong type counts as not set.
 */
final class Settings
{
    public static function queueConnection(): ?string
    {
        return self::text('republish.connection');
    }

    public static function queueName(): ?string
    {
        return self::text('republish.queue');
    }

    public static function logChannel(): ?string
    {
        return self::text('log_channel');
    }

    /**
     * @return list<int> seconds
     */
    public static function backoff(): array
    {
        $backoff = self::get('republish.backoff');

        return array_values(array_map(
            static fn (int|float|string $seconds): int => max(0, (int) $seconds),
            array_filter(is_array($backoff) ? $backoff : [$backoff], is_numeric(...))
        ));
    }

    /**
     * @return int seconds
     */
    public static function retryFor(): int
    {
        $seconds = self::get('republish.retry_for');

        return is_numeric($seconds) && $seconds > 0 ? (int) $seconds : 600;
    }

    private static function text(string $key): ?string
    {
        $value = self::get($key);

        return is_string($value) && $value !== '' ? $value : null;
    }

    private static function get(string $key): mixed
    {
        return Container::getInstance()->make(Repository::class)->get('fanfare.'.$key);
    }
}
