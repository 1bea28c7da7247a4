<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Contracts;

use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\ClientConnection;

/**
 * Sees the clients one by one, and gives the daemon orders. It obeys root, the user it runs as, and applications with
 * "control = yes" in their configuration.
 */
interface Operator
{
    /**
     * Open WebSockets of the application, a page at a time.
     *
     * @param  ?string  $after  the socket id with which the page before ended
     * @return list<ClientConnection>
     *
     * @throws PublishException
     */
    public function connections(int $limit = 100, ?string $after = null): array;

    /**
     * The daemon tells its clients to come back, lets go of them, and ends.
     *
     * @throws PublishException
     */
    public function stop(): void;

    /**
     * The same, and then it executes itself anew, as the same process.
     *
     * @throws PublishException
     */
    public function restart(): void;

    /**
     * The daemon reads its configuration again; clients stay.
     *
     * @throws PublishException
     */
    public function reload(): void;
}
