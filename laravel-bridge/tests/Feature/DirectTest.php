<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Closure;
use Fanfare\Laravel\Broadcasting\DirectBroadcast;
use Fanfare\Laravel\Broadcasting\DirectBroadcastManager;
use Fanfare\Laravel\Broadcasting\PublishesDirectly;
use Fanfare\Laravel\Broadcasting\RepublishBroadcast;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Testing\FanfareFake;
use Fanfare\Laravel\Tests\Fixtures\OrderChanged;
use Fanfare\Laravel\Tests\Fixtures\OrderNotification;
use Fanfare\Laravel\Tests\Fixtures\OrderShipped;
use Fanfare\Laravel\Tests\Fixtures\OrderShippedNow;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Broadcasting\UniqueBroadcastEvent;
use Illuminate\Contracts\Broadcasting\ShouldBeUnique;
use Illuminate\Contracts\Broadcasting\ShouldRescue;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Events\ShouldDispatchAfterCommit;
use Illuminate\Foundation\Application;
use Illuminate\Notifications\AnonymousNotifiable;
use Illuminate\Queue\Attributes;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Bus;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Queue;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;
use Throwable;

/**
 * "direct": events that would be queued go out at once, and what cannot goes to the queue.
 */
final class DirectTest extends TestCase
{
    private Application $app;

    private FanfareFake $fake;

    protected function setUp(): void
    {
        OrderChanged::$middleware = [];
        $this->bootDirect();
    }

    /**
     * @param  array<string, mixed>  $options
     * @param  array<string, array<string, mixed>>  $config
     */
    private function bootDirect(array $options = [], bool $afterCommit = false, array $config = []): void
    {
        $this->app = $this->bootWithQueue(self::CREDENTIALS + ['options' => $options + ['direct' => true]], $config + [
            'broadcasting' => ['connections' => [
                'second' => ['driver' => 'fanfare', 'options' => ['direct' => 'true']] + self::CREDENTIALS,
                'queued' => ['driver' => 'fanfare'] + self::CREDENTIALS,
                'other' => ['driver' => 'log'],
            ]],
            'queue' => ['default' => 'jobs', 'failed' => ['driver' => 'null'], 'connections' => [
                'jobs' => ['driver' => 'database', 'table' => 'jobs', 'queue' => 'default', 'retry_after' => 90, 'after_commit' => $afterCommit],
                'sync' => ['driver' => 'sync'],
            ]],
        ]);
        $this->fake = $this->fake();
    }

    private function jobs(): int
    {
        return DB::table('jobs')->count();
    }

    private function assertWentOut(int $times = 1): void
    {
        $this->assertCount($times, $this->fake->published());
        $this->assertSame(0, $this->jobs());
    }

    private function assertWasQueued(): void
    {
        $this->fake->assertNothingPublished();
        $this->assertSame(1, $this->jobs());
    }

    public function test_goes_out_at_once_with_all_that_the_event_says(): void
    {
        $request = $this->request([]);
        $request->headers->set('X-Socket-ID', '1.2');
        $this->app->instance('request', $request);
        broadcast(new OrderChanged(7))->toOthers();

        $this->assertWentOut();
        [$message] = $this->fake->published('order.changed');
        $this->assertSame(['orders'], $message->channels);
        $this->assertSame(['order' => 7], $message->payload);
        $this->assertSame('1.2', $message->except);
        $this->assertMatchesRegularExpression('/\A[0-9a-f]{32}\z/', (string) $message->key);
    }

    public function test_the_message_is_the_one_that_a_worker_would_send(): void
    {
        event(new OrderShipped(7));
        config(['broadcasting.connections.fanfare.options.direct' => false]);
        $this->manager()->forgetDrivers();
        event(new OrderShipped(7));
        $this->work($this->app);

        [$direct, $queued] = $this->fake->published(OrderShipped::class);
        $this->assertEquals([$direct->channels, $direct->payload, $direct->except], [$queued->channels, $queued->payload, $queued->except]);
    }

