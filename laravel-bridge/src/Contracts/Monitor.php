<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Stats;

/**
 * What the daemon says of itself.
 */
interface Monitor
{
    /**
     * @throws PublishException
     */
    public function stats(): Stats;
}
