<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;

/**
 * A job of the application that broadcasts on its way.
 */
final class ShipOrder implements ShouldQueue
{
    use Queueable;

    public function handle(): void
    {
        event(new OrderShippedNow(7));
    }
}
