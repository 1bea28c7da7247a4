<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Exceptions;

use RuntimeException;

/**
 * Something is missing or wrong on this side. The message names the line or the command that repairs it.
 */
final class MisconfiguredException extends RuntimeException
{
    public function __construct(public readonly string $reason)
    {
        parent::__construct('Fanfare: '.$reason);
    }
}
