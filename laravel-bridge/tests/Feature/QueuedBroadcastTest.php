<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\RepublishBroadcast;
use Fanfare\Laravel\Testing\FanfareFake;
use Fanfare\Laravel\Tests\Fixtures\OrderNotification;
use Fanfare\Laravel\Tests\Fixtures\OrderPaid;
use Fanfare\Laravel\Tests\Fixtures\OrderShipped;
use Fanfare\Laravel\Tests\Fixtures\OrderShippedNow;
use Fanfare\Laravel\Tests\Fixtures\ShipOrder;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Foundation\Application;
use Illuminate\Http\Request;
use Illuminate\Notifications\AnonymousNotifiable;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Queue;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Bus;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;

/**
 * A broadcast that a worker tries again arrives once: each attempt has the same key.
 */
final class QueuedBroadcastTest extends TestCase
{
    protected function setUp(): void
    {
        OrderPaid::$connections = ['fanfare'];
        OrderPaid::$channels = ['orders'];
    }

    /**
     * With a second connection of Fanfare, and one of another driver that never works.
     */
    private function bootWithWorker(string $onFailure = 'throw'): Application
    {
        $app = $this->bootWithQueue(self::CREDENTIALS + ['options' => [
            'on_failure' => $onFailure, 'encryption_master_key_base64' => self::MASTER_KEY,
        ]], ['broadcasting' => ['connections' => [
            'second' => ['driver' => 'fanfare', 'app_id' => 'app-2', 'key' => 'key-2', 'secret' => 'secret-2'],
            'broken' => ['driver' => 'broken'],
        ]]]);
        $broken = $this->createStub(Broadcaster::class);
        $broken->method('broadcast')->willThrowException(new RuntimeException('broken'));
        $this->manager()->extend('broken', static fn (): Broadcaster => $broken);

        return $app;
    }

    /**
     * @return list<?string>
     */
    private function keys(FanfareFake $fake): array
    {
        return array_map(static fn (Message $message): ?string => $message->key, $fake->published());
    }

    public function test_each_attempt_has_the_same_key(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();
        OrderPaid::$connections = ['fanfare', 'broken'];

        event(new OrderPaid);
        $this->work($app, tries: 2);
        $this->work($app, tries: 2);

        [$first, $second] = $this->keys($fake);
        $this->assertMatchesRegularExpression('/\A[0-9a-f]{32}\z/', (string) $first);
        $this->assertSame($first, $second);
    }

    public function test_an_attempt_after_an_unknown_end_has_the_key_of_the_first(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();
        event(new OrderPaid);
        $job = (array) DB::table('jobs')->first();
        $this->work($app);

        // The worker was killed before it could say that it was done: the queue gives the job out again.
        DB::table('jobs')->insert($job);
        $this->work($app);

        $this->assertCount(2, $this->keys($fake));
        $this->assertCount(1, array_unique($this->keys($fake)));
    }

    public function test_the_order_of_the_channels_does_not_matter(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();
        OrderPaid::$connections = ['fanfare', 'broken'];
        OrderPaid::$channels = ['a', 'private-encrypted-b', 'c', 'private-encrypted-d'];

        event(new OrderPaid);
        $this->work($app, tries: 2);
        $this->work($app, tries: 2);

        $keys = static fn (array $messages): array => array_column(array_map(
            static function (Message $message): array {
                $channels = $message->channels;
                sort($channels);

                return [implode(' ', $channels), $message->key];
            }, $messages
        ), 1, 0);
        [$first, $second] = array_map($keys, $fake->calls());
        ksort($first);
        ksort($second);
        $this->assertSame($first, $second);
        $this->assertCount(3, array_unique($first), 'channels share a key');
    }

    public function test_each_connection_has_its_own_key(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();
        OrderPaid::$connections = ['fanfare', 'second', 'fanfare'];

        event(new OrderPaid);
        $this->work($app);

        $this->assertCount(3, array_unique($this->keys($fake)));
    }

    public function test_the_trace_of_where_it_was_dispatched_goes_along(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();
        $trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        $served = static function (?string $header) use ($app): void {
            $request = Request::create('/');
            $request->headers->set('traceparent', $header);
            $app->instance('request', $request);
        };

        $served($trace);
        event(new OrderPaid);
        $served(null);
        event(new OrderPaid);
        $this->work($app);
        $this->work($app);

        $this->assertSame([$trace, null], array_map(static fn (Message $message): ?string => $message->traceparent, $fake->published()));
    }

    public function test_what_a_payload_says_of_a_trace_is_judged_and_kept(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();
        $other = '00-11111111111111111111111111111111-2222222222222222-01';
        Queue::createPayloadUsing(static fn (): array => ['traceparent' => $other]);
        event(new OrderPaid);
        Queue::createPayloadUsing(static fn (): array => ['traceparent' => ['nonsense']]);
        event(new OrderPaid);
        Queue::createPayloadUsing(null);

        $this->work($app);
        $this->work($app);

        $this->assertSame([$other, null], array_map(static fn (Message $message): ?string => $message->traceparent, $fake->published()));
    }

    public function test_each_job_has_its_own_key(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();

        event(new OrderPaid);
        event(new OrderPaid);
        $this->work($app);
        $this->work($app);

        $this->assertCount(2, array_unique($this->keys($fake)));
    }

