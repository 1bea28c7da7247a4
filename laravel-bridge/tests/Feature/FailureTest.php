<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\RepublishBroadcast;
use Fanfare\Laravel\Events\BroadcastFailed;
use Fanfare\Laravel\Events\BroadcastQueued;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Tests\Fixtures\OrderShipped;
use Fanfare\Laravel\Tests\Fixtures\OrderShippedNow;
use Fanfare\Laravel\Tests\Fixtures\ShipOrder;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Foundation\Application;
use Illuminate\Http\Request;
use Illuminate\Queue\Events\JobFailed;
use Illuminate\Support\Carbon;
use Illuminate\Support\Facades\Bus;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Schema;

final class FailureTest extends TestCase
{
    protected function tearDown(): void
    {
        Carbon::setTestNow();
        parent::tearDown();
    }

    /**
     * @param  array<string, array<string, mixed>>  $config
     */
    private function bootWith(string $onFailure, array $config = []): Application
    {
        return $this->boot(self::CREDENTIALS + ['options' => [
            'on_failure' => $onFailure, 'encryption_master_key_base64' => self::MASTER_KEY,
        ]], $config);
    }

    /**
     * @param  array<string, mixed>  $fanfare
     */
    private function bootWithWorker(string $onFailure = 'queue', array $fanfare = []): Application
    {
        return $this->bootWithQueue(self::CREDENTIALS + ['options' => [
            'on_failure' => $onFailure, 'encryption_master_key_base64' => self::MASTER_KEY,
        ]], $fanfare === [] ? [] : ['fanfare' => $fanfare]);
    }

    public function test_throw_is_the_default_and_carries_the_cause(): void
    {
        $this->boot();
        $this->fake()->failWith('no daemon at /run/x');

        $this->expectException(BroadcastException::class);
        $this->expectExceptionMessage('no daemon at /run/x');

        event(new OrderShippedNow(1));
    }

    public function test_a_payload_that_is_no_json_is_a_broadcast_exception_without_secrets(): void
    {
        $this->boot();
        $this->fake();

        try {
            $this->driver()->broadcast(['a'], 'x', ['y' => "\xff"]);
            $this->fail('It was sent.');
        } catch (BroadcastException $e) {
            $this->assertStringContainsString('Malformed UTF-8 characters', $e->getMessage());
            $this->assertInstanceOf(\JsonException::class, $e->getPrevious());
            $this->assertStringNotContainsString(self::CREDENTIALS['secret'], (string) $e);
        }
    }

    public function test_log_writes_and_goes_on(): void
    {
        $this->bootWith('log');
        $this->fake()->failWith('no daemon');

        event(new OrderShippedNow(1));

        $this->assertTrue($this->log()->hasErrorThatContains('no daemon'));
        $context = $this->log()->getRecords()[0]->context;
        $this->assertSame(OrderShippedNow::class, $context['event']);
        $this->assertSame(['orders'], $context['channels']);
        $this->assertInstanceOf(PublishException::class, $context['exception']);
    }

    public function test_log_covers_what_will_never_succeed(): void
    {
        $this->bootWith('log');
        $this->fake();

        $this->driver()->broadcast(['a'], 'x', ['y' => "\xff"]);

        $this->assertTrue($this->log()->hasErrorThatContains('Malformed UTF-8'));
    }

    public function test_log_goes_to_the_channel_that_is_set(): void
    {
        $this->bootWith('log', ['fanfare' => ['log_channel' => 'other']]);
        $this->fake()->failWith('no daemon');

        event(new OrderShippedNow(1));

        $this->assertTrue($this->log('other')->hasErrorRecords());
        $this->assertSame([], $this->log('test')->getRecords());
    }

    public function test_queue_leaves_a_job_with_the_text_and_the_key_of_the_first_attempt(): void
    {
        $app = $this->bootWith('queue');
        $fake = $this->fake();
        Bus::fake([RepublishBroadcast::class]);
        $trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        $request = Request::create('/');
        $request->headers->set('traceparent', $trace);
        $app->instance('request', $request);

        event(new OrderShippedNow(1));
        $sent = $fake->calls()[0][0];
        $this->assertMatchesRegularExpression('/\A[0-9a-f]{32}\z/', (string) $sent->key);
        Bus::assertNothingDispatched();

        $fake->failWith('no daemon');
        event(new OrderShippedNow(2));

        Bus::assertDispatched(RepublishBroadcast::class, function (RepublishBroadcast $job) use ($sent, $trace): bool {
            $this->assertSame('fanfare', $job->broadcaster);
            $this->assertCount(1, $job->messages);
            $this->assertSame('{"order":2}', $job->messages[0]['payload']);
            $this->assertSame(['orders'], $job->messages[0]['channels']);
            $this->assertSame($trace, $job->messages[0]['traceparent'] ?? null);
            $this->assertNotSame($sent->key, $job->messages[0]['key']);
            $this->assertFalse($job->afterCommit);

            return true;
        });
        $this->assertTrue($this->log()->hasWarningThatContains('no daemon'));
    }

