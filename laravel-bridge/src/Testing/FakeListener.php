<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Testing;

use Fanfare\Laravel\Contracts\Listener;
use Fanfare\Laravel\Events\DaemonEvent;
use Fanfare\Laravel\Events\SnapshotTaken;
use Fanfare\Laravel\Exceptions\PublishException;
use ReflectionProperty;

/**
 * Tells the events that a test has given it, and keeps what became of them.
 */
final class FakeListener implements Listener
{
    /** @var list<string> what was asked for; none is all */
    public array $types = [];

    public ?string $group = null;

    public ?SnapshotTaken $snapshot = null;

    public bool $withoutSnapshot = true;

    public bool $closed = false;

    /** @var list<DaemonEvent> in the order in which they were */
    public array $acknowledged = [];

    /** @var list<DaemonEvent> */
    public array $released = [];

    /** @var list<DaemonEvent|PublishException> */
    private array $waiting = [];

    public function add(DaemonEvent|PublishException ...$events): self
    {
        array_push($this->waiting, ...array_values($events));

        return $this;
    }

    public function receive(float $timeout): ?DaemonEvent
    {
        $next = array_shift($this->waiting);

        if ($next instanceof PublishException) {
            throw $next;
        }

        return $next;
    }

    public function ack(DaemonEvent $event): void
    {
        $this->acknowledged[] = $event;
    }

    public function release(DaemonEvent $event): void
    {
        $this->released[] = $event;

        // The daemon counts; a clone keeps the class and all that it says. Readonly properties are set in their own class only.
        $again = (new \ReflectionClass($event))->newInstanceWithoutConstructor();
        foreach ((new \ReflectionClass($event))->getProperties() as $property) {
            $value = $property->getValue($event);
            (new ReflectionProperty($property->class, $property->name))
                ->setValue($again, $property->name === 'attempt' ? $event->attempt + 1 : $value);
        }
        array_unshift($this->waiting, $again);
    }

    public function takeSnapshot(): ?SnapshotTaken
    {
        [$snapshot, $this->snapshot] = [$this->snapshot, null];

        return $this->withoutSnapshot ? null : $snapshot;
    }

    public function close(): void
    {
        $this->closed = true;
    }
}