    /**
     * @param  callable(): mixed  $broadcast
     */
    #[DataProvider('queuedBroadcasts')]
    public function test_whatever_is_broadcast_by_a_job_of_laravel_has_a_key(callable $broadcast): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();

        $broadcast();
        $this->work($app);

        $this->assertCount(1, $this->keys($fake));
        $this->assertNotNull($this->keys($fake)[0]);
    }

    /**
     * @return iterable<string, array{callable(): mixed}>
     */
    public static function queuedBroadcasts(): iterable
    {
        yield 'event' => [static fn () => event(new OrderPaid)];
        yield 'anonymous' => [static fn () => Broadcast::on('a')->send()];
        yield 'dispatched job' => [static fn () => dispatch(new BroadcastEvent(new OrderPaid))];
        yield 'notification' => [static fn () => (new AnonymousNotifiable)->notify(new OrderNotification)];
    }

    public function test_a_job_of_the_application_has_none_because_its_next_attempt_may_mean_another_event(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();

        dispatch(new ShipOrder);
        $this->work($app);

        $this->assertSame([null], $this->keys($fake));
    }

    public function test_after_the_job_there_is_none(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake();
        OrderPaid::$connections = ['fanfare', 'broken'];

        event(new OrderPaid);
        $this->work($app);
        event(new OrderShippedNow(1));

        $this->assertNull($this->keys($fake)[1]);
    }

    public function test_a_job_inside_a_job_ends_before_it(): void
    {
        $this->bootWithWorker();
        $fake = $this->fake();
        $outer = $this->createStub(Job::class);
        $outer->method('uuid')->willReturn('an-id');
        $outer->method('payload')->willReturn(['data' => ['commandName' => BroadcastEvent::class]]);
        Event::dispatch(new JobProcessing('jobs', $outer));

        dispatch((new ShipOrder)->onConnection('sync'));
        $this->driver()->broadcast(['a'], 'x');

        $this->assertNull($this->keys($fake)[0]);
        $this->assertNotNull($this->keys($fake)[1]);
    }

    public function test_a_job_without_an_id_has_no_key(): void
    {
        $this->bootWithWorker();
        $fake = $this->fake();
        $job = $this->createStub(Job::class);
        $job->method('uuid')->willReturn(null);
        $job->method('payload')->willReturn(['data' => ['commandName' => BroadcastEvent::class]]);
        Event::dispatch(new JobProcessing('jobs', $job));

        $this->driver()->broadcast(['a'], 'x');

        $this->assertSame([null], $this->keys($fake));
    }

    public function test_queue_protects_an_ordinary_event_whatever_the_tries_of_its_worker(): void
    {
        $app = $this->bootWithWorker('queue');
        $fake = $this->fake()->failWith('no daemon');

        event(new OrderPaid);
        $this->work($app, tries: 1);

        $payload = json_decode((string) DB::table('jobs')->value('payload'), true);
        $this->assertSame(RepublishBroadcast::class, $payload['data']['commandName'] ?? null);
        $this->assertSame(1, DB::table('jobs')->count());

        $fake->succeed();
        $this->work($app, tries: 1);
        $fake->assertPublished(OrderPaid::class, 1);
        $this->assertSame(0, DB::table('jobs')->count());
    }

    public function test_the_repeating_job_has_the_key_of_the_attempt_and_goes_where_its_worker_is(): void
    {
        $app = $this->bootWithWorker('queue');
        $fake = $this->fake();
        OrderPaid::$connections = ['fanfare', 'second'];

        $event = new OrderPaid;
        $app->make('queue')->pushOn('broadcasts', new BroadcastEvent($event));
        $job = (array) DB::table('jobs')->first();
        $this->work($app, 'broadcasts');
        [$first] = $this->keys($fake);

        DB::table('jobs')->insert($job);
        OrderPaid::$connections = ['fanfare'];
        $fake->failWith('no daemon');
        $this->work($app, 'broadcasts');
        $this->assertSame(['broadcasts'], DB::table('jobs')->pluck('queue')->all());

        $fake->succeed();
        $this->work($app, 'broadcasts');
        $this->assertSame($first, $this->keys($fake)[2]);
    }

    public function test_one_connection_that_fails_does_not_keep_the_event_from_the_next(): void
    {
        $app = $this->bootWithWorker('queue');
        $app->make('config')->set('broadcasting.connections.second.options.on_failure', 'queue');
        Bus::fake([RepublishBroadcast::class]);
        $this->fake()->failWith('no daemon');
        OrderPaid::$connections = ['fanfare', 'second'];

        event(new OrderPaid);
        $this->work($app);

        Bus::assertDispatchedTimes(RepublishBroadcast::class, 2);
        $this->assertSame(0, DB::table('jobs')->count());
    }

    public function test_throw_leaves_it_to_the_tries_of_the_event(): void
    {
        $app = $this->bootWithWorker('throw');
        $fake = $this->fake()->failWith('no daemon');

        event(new OrderShipped(1));
        $this->work($app);
        $this->assertSame(1, (int) DB::table('jobs')->value('attempts'));

        $fake->succeed();
        $this->work($app);
        $fake->assertPublished(OrderShipped::class, 1);
        $this->assertSame(0, DB::table('jobs')->count());
    }
}