    public function test_off_unless_asked_for(): void
    {
        $this->assertInstanceOf(DirectBroadcastManager::class, $this->manager());
        $this->bootWithQueue(self::CREDENTIALS);
        $fake = $this->fake();

        event(new OrderShipped(7));

        $this->assertSame(BroadcastManager::class, $this->manager()::class);
        $fake->assertNothingPublished();
        $this->assertSame(1, $this->jobs());
    }

    public function test_the_environment_asks_for_it(): void
    {
        $this->env(['FANFARE_DIRECT' => 'true', 'FANFARE_DIRECT_TIMEOUT' => '0.5']);
        $this->boot();

        $this->assertTrue(config('broadcasting.connections.fanfare.options.direct'));
        $this->assertSame('0.5', config('broadcasting.connections.fanfare.options.direct_timeout'));
        $this->assertTrue($this->driver()->isDirect());
    }

    public function test_the_event_may_say_that_it_is_not_for_now(): void
    {
        event(new OrderChanged(7, when: false));

        $this->assertWentOut(0);
    }

    public function test_events_for_now_are_as_ever(): void
    {
        event(new OrderShippedNow(7));

        [$message] = $this->fake->published();
        $this->assertNull($message->key);
    }

    public function test_notifications_and_anonymous_events(): void
    {
        (new AnonymousNotifiable)->notify(new OrderNotification);
        Broadcast::on('orders')->as('anonymous')->with(['order' => 7])->send();

        $this->assertWentOut(2);
        $this->assertSame(['order' => 7], $this->fake->published('anonymous')[0]->payload);
    }

    public function test_middleware_is_asked(): void
    {
        $seen = [];
        OrderChanged::$middleware = [static function (object $job, Closure $next) use (&$seen): mixed {
            $seen[] = $job;

            return $job->event->order === 1 ? null : $next($job);
        }];

        event(new OrderChanged(1));
        event(new OrderChanged(2));

        $this->assertWentOut();
        $this->assertContainsOnlyInstancesOf(BroadcastEvent::class, $seen);
        $this->assertCount(2, $seen);
    }

    public function test_commands_pass_the_pipes_of_the_bus(): void
    {
        StopsAtTheBus::$stopped = 0;
        Bus::pipeThrough([StopsAtTheBus::class]);

        event(new OrderChanged(1));

        $this->assertSame(1, StopsAtTheBus::$stopped);
        $this->assertWentOut(0);
    }

    public function test_several_direct_connections(): void
    {
        event((new OrderChanged(7))->broadcastVia(['fanfare', 'second']));

        $this->assertWentOut(2);
        $this->assertCount(2, array_unique(array_column(array_map(get_object_vars(...), $this->fake->published()), 'key')));
    }

    /**
     * @return iterable<string, array{Closure(): object}>
     */
    public static function eventsForTheQueue(): iterable
    {
        foreach ([NamesAQueue::class, NamesABroadcastQueue::class, ChoosesABroadcastQueue::class, NamesAConnection::class,
            NamesADelay::class, IsUnique::class, IsUniqueInQueue::class, HasQueueAttribute::class, HasParentWithAttribute::class, HasDelayAttribute::class] as $class) {
            yield class_basename($class) => [static fn (): object => new $class(1)];
        }
        yield 'a connection that is not direct' => [static fn (): object => (new OrderChanged(1))->broadcastVia('queued')];
        yield 'also a connection that is not direct' => [static fn (): object => (new OrderChanged(1))->broadcastVia(['fanfare', 'queued'])];
        yield 'also one of another driver' => [static fn (): object => (new OrderChanged(1))->broadcastVia(['fanfare', 'other'])];
        yield 'also one that does not exist' => [static fn (): object => (new OrderChanged(1))->broadcastVia(['fanfare', 'missing'])];
    }

