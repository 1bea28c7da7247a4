<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Contracts\Broadcasting\ShouldBeUnique;

/** Only one of these waits in the queue. */
final class ChangedOnce extends Changed implements ShouldBeUnique {}