    public function test_the_job_sends_what_could_not_be_sent_once_the_daemon_is_back(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake()->failWith('no daemon');

        $this->driver()->broadcast(['a', 'private-encrypted-b'], 'x', ['y' => 'ü', 'socket' => '1.2']);
        $this->assertSame(1, DB::table('jobs')->count());
        $payload = (string) DB::table('jobs')->value('payload');
        $this->assertStringNotContainsString(self::CREDENTIALS['secret'], $payload);
        $this->assertStringNotContainsString(self::MASTER_KEY, $payload);

        $fake->succeed();
        $this->work($app);

        $this->assertSame(0, DB::table('jobs')->count());
        $this->assertCount(1, $fake->calls());
        [$plain, $encrypted] = $fake->calls()[0];
        $this->assertEquals(new Message(['a'], 'x', '{"y":"ü"}', '1.2', $plain->key), $plain);
        $this->assertSame(['private-encrypted-b'], $encrypted->channels);
        $this->assertStringContainsString('ciphertext', $encrypted->encodedPayload());
        $this->assertNotNull($plain->key);
        $this->assertNotSame($plain->key, $encrypted->key);
    }

    public function test_the_job_is_tried_again_until_its_time_is_over(): void
    {
        $app = $this->bootWithWorker('queue', ['republish' => ['backoff' => [3], 'retry_for' => 60]]);
        $this->fake()->failWith('no daemon');
        Carbon::setTestNow('2026-01-01 00:00:00');

        event(new OrderShippedNow(1));
        $this->work($app);
        $this->assertSame(1, DB::table('jobs')->count());
        $this->assertSame(Carbon::now()->getTimestamp() + 3, (int) DB::table('jobs')->value('available_at'));

        Carbon::setTestNow('2026-01-01 00:00:59');
        $this->work($app);
        $this->assertSame(1, DB::table('jobs')->count());

        Carbon::setTestNow('2026-01-01 00:02:00');
        $failed = [];
        $app->make('events')->listen(JobFailed::class, static function (JobFailed $event) use (&$failed): void {
            $failed[] = $event->job->resolveName();
        });
        $this->work($app);
        $this->assertSame([OrderShippedNow::class.' (republish)'], $failed);
        $this->assertSame(0, DB::table('jobs')->count());
    }

    public function test_what_redis_has_not_confirmed_is_sent_again_as_long_as_its_key_is_known(): void
    {
        $app = $this->bootWithWorker('queue', ['republish' => ['backoff' => [3], 'retry_for' => 600]]);
        $fake = $this->fake()->failUnconfirmed();
        Carbon::setTestNow('2026-01-01 00:00:00');

        event(new OrderShippedNow(1));
        $this->work($app);
        $this->assertSame(1, DB::table('jobs')->count());
        Carbon::setTestNow('2026-01-01 00:00:49');
        $this->work($app);
        $this->assertSame(1, DB::table('jobs')->count());

        $fake->succeed();
        Carbon::setTestNow('2026-01-01 00:01:05');
        $this->work($app);
        $this->assertSame(0, DB::table('jobs')->count());
        $fake->assertNothingPublished(); // the daemon's own subscribers would get it twice
    }

    public function test_the_time_of_the_key_begins_when_the_daemon_takes_it(): void
    {
        $app = $this->bootWithWorker('queue', ['republish' => ['backoff' => [3], 'retry_for' => 600]]);
        $fake = $this->fake()->failWith('no daemon');
        Carbon::setTestNow('2026-01-01 00:00:00');
        event(new OrderShippedNow(1));
        $key = json_decode((string) DB::table('jobs')->value('payload'), true);

        Carbon::setTestNow('2026-01-01 00:05:00');
        $fake->failUnconfirmed();
        $this->work($app);
        $this->assertSame(1, DB::table('jobs')->count());
        $this->assertNotSame($key['uuid'], json_decode((string) DB::table('jobs')->value('payload'), true)['uuid']);

        Carbon::setTestNow('2026-01-01 00:05:30');
        $fake->succeed();
        $this->work($app);
        $this->assertSame(0, DB::table('jobs')->count());
        $fake->assertPublished(OrderShippedNow::class, 1);
    }

    public function test_an_unconfirmed_publish_is_thrown_like_other_failures(): void
    {
        $this->boot();
        $this->fake()->failUnconfirmed();

        try {
            event(new OrderShippedNow(1));
            $this->fail('Nothing was thrown.');
        } catch (PublishException $e) {
            $this->assertTrue($e->unconfirmed);
            $this->assertTrue($e->maybeDelivered);
            $this->assertTrue($e->retryable);
        }
    }

