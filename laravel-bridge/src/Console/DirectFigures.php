<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

/**
 * The reason for publishing at once, in figures that were measured: docs/performance.md of Fanfare's repository.
 */
final class DirectFigures
{
    public const REASON = 'From dispatch to browser it is about as fast as ShouldBroadcastNow; a worker on a Redis queue takes ten to twenty times as long, one on a database queue a hundred times. The queue stays the fallback.';
}
