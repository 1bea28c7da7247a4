<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

/**
 * The way to one application of one daemon: all that the package itself needs. The extension stands behind one
 * implementation, tests behind another. Closed: a new ability comes as a new interface, which this one then extends,
 * so depend on the small ones and implement those.
 */
interface Gateway extends AsyncPublisher, Inspector, Publisher, Terminator
{
}
