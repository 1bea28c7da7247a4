<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Contracts\Broadcasting\Factory;

/**
 * The connections as an event finds them that is published directly. Events that it dispatches on the way, in its
 * broadcastWith() say, are none of these and find the others. It is the job's handler, too: the bus need not find out then
 * what the job's own method asks for.
 */
final class DirectConnections implements Factory
{
    /** @var array<string, DirectBroadcaster> by name, the default one by none */
    private array $direct = [];

    public function __construct(private readonly Factory $connections)
    {
    }

    /**
     * Whether this connection is one; then it is kept.
     */
    public function take(?string $name): bool
    {
        $broadcaster = $this->connections->connection($name);

        if (! $broadcaster instanceof FanfareBroadcaster || ! $broadcaster->isDirect()) {
            return false;
        }

        $this->direct[$name ?? ''] = new DirectBroadcaster($broadcaster);

        return true;
    }

    public function connection($name = null): Broadcaster
    {
        // An event may name another one now than when it was asked before.
        return $this->direct[$name ?? ''] ?? $this->connections->connection($name);
    }

    public function handle(DirectBroadcast $job): void
    {
        $job->handle($this);
    }
}
