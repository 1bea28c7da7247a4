<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use InvalidArgumentException;

/**
 * Finds the server behind a broadcasting connection.
 */
interface Factory
{
    /**
     * Null is the default broadcasting connection if its driver is Fanfare, else "fanfare".
     *
     * @throws InvalidArgumentException for a connection of another driver
     */
    public function connection(?string $name = null): Server;
}
