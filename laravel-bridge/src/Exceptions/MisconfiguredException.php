<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Exceptions;

use RuntimeException;

/**
 * The message names the line or the command that is missing.
 */
final class MisconfiguredException extends RuntimeException {}
