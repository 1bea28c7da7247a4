<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Events;

/**
 * All that "fanfare:listen" dispatches: a listener for this interface hears everything.
 */
interface FromDaemon
{
}
