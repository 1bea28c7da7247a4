<?php

declare(strict_types=1);

namespace App\Events;

use Illuminate\Queue\Attributes\Queue;

/** Names its queue as Laravel 13 has it. */
#[Queue('default')]
final class ChangedElsewhere extends Changed {}