    public function test_the_job_gives_up_what_the_daemon_refuses_for_good(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake()->failWith('no daemon');
        event(new OrderShippedNow(1));
        $failed = null;
        $app->make('events')->listen(JobFailed::class, static function (JobFailed $event) use (&$failed): void {
            $failed = $event->exception->getMessage();
        });

        $fake->failWith('channel refused', retryable: false);
        $this->work($app);

        $this->assertSame('Fanfare: channel refused', $failed);
        $this->assertSame(0, DB::table('jobs')->count());
    }

    public function test_the_job_goes_where_the_configuration_says(): void
    {
        $this->bootWithWorker('queue', ['republish' => ['queue' => 'late', 'connection' => 'jobs']]);
        $this->fake()->failWith('no daemon');

        event(new OrderShippedNow(1));

        $this->assertSame(['late'], DB::table('jobs')->pluck('queue')->all());
    }

    public function test_the_job_does_not_wait_for_a_transaction(): void
    {
        $this->bootWithWorker();
        $this->fake()->failWith('no daemon');

        DB::transaction(function (): void {
            event(new OrderShippedNow(1));
            $this->assertSame(1, DB::table('jobs')->count(), 'the job waits for the commit');
        });
    }

    public function test_queue_does_not_help_what_will_never_succeed(): void
    {
        $this->bootWithWorker();
        $this->fake()->failWith('too large', retryable: false);

        try {
            event(new OrderShippedNow(1));
            $this->fail('Nothing was thrown.');
        } catch (BroadcastException $e) {
            $this->assertSame('Fanfare: too large', $e->getMessage());
        }

        $this->assertSame(0, DB::table('jobs')->count());
    }

    public function test_a_now_broadcast_inside_a_job_does_not_repeat_the_job(): void
    {
        $app = $this->bootWithWorker();
        $fake = $this->fake()->failWith('no daemon');

        dispatch(new ShipOrder);
        $this->work($app);

        $this->assertSame(1, DB::table('jobs')->count());
        $this->assertStringContainsString('RepublishBroadcast', (string) DB::table('jobs')->value('payload'));

        $fake->succeed();
        $this->work($app);
        $fake->assertPublished(OrderShippedNow::class, 1);
    }

    public function test_an_event_on_the_queue_sync_has_nobody_else_to_repeat_it(): void
    {
        $this->bootWith('queue');
        Bus::fake([RepublishBroadcast::class]);
        $this->fake()->failWith('no daemon');

        event(new OrderShipped(1));

        Bus::assertDispatchedTimes(RepublishBroadcast::class, 1);
    }

    public function test_if_the_queue_fails_too_both_causes_are_told(): void
    {
        $this->bootWithWorker();
        Schema::drop('jobs');
        $this->fake()->failWith('no daemon');

        try {
            event(new OrderShippedNow(1));
            $this->fail('Nothing was thrown.');
        } catch (BroadcastException $e) {
            $this->assertStringContainsString('no daemon', $e->getMessage());
            $this->assertStringContainsString('no such table', $e->getMessage());
            $this->assertStringNotContainsString('Fanfare: Fanfare', $e->getMessage());
        }
    }

    public function test_each_connection_has_its_own_policy_and_its_job_finds_it_again(): void
    {
        $app = $this->bootWithWorker();
        $app->make('config')->set('broadcasting.connections.second', [
            'driver' => 'fanfare', 'options' => ['on_failure' => 'queue'],
        ] + ['app_id' => 'app-2', 'key' => 'key-2', 'secret' => 'secret-2']);
        $app->make('config')->set('broadcasting.connections.third', ['driver' => 'fanfare', 'app_id' => 'app-3', 'secret' => 's']);
        Bus::fake([RepublishBroadcast::class]);
        $this->fake()->failWith('no daemon');

        $this->driver('second')->broadcast(['a'], 'x');
        Bus::assertDispatched(RepublishBroadcast::class, static fn (RepublishBroadcast $job): bool => $job->broadcaster === 'second');

        $this->expectException(BroadcastException::class);
        $this->driver('third')->broadcast(['a'], 'x');
    }

    /**
     * @return list<BroadcastFailed|BroadcastQueued> what is announced from now on
     */
    private function &announced(): array
    {
        $events = [];
        Event::listen([BroadcastFailed::class, BroadcastQueued::class], static function (object $event) use (&$events): void {
            $events[] = $event;
        });

        return $events;
    }

