<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

/**
 * What a check has found.
 */
final class Finding
{
    /**
     * @param  ?string  $fix  one line that says what to do
     */
    public function __construct(
        public readonly Status $status,
        public readonly string $check,
        public readonly string $message,
        public readonly ?string $fix = null,
    ) {
    }

    public static function ok(string $check, string $message): self
    {
        return new self(Status::Ok, $check, $message);
    }

    public static function note(string $check, string $message, ?string $fix = null): self
    {
        return new self(Status::Note, $check, $message, $fix);
    }

    public static function warning(string $check, string $message, ?string $fix = null): self
    {
        return new self(Status::Warning, $check, $message, $fix);
    }

    public static function failure(string $check, string $message, ?string $fix = null): self
    {
        return new self(Status::Failure, $check, $message, $fix);
    }
}
