<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

/**
 * The way to one application of one daemon: all that the package itself needs. The extension stands behind one
 * implementation, tests behind another. Not for applications to implement: a new ability comes as a new interface, which
 * this one then extends. The small ones stay as they are.
 */
interface Gateway extends AsyncPublisher, ClusterInspector, Courier, Inspector, Listenable, Monitor, Operator, Publisher, Terminator
{
}
