<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Exceptions\PublishException;

/**
 * Tells what happens in the daemon.
 */
interface Listenable
{
    /**
     * @param  list<string>  $types  as the daemon calls them, see EventTypes; none is all
     * @param  ?string  $group  whose listeners share the events; null is a listener of its own
     * @param  bool  $snapshot  also what is there now
     * @param  int  $window  how many events it may have that are not settled
     * @param  float  $ackTimeout  seconds after which such an event goes to another listener
     *
     * @throws PublishException
     */
    public function listen(array $types = [], ?string $group = null, bool $snapshot = false, int $window = 16, float $ackTimeout = 30.0): Listener;
}