    public function test_a_failure_that_is_thrown_or_logged_is_announced(): void
    {
        $app = $this->bootWithWorker('throw');
        $events = &$this->announced();
        $app->make('config')->set('broadcasting.connections.logs', ['driver' => 'fanfare', 'options' => ['on_failure' => 'log']] + self::CREDENTIALS);
        $this->fake()->failWith('no daemon');

        try {
            $this->driver()->broadcast(['a', 'b'], 'x');
            $this->fail('Nothing was thrown.');
        } catch (PublishException $e) {
            $this->assertEquals([new BroadcastFailed('fanfare', 'x', ['a', 'b'], $e)], $events);
        }

        $this->driver('logs')->broadcast(['c'], 'y');
        $this->assertSame(['logs', 'y', ['c']], [$events[1]->connection, $events[1]->event, $events[1]->channels]);
    }

    public function test_a_broadcast_that_was_queued_is_announced_as_such_and_its_last_failure_as_one(): void
    {
        $app = $this->bootWithWorker('queue', ['republish' => ['retry_for' => 60]]);
        $events = &$this->announced();
        $this->fake()->failWith('no daemon');

        $this->driver()->broadcast(['a', 'private-encrypted-b'], 'x');

        $this->assertCount(1, $events);
        $this->assertInstanceOf(BroadcastQueued::class, $events[0]);
        $this->assertSame(['fanfare', 'x', ['a', 'private-encrypted-b']], [$events[0]->connection, $events[0]->event, $events[0]->channels]);
        $this->assertSame('no daemon', $events[0]->exception->reason);

        $this->work($app);
        $this->assertCount(1, $events, 'an attempt that is not the last was announced');
        $context = $this->log()->getRecords()[1]->context;
        $this->assertSame(['fanfare', 'x', ['a', 'private-encrypted-b']], [$context['connection'], $context['event'], $context['channels']]);

        Carbon::setTestNow(Carbon::now()->addHour());
        $this->work($app);
        $this->assertCount(2, $events);
        $this->assertInstanceOf(BroadcastFailed::class, $events[1]);
        $this->assertSame(['fanfare', 'x', ['a', 'private-encrypted-b']], [$events[1]->connection, $events[1]->event, $events[1]->channels]);
    }

    public function test_a_queue_that_fails_too_is_announced_once(): void
    {
        $this->bootWithWorker();
        $events = &$this->announced();
        $this->fake()->failWith('no daemon');

        foreach (['sync', 'jobs'] as $connection) {
            Schema::dropIfExists('jobs');
            config(['fanfare.republish.connection' => $connection]);
            try {
                $this->driver()->broadcast(['a'], 'x');
                $this->fail('Nothing was thrown.');
            } catch (PublishException $e) {
                $this->assertStringContainsString('and it could not be queued', $e->getMessage());
                $this->assertSame(['connection' => 'fanfare', 'event' => 'x', 'channels' => ['a']], $e->context());
            }
        }

        $this->assertSame([BroadcastFailed::class, BroadcastFailed::class], array_map(get_class(...), $events));
    }

    public function test_what_went_wrong_in_async_is_announced_without_an_event(): void
    {
        $app = $this->boot(self::CREDENTIALS + ['options' => ['mode' => 'async']]);
        $events = &$this->announced();
        $this->fake()->failOnFlush('1 broadcasts refused');

        $this->driver()->broadcast(['a'], 'x');
        $app->terminate();

        $this->assertCount(1, $events);
        $this->assertSame(['fanfare', null, []], [$events[0]->connection, $events[0]->event, $events[0]->channels]);
        $this->assertSame('1 broadcasts refused', $events[0]->exception->reason);
    }

    public function test_laravels_handler_logs_what_was_broadcast(): void
    {
        $app = $this->boot();
        $this->fake()->failWith('no daemon');
        $channels = array_map(static fn (int $i): string => "c{$i}", range(1, 12));

        try {
            $this->driver()->broadcast($channels, 'x', ['secret' => 'payload']);
        } catch (PublishException $e) {
            $app->make(ExceptionHandler::class)->report($e);
        }

        $context = $this->log()->getRecords()[0]->context;
        $this->assertSame('fanfare', $context['connection']);
        $this->assertSame('x', $context['event']);
        $this->assertSame(array_slice($channels, 0, 10), $context['channels']);
        $this->assertSame(12, $context['channel_count']);
    }

    public function test_the_job_is_found_by_its_event(): void
    {
        $this->bootWithWorker();
        $this->fake()->failWith('no daemon');

        event(new OrderShippedNow(1));

        $payload = json_decode((string) DB::table('jobs')->value('payload'), true);
        $this->assertSame(OrderShippedNow::class.' (republish)', $payload['displayName']);
        $job = unserialize($payload['data']['command']);
        $this->assertSame(['fanfare', 'broadcaster:fanfare', 'event:'.OrderShippedNow::class], $job->tags());
    }
}
