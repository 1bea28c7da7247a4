<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Closure;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Contracts\Broadcasting\ShouldBeUnique;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Contracts\Bus\Dispatcher as Bus;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Container\Container;
use Illuminate\Contracts\Queue\ShouldBeUnique as ShouldBeUniqueInQueue;
use Illuminate\Database\DatabaseTransactionsManager;
use Illuminate\Pipeline\Pipeline;
use Illuminate\Support\Testing\Fakes\QueueFake;
use ReflectionClass;
use Throwable;

/**
 * Decides which events need no queue, and does then what a worker would.
 */
final class DirectEvents
{
    /** Attributes of Laravel 13 that say where or when the job of an event runs, or that only one of its kind may. */
    private const QUEUE_ATTRIBUTES = [
        'Illuminate\Queue\Attributes\Queue',
        'Illuminate\Queue\Attributes\Connection',
        'Illuminate\Queue\Attributes\Delay',
        'Illuminate\Queue\Attributes\UniqueFor',
        'Illuminate\Queue\Attributes\DebounceFor',
    ];

    /** @var array<class-string, bool> by class, which does not change while a process lives */
    private static array $attributes = [];

    /**
     * What is to be published at once; null if the event is for the queue, or for Laravel in any other way.
     */
    public static function job(BroadcastManager $manager, Container $app, object $event): ?DirectBroadcast
    {
        if ($event instanceof ShouldBroadcastNow
            || (method_exists($event, 'shouldBroadcastNow') && $event->shouldBroadcastNow())
            || ($connections = self::connections($manager, $event)) === null
            || self::asksForTheQueue($app, $event)) {
            return null;
        }

        $job = new DirectBroadcast(clone $event, $connections);

        return self::queueIsFaked($app, $job) ? null : $job;
    }

    /**
     * As a queue does with the job of such an event.
     *
     * @param  Closure(): mixed  $publish
     */
    public static function afterCommitIfAsked(Container $app, DirectBroadcast $job, Closure $publish): void
    {
        $transactions = self::transactions($app);

        if ($transactions !== null && (bool) ($job->afterCommit ?? self::queueWaitsForCommit($app))) {
            $transactions->addCallback(static function () use ($publish): void {
                $publish();
            });
        } else {
            $publish();
        }
    }

    /**
     * As a worker does: through the event's middleware, then through the bus.
     */
    public static function publish(Container $app, DirectBroadcast $job): void
    {
        $run = static function (DirectBroadcast $job) use ($app): void {
            $app->make(Bus::class)->dispatchNow($job, $job->connections);
        };
        $middleware = $job->middleware();

        if ($middleware === []) {
            $run($job);
        } else {
            (new Pipeline($app))->send($job)->through($middleware)->then($run);
        }
    }

    /**
     * Null where no transaction is open: then nobody need be asked whether to wait for its end.
     */
    private static function transactions(Container $app): ?DatabaseTransactionsManager
    {
        if (! $app->resolved('db.transactions')) {
            return null;
        }

        $transactions = $app->get('db.transactions');

        return $transactions instanceof DatabaseTransactionsManager && $transactions->callbackApplicableTransactions()->isNotEmpty()
            ? $transactions
            : null;
    }

    /**
     * Those that the event goes to if all of them are direct.
     */
    private static function connections(BroadcastManager $manager, object $event): ?DirectConnections
    {
        $connections = new DirectConnections($manager);
        $names = method_exists($event, 'broadcastConnections') ? $event->broadcastConnections() : [null];

        if (! is_array($names) || $names === []) {
            return null;
        }

        foreach ($names as $name) {
            // An enum, say, which Laravel 13 takes: that one keeps the queue.
            try {
                if (($name !== null && ! is_string($name)) || ! $connections->take($name)) {
                    return null;
                }
            } catch (Throwable) {
                // It fails where it failed before: in the worker.
                return null;
            }
        }

        return $connections;
    }

    private static function asksForTheQueue(Container $app, object $event): bool
    {
        return $event instanceof ShouldBeUnique
            || $event instanceof ShouldBeUniqueInQueue
            || isset($event->queue)
            || isset($event->connection)
            || isset($event->delay)
            || isset($event->broadcastQueue)
            || (method_exists($event, 'broadcastQueue') && $event->broadcastQueue() !== null)
            || (self::$attributes[$event::class] ??= self::hasQueueAttribute($event))
            || self::isRouted($app, $event);
    }

    private static function hasQueueAttribute(object $event): bool
    {
        $class = new ReflectionClass($event);

        do {
            foreach ([$class, ...$class->getTraits()] as $place) {
                foreach ($place->getAttributes() as $attribute) {
                    if (in_array($attribute->getName(), self::QUEUE_ATTRIBUTES, true)) {
                        return true;
                    }
                }
            }
        } while ($class = $class->getParentClass());

        return false;
    }

    /**
     * Laravel 13's Queue::route().
     */
    private static function isRouted(Container $app, object $event): bool
    {
        if (! $app->bound('queue.routes')) {
            return false;
        }

        $routes = $app->make('queue.routes');

        return is_object($routes) && method_exists($routes, 'getRoute') && $routes->getRoute($event) !== null;
    }

    /**
     * In a test that has called Queue::fake() everything that it looks for is there.
     */
    private static function queueIsFaked(Container $app, DirectBroadcast $job): bool
    {
        if (! $app->resolved('queue')) {
            return false;
        }

        $queue = $app->make('queue');

        return $queue instanceof QueueFake && $queue->shouldFakeJob($job);
    }

    private static function queueWaitsForCommit(Container $app): bool
    {
        $config = $app->make(Repository::class);
        $queue = $config->get('queue.default');

        return is_string($queue) && (bool) $config->get("queue.connections.{$queue}.after_commit");
    }
}