    /**
     * @param  Closure(): object  $event
     */
    #[DataProvider('eventsForTheQueue')]
    public function test_keeps_the_queue(Closure $event): void
    {
        event($event());

        $this->assertWasQueued();
        $this->assertContains(json_decode((string) DB::table('jobs')->value('payload'), true)['data']['commandName'],
            [BroadcastEvent::class, UniqueBroadcastEvent::class]);
    }

    public function test_keeps_the_queue_where_a_route_is_set(): void
    {
        $this->app->instance('queue.routes', new class
        {
            public function getRoute(object $event): ?string
            {
                return $event instanceof OrderChanged ? 'slow' : null;
            }

            public function getQueue(object $event): ?string
            {
                return $this->getRoute($event);
            }

            public function getConnection(object $event): ?string
            {
                return null;
            }

            public function forwardedQueue(string $queue, ?string $connection = null): string
            {
                return $queue;
            }
        });

        event(new OrderChanged(1));
        $this->assertWasQueued();
        event(new OrderShipped(1));
        $this->assertCount(1, $this->fake->published());
    }

    /**
     * @return iterable<string, array{Closure(): object, bool}>
     */
    public static function eventsAfterCommit(): iterable
    {
        $asks = static fn (): object => new class(1) extends OrderChanged
        {
            public bool $afterCommit = true;
        };
        $declines = static fn (): object => new class(1) extends OrderChanged
        {
            public bool $afterCommit = false;
        };
        $plain = static fn (): object => new OrderChanged(1);
        $dispatched = static fn (): object => new class(1) extends OrderChanged implements ShouldDispatchAfterCommit
        {
        };

        yield 'the event asks for it' => [$asks, false, true];
        yield 'the queue asks for it' => [$plain, true, true];
        yield 'the event declines what the queue asks for' => [$declines, true, false];
        yield 'nobody asks for it' => [$plain, false, false];
        yield 'it is dispatched after the commit' => [$dispatched, false, true];
    }

    /**
     * @param  Closure(): object  $event
     */
    #[DataProvider('eventsAfterCommit')]
    public function test_after_the_commit(Closure $event, bool $queue, bool $waits): void
    {
        $this->bootDirect(afterCommit: $queue);

        DB::transaction(function () use ($event, $waits): void {
            event($event());
            $this->assertCount($waits ? 0 : 1, $this->fake->published());
        });
        $this->assertWentOut();

        try {
            DB::transaction(static function () use ($event): void {
                event($event());

                throw new RuntimeException('rolled back');
            });
        } catch (RuntimeException) {
        }
        $this->assertWentOut($waits ? 1 : 2);
    }

    public function test_without_a_transaction_it_does_not_wait(): void
    {
        $this->bootDirect(afterCommit: true);

        event(new OrderChanged(1));

        $this->assertWentOut();
    }

    public function test_falls_back_to_the_queue_under_the_same_key(): void
    {
        $gateway = $this->createStub(Gateway::class);
        $sent = [];
        $gateway->method('publish')->willReturnCallback(static function (array $messages) use (&$sent): void {
            $sent[] = $messages[0];

            if (count($sent) === 1) {
                throw new PublishException('no daemon', true, maybeDelivered: true);
            }
        });
        $this->app->make(Gateways::class)->fake($gateway);

        event(new OrderChanged(7));
        $this->assertSame(1, $this->jobs());
        $this->work($this->app);

        $this->assertCount(2, $sent);
        $this->assertSame($sent[0]->key, $sent[1]->key);
        $this->assertSame('{"order":7}', $sent[1]->encodedPayload());
        $this->assertSame(0, $this->jobs());
    }

