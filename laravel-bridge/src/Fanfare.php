<?php

declare(strict_types=1);

namespace Fanfare\Laravel;

use Fanfare\Laravel\Support\Publishers;
use Fanfare\Laravel\Testing\FakePublisher;
use Illuminate\Container\Container;

final class Fanfare
{
    /**
     * Records broadcasts instead of sending them, for the rest of the test: neither extension nor daemon is needed.
     */
    public static function fake(): FakePublisher
    {
        $fake = new FakePublisher;

        Container::getInstance()->make(Publishers::class)->fake($fake);

        return $fake;
    }
}
