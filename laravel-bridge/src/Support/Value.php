<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

/**
 * Reads what configuration files hold, which may be anything.
 */
final class Value
{
    /**
     * The value as a text; null for what is none, and for an empty one.
     */
    public static function text(#[\SensitiveParameter] mixed $value): ?string
    {
        return is_scalar($value) && (string) $value !== '' ? (string) $value : null;
    }

    /**
     * What lies at a path such as "options.host" of an array; null where there is nothing.
     *
     * @param  array<array-key, mixed>  $array
     */
    public static function at(array $array, string $path): mixed
    {
        $value = $array;

        foreach (explode('.', $path) as $key) {
            if (! is_array($value)) {
                return null;
            }
            $value = $value[$key] ?? null;
        }

        return $value;
    }
}