    public function test_only_the_connection_that_failed_falls_back(): void
    {
        $gateway = $this->createStub(Gateway::class);
        $calls = 0;
        $gateway->method('publish')->willReturnCallback(static function () use (&$calls): void {
            if (++$calls === 1) {
                throw new PublishException('no daemon', true);
            }
        });
        $this->app->make(Gateways::class)->fake($gateway);

        event((new OrderChanged(7))->broadcastVia(['fanfare', 'second']));

        $this->assertSame(2, $calls);
        $this->assertSame(1, $this->jobs());
        $this->assertStringContainsString('RepublishBroadcast', (string) DB::table('jobs')->value('payload'));
    }

    public function test_a_failure_that_the_queue_could_not_mend_is_thrown(): void
    {
        $this->fake->failWith('too large', retryable: false);

        try {
            event(new OrderChanged(7));
            $this->fail('nothing was thrown');
        } catch (PublishException $e) {
            $this->assertSame('Fanfare: too large', $e->getMessage());
        }
        $this->assertSame(0, $this->jobs());
    }

    public function test_or_logged_where_that_is_wanted(): void
    {
        $this->bootDirect(['on_failure' => 'log']);
        $this->fake->failWith('too large', retryable: false);

        event(new OrderChanged(7));

        $this->assertTrue($this->log()->hasErrorThatContains('too large'));
        $this->assertSame(0, $this->jobs());
    }

    public function test_falls_back_whatever_becomes_of_other_failures(): void
    {
        $this->bootDirect(['on_failure' => 'log']);
        $this->fake->failWith('no daemon');

        event(new OrderChanged(7));

        $this->assertSame(1, $this->jobs());
    }

    public function test_what_the_event_throws_comes_to_whoever_dispatched_it(): void
    {
        $this->expectExceptionMessage('no such order');

        event(new OrderChanged('throw'));
    }

    public function test_unless_it_shall_be_rescued(): void
    {
        $handler = $this->createMock(ExceptionHandler::class);
        $handler->expects($this->once())->method('report')->willReturnCallback(function (Throwable $e): void {
            $this->assertSame('no such order', $e->getMessage());
        });
        $this->app->instance(ExceptionHandler::class, $handler);

        DB::transaction(static function (): void {
            event(new class('throw') extends OrderChanged implements ShouldRescue
            {
                public bool $afterCommit = true;
            });
        });

        $this->assertWentOut(0);
    }

    public function test_what_an_event_dispatches_on_its_way_is_no_part_of_it(): void
    {
        $this->fake->failWith('no daemon');

        $this->expectException(PublishException::class);
        event(new class(1) extends OrderChanged
        {
            public function broadcastWith(): array
            {
                event(new OrderShippedNow(7));

                return [];
            }
        });
    }

    public function test_waits_for_the_receipt_in_any_mode_and_not_for_long(): void
    {
        $timeouts = [];
        foreach ([[[], 0.25], [['direct_timeout' => '0.1'], 0.1], [['timeout' => 0.05], 0.05], [['timeout' => 3, 'direct_timeout' => ''], 0.25]] as [$options, $seconds]) {
            $connection = Connection::fromConfig(self::CREDENTIALS + ['options' => $options + ['mode' => 'async']], 'fanfare')->forDirectBroadcasts();
            $timeouts[] = [$connection->timeout, $seconds];
            $this->assertSame('sync', $connection->mode);
            $this->assertSame([], $connection->publishingFaults());
        }
        foreach ($timeouts as [$is, $expected]) {
            $this->assertSame($expected, $is);
        }

        $this->bootDirect(['mode' => 'async']);
        event(new OrderChanged(1));
        $this->assertSame(0, $this->fake->unanswered());
        $this->assertWentOut();
    }

    public function test_options_that_cannot_be_used_are_named(): void
    {
        $faults = Connection::fromConfig(self::CREDENTIALS + ['options' => ['direct' => 'maybe', 'direct_timeout' => 'soon']])->publishingFaults();

        $this->assertStringContainsString('FANFARE_DIRECT)', $faults[0]);
        $this->assertStringContainsString('FANFARE_DIRECT_TIMEOUT', $faults[1]);
        $this->assertFalse(Connection::fromConfig(self::CREDENTIALS + ['options' => ['direct' => '']])->direct);
    }

