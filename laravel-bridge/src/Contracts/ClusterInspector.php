<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

/**
 * What else is to be known of answers where several daemons are one service.
 */
interface ClusterInspector
{
    /**
     * Whether the last question of this connection left daemons out, because they or Redis did not answer in time: there
     * may be more than it said. False where there was none, and on a daemon that stands alone.
     */
    public function answerWasPartial(): bool;
}
