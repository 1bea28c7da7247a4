<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

/**
 * The reason for publishing at once, in figures that were measured: docs/performance.md of Fanfare's repository.
 */
final class DirectFigures
{
    public const REASON = 'A whole broadcast takes 25 to 42 us, less than putting a job on a queue, and needs no worker; the queue stays the fallback.';
}
