<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

/**
 * What an application can ask of the daemon besides broadcasting, for the application of one broadcasting connection.
 * Failures are thrown, whatever the connection's on_failure says: the caller wants an answer. For type hints only: a new
 * ability comes as a new interface, which this one then extends. The small ones stay as they are.
 */
interface Server extends ClusterInspector, Inspector, Monitor, Operator, Terminator, UserPublisher
{
}