    public function test_faked_events_are_not_published(): void
    {
        Event::fake();

        event(new OrderChanged(1));

        $this->assertWentOut(0);
        Event::assertDispatched(OrderChanged::class);
    }

    public function test_a_faked_queue_gets_what_it_got_before(): void
    {
        Queue::fake();
        event(new OrderChanged(1));

        Queue::assertPushed(BroadcastEvent::class, static fn (BroadcastEvent $job): bool => $job->event instanceof OrderChanged);
        $this->fake->assertNothingPublished();

        Queue::fake([RepublishBroadcast::class]);
        event(new OrderChanged(1));
        $this->fake->assertPublished('order.changed', 1);
    }

    public function test_a_mocked_manager_stays_one(): void
    {
        Broadcast::partialMock()->shouldReceive('queue')->once();

        event(new OrderChanged(1));

        $this->assertWentOut(0);
    }

    public function test_the_manager_of_an_application_stays(): void
    {
        $own = new class($this->app) extends BroadcastManager
        {
        };
        $this->app->singleton(BroadcastManager::class, static fn (): BroadcastManager => $own);
        event(new OrderChanged(1));
        $this->assertWasQueued();

        $direct = new class($this->app) extends BroadcastManager
        {
            use PublishesDirectly;
        };
        $this->app->singleton(BroadcastManager::class, static fn (): BroadcastManager => $direct);
        event(new OrderChanged(1));
        $this->assertCount(1, $this->fake->published());
    }

    public function test_what_the_replaced_manager_was_told_is_kept(): void
    {
        $manager = new BroadcastManager($this->app);
        $manager->extend('own', static fn (): string => 'the driver');
        config(['broadcasting.connections.own' => ['driver' => 'own']]);

        $this->assertSame('the driver', DirectBroadcastManager::inPlaceOf($manager)->connection('own'));
    }

    public function test_the_applications_of_a_worker_do_not_meet(): void
    {
        $sandbox = clone $this->app;
        $sandbox->instance('app', $sandbox);
        $bus = $this->createMock(\Illuminate\Contracts\Bus\Dispatcher::class);
        $bus->expects($this->once())->method('dispatchNow')->with($this->isInstanceOf(DirectBroadcast::class));
        $sandbox->instance(\Illuminate\Contracts\Bus\Dispatcher::class, $bus);

        // As Octane does before each request.
        $this->manager()->setApplication($sandbox);
        event(new OrderChanged(1));
    }
}

final class NamesAQueue extends OrderChanged
{
    public string $queue = 'slow';
}

final class NamesABroadcastQueue extends OrderChanged
{
    public string $broadcastQueue = 'slow';
}

final class ChoosesABroadcastQueue extends OrderChanged
{
    public function broadcastQueue(): string
    {
        return 'slow';
    }
}

final class NamesAConnection extends OrderChanged
{
    public string $connection = 'jobs';
}

final class NamesADelay extends OrderChanged
{
    public int $delay = 10;
}

final class IsUnique extends OrderChanged implements ShouldBeUnique
{
}

final class IsUniqueInQueue extends OrderChanged implements \Illuminate\Contracts\Queue\ShouldBeUnique
{
}

#[Attributes\Queue('slow')]
final class HasQueueAttribute extends OrderChanged
{
}

#[Attributes\Connection('jobs')]
class HasConnectionAttribute extends OrderChanged
{
}

final class HasParentWithAttribute extends HasConnectionAttribute
{
}

#[Attributes\Delay(10)]
final class HasDelayAttribute extends OrderChanged
{
}

final class StopsAtTheBus
{
    public static int $stopped = 0;

    public function handle(object $command, Closure $next): mixed
    {
        self::$stopped++;

        return null;
    }
}
