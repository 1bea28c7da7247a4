<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Daemon;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\RepublishBroadcast;
use Fanfare\Laravel\Events\BroadcastFailed;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Facades\Fanfare;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Support\About;
use Fanfare\Laravel\Tests\Fixtures\OrderPaid;
use Fanfare\Laravel\Tests\Fixtures\OrderShippedNow;
use Fanfare\Laravel\Tests\Fixtures\User;
use Fanfare\Laravel\Tests\TestCase;
use Fanfare\PayloadException;
use Fanfare\Reason;
use Fanfare\RejectedException;
use Fanfare\TransportException;
use Fanfare\UnconfirmedException;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Foundation\Application;
use Illuminate\Support\Facades\Bus;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use PHPUnit\Framework\Attributes\Group;
use RuntimeException;

/**
 * The real extension and a real daemon.
 */
#[Group('daemon')]
final class DaemonTest extends TestCase
{
    private Daemon $daemon;

    protected function setUp(): void
    {
        $executable = getenv('FANFARED');

        if (! extension_loaded('fanfare') || ! is_string($executable) || ! is_executable($executable)) {
            $this->markTestSkipped('needs the extension and $FANFARED');
        }

        $this->daemon = new Daemon($executable);
    }

    protected function tearDown(): void
    {
        if (isset($this->daemon)) {
            $this->daemon->remove();
        }
        parent::tearDown();
    }

    /**
     * @param  array<string, mixed>  $options
     * @param  array<string, mixed>  $overrides
     */
    private function bootOn(Daemon $daemon, array $options = [], array $overrides = []): Application
    {
        return $this->bootWithQueue($overrides + self::CREDENTIALS + ['options' => $options + [
            'socket' => $daemon->socket, 'encryption_master_key_base64' => self::MASTER_KEY,
        ]], ['broadcasting' => ['connections' => ['second' => [
            'driver' => 'fanfare', 'app_id' => 'app-2', 'key' => 'key-2', 'secret' => 'secret-of-app-2',
            'options' => ['socket' => $daemon->socket],
        ]]]]);
    }

    private function subscriber(string $channel, string $key = 'key-1'): Subscriber
    {
        $subscriber = new Subscriber($this->daemon->port, $key);
        $driver = $this->driver($key === 'key-1' ? 'fanfare' : 'second');
        $driver->channel('{any}', static fn (): array => ['name' => 'Ann']);
        $auth = $driver->isGuardedChannel($channel) ? (array) $driver->auth($this->request(
            ['channel_name' => $channel, 'socket_id' => $subscriber->socketId], User::make(7)
        )) : [];
        $subscriber->subscribe($channel, $auth);

        return $subscriber;
    }

    public function test_an_event_arrives_on_every_kind_of_channel(): void
    {
        $this->bootOn($this->daemon);
        $channels = ['orders', 'private-orders', 'presence-orders', 'private-encrypted-orders'];
        $subscribers = array_map(fn (string $channel): Subscriber => $this->subscriber($channel), $channels);

        event(new OrderShippedNow(7, $channels));

        foreach ($subscribers as $index => $subscriber) {
            $message = $subscriber->next(OrderShippedNow::class);
            $data = json_decode($message['data'], true);
            $this->assertSame($channels[$index], $message['channel'] ?? null);

            if ($channels[$index] === 'private-encrypted-orders') {
                $data = json_decode((string) sodium_crypto_secretbox_open(
                    base64_decode($data['ciphertext']), base64_decode($data['nonce']),
                    hash('sha256', $channels[$index].base64_decode(self::MASTER_KEY), true)
                ), true);
            }

            $this->assertSame(['order' => 7], $data);
        }
    }

    public function test_an_application_asks_and_ends_connections(): void
    {
        $this->bootOn($this->daemon);
        $orders = $this->subscriber('orders');
        $room = $this->subscriber('presence-room');
        $user = $this->signedIn(User::make(7));
        $server = Fanfare::connection();

        $this->assertEquals([
            'orders' => new Channel('orders', true, 1),
            'presence-room' => new Channel('presence-room', true, 1, 1),
        ], $this->sorted(Fanfare::channels()));
        $this->assertSame(['presence-room'], array_keys(Fanfare::channels('presence-')));
        $this->assertEquals([new Member('7', ['name' => 'Ann'])], Fanfare::members('presence-room'));
        $this->assertEquals(new Channel('nobody'), $server->channel('nobody'));
        $this->assertSame(3, Fanfare::connectionCount());
        $this->assertGreaterThan(0, $server->ping());

        $this->driver()->broadcast(['cache-news'], 'x', ['n' => 1]);
        $this->assertSame('{"n":1}', Fanfare::channel('cache-news', cache: true)->cache?->data);
        $this->assertNull(Fanfare::channel('cache-news')->cache);

        Fanfare::sendToUser(User::make(7), 'Hello', ['n' => 1]);
        $this->assertSame('{"n":1}', $user->next('Hello')['data']);

        // The application of another connection knows nothing of them.
        $second = Fanfare::connection('second');
        $this->assertSame([], $second->channels());
        $this->assertSame(0, $second->terminateUser(7));
        $this->assertFalse($second->terminateConnection($orders->socketId));

        $this->assertTrue(Fanfare::terminateConnection($orders->socketId));
        $this->assertFalse(Fanfare::terminateConnection($orders->socketId));
        $this->assertSame(2, Fanfare::terminateUser(User::make(7)));
        foreach ([$orders, $room, $user] as $ended) {
            $this->assertStringContainsString('4009', (string) json_encode($ended->next('pusher:error')));
        }
    }

    public function test_a_question_that_is_refused_or_finds_no_daemon(): void
    {
        $this->bootOn($this->daemon, ['timeout' => 0.2]);

        try {
            Fanfare::members('orders');
            $this->fail('no exception');
        } catch (PublishException $e) {
            $this->assertFalse($e->retryable);
            $this->assertStringContainsString('presence channels only', $e->getMessage());
            $this->assertInstanceOf(RejectedException::class, $e->getPrevious());
        }

        $this->daemon->stop();
        try {
            Fanfare::connectionCount();
            $this->fail('no exception');
        } catch (PublishException $e) {
            $this->assertTrue($e->retryable);
            $this->assertInstanceOf(TransportException::class, $e->getPrevious());
        }
    }

    private function signedIn(User $user): Subscriber
    {
        $subscriber = new Subscriber($this->daemon->port, 'key-1');
        $this->driver()->resolveAuthenticatedUserUsing(static fn (): array => ['id' => (string) $user->getAuthIdentifier()]);
        $answer = $this->driver()->resolveAuthenticatedUser($this->request(['socket_id' => $subscriber->socketId], $user));
        $subscriber->signIn((array) $answer);

        return $subscriber;
    }

    /**
     * @param  array<array-key, Channel>  $channels
     * @return array<array-key, Channel>
     */
    private function sorted(array $channels): array
    {
        ksort($channels, SORT_STRING);

        return $channels;
    }

    public function test_the_sender_is_left_out_and_nonsense_counts_as_no_sender(): void
    {
        $this->bootOn($this->daemon);
        $sender = $this->subscriber('orders');
        $other = $this->subscriber('orders');

        $this->driver()->broadcast(['orders'], 'first', ['socket' => $sender->socketId]);
        $this->driver()->broadcast(['orders'], 'second', ['socket' => 'undefined']);

        $sender->next('second');
        $other->next('first');
        $other->next('second');
        $this->addToAssertionCount(1);
    }

    public function test_ten_thousand_channels_are_one_call(): void
    {
        $this->bootOn($this->daemon);
        $last = $this->subscriber('c10000');

        $this->driver()->broadcast(array_map(static fn (int $i): string => "c{$i}", range(1, 10_000)), 'x', ['y' => 1]);

        $this->assertSame('{"y":1}', $last->next('x')['data']);
    }

    public function test_two_connections_reach_two_applications(): void
    {
        $this->bootOn($this->daemon);
        $first = $this->subscriber('a');
        $second = $this->subscriber('a', 'key-2');

        $this->driver('fanfare')->broadcast(['a'], 'to-first');
        $this->driver('second')->broadcast(['a'], 'to-second');

        $first->next('to-first');
        $second->next('to-second');
        $this->addToAssertionCount(1);
    }

    public function test_a_refusal_is_a_broadcast_exception_with_its_cause(): void
    {
        $this->bootOn($this->daemon);

        $e = $this->failure(['a'], 'pusher:internal', []);
        $this->assertInstanceOf(RejectedException::class, $e->getPrevious());
        $this->assertSame(Reason::InvalidEvent, $e->getPrevious()->reason);
        $this->assertStringContainsString($e->getPrevious()->getMessage(), $e->getMessage());
        $this->assertFalse($e->retryable);

        $this->assertFalse($this->failure(['a'], 'x', ['y' => str_repeat('a', 200_000)])->retryable);
        $this->assertFalse($this->failure(['not a channel'], 'x', [])->retryable);
    }

    public function test_a_wrong_secret_is_told_without_showing_it(): void
    {
        $this->bootOn($this->daemon, [], ['secret' => 'wrong-secret-value']);

        $e = $this->failure(['a'], 'x', []);

        $this->assertInstanceOf(RejectedException::class, $e->getPrevious());
        $this->assertStringNotContainsString('wrong-secret-value', (string) $e);
        $this->assertStringNotContainsString('wrong-secret-value', (string) $e->getPrevious());
    }

    public function test_a_payload_that_is_no_json(): void
    {
        $this->bootOn($this->daemon);

        $e = $this->failure(['a'], 'x', ['y' => "\xff"]);

        $this->assertStringContainsString('Malformed UTF-8 characters', $e->getMessage());
        $this->assertInstanceOf(PayloadException::class, $e->getPrevious());
        $this->assertFalse($e->retryable);
    }

    public function test_a_refused_batch_delivers_nothing(): void
    {
        $this->bootOn($this->daemon);
        $subscriber = $this->subscriber('a');

        $this->failure(['a', 'private-encrypted-b', 'private-encrypted-not valid'], 'x', []);
        $this->driver()->broadcast(['a'], 'next');

        $subscriber->next('next');
        $this->addToAssertionCount(1);
    }

    public function test_no_daemon_and_back_again(): void
    {
        $this->bootOn($this->daemon, ['timeout' => 0.2]);
        $this->driver()->broadcast(['a'], 'x');
        $this->daemon->stop();

        $e = $this->failure(['a'], 'x', []);
        $this->assertInstanceOf(TransportException::class, $e->getPrevious());
        $this->assertTrue($e->retryable);
        $this->assertFalse($e->maybeDelivered);

        $this->daemon->start();
        $subscriber = $this->subscriber('a');
        $this->driver()->broadcast(['a'], 'back');
        $subscriber->next('back');
    }

    public function test_a_publish_waits_for_a_daemon_that_is_being_restarted(): void
    {
        $this->bootOn($this->daemon, ['timeout' => 10]);
        $this->driver()->broadcast(['a'], 'x');
        $this->daemon->stop();
        $this->daemon->launch();

        $this->driver()->broadcast(['a'], 'x');

        $this->addToAssertionCount(1);
    }

    public function test_the_queued_job_delivers_once(): void
    {
        $this->bootOn($this->daemon, ['on_failure' => 'queue', 'timeout' => 0.2]);
        Bus::fake([RepublishBroadcast::class]);
        $this->daemon->stop();
        event(new OrderShippedNow(7));
        $this->daemon->start();
        $subscriber = $this->subscriber('orders');
        /** @var RepublishBroadcast $job */
        $job = Bus::dispatched(RepublishBroadcast::class)->sole();

        $job->handle($this->manager());
        $job->handle($this->manager());
        $this->driver()->broadcast(['orders'], 'end');

        $this->assertSame('{"order":7}', $subscriber->next(OrderShippedNow::class)['data']);
        $subscriber->next('end');
    }

    public function test_a_daemon_that_stands_alone_is_the_whole_cluster(): void
    {
        $this->bootOn($this->daemon, ['ack' => 'cluster']);
        $subscriber = $this->subscriber('orders');

        event(new OrderShippedNow(7));
        $this->driver()->broadcast(['orders', 'private-encrypted-orders'], 'batch');

        $subscriber->next(OrderShippedNow::class);
        $subscriber->next('batch');
        $this->assertSame(1, Fanfare::connectionCount());
        $this->assertFalse(Fanfare::answerWasPartial());
        $this->assertFalse(Fanfare::channel('orders')->partial);
    }

    public function test_without_redis_a_publish_is_not_confirmed_and_answers_are_partial(): void
    {
        $this->daemon->remove();
        $this->daemon = new Daemon((string) getenv('FANFARED'), "[redis]\nurl = redis://127.0.0.1:1");
        $app = $this->bootOn($this->daemon, ['ack' => 'cluster', 'timeout' => 0.3]);
        $subscriber = $this->subscriber('orders');

        $e = $this->failure(['orders'], 'x', []);
        $this->assertInstanceOf(UnconfirmedException::class, $e->getPrevious());
        $this->assertStringContainsString('Redis', $e->getMessage());
        $this->assertTrue($e->unconfirmed);
        $this->assertTrue($e->maybeDelivered);
        $subscriber->next('x');

        $this->assertTrue(Fanfare::channel('orders')->partial);
        $this->assertSame(1, Fanfare::channel('orders')->subscriptions);
        $this->assertSame(1, Fanfare::connectionCount());
        $this->assertTrue(Fanfare::answerWasPartial());

        // Queued, and sent again with its key: it arrives once.
        $app = $this->bootOn($this->daemon, ['ack' => 'cluster', 'timeout' => 0.3, 'on_failure' => 'queue']);
        $subscriber = $this->subscriber('orders');
        event(new OrderShippedNow(7));
        $this->assertStringContainsString('RepublishBroadcast', (string) DB::table('jobs')->value('payload'));
        $this->work($app);
        $subscriber->next(OrderShippedNow::class);
        $app = $this->bootOn($this->daemon);
        $this->driver()->broadcast(['orders'], 'end');
        $subscriber->next('end');
    }

    public function test_a_queued_broadcast_that_is_tried_again_arrives_once(): void
    {
        $app = $this->bootOn($this->daemon);
        $broken = $this->createStub(Broadcaster::class);
        $broken->method('broadcast')->willThrowException(new RuntimeException('broken'));
        $app->make('config')->set('broadcasting.connections.broken', ['driver' => 'broken']);
        $this->manager()->extend('broken', static fn (): Broadcaster => $broken);
        $channels = ['orders', 'private-encrypted-orders'];
        $subscribers = array_map(fn (string $channel): Subscriber => $this->subscriber($channel), $channels);
        OrderPaid::$channels = $channels;

        // The second connection fails after the first one has delivered, three times.
        OrderPaid::$connections = ['fanfare', 'broken'];
        event(new OrderPaid);
        for ($attempt = 0; $attempt < 3; $attempt++) {
            $this->work($app, tries: 3);
        }
        $this->driver()->broadcast($channels, 'end');

        foreach ($subscribers as $subscriber) {
            $subscriber->next(OrderPaid::class);
            $subscriber->next('end');
            $this->addToAssertionCount(1);
        }
    }

    public function test_two_queued_broadcasts_that_are_alike_both_arrive(): void
    {
        $app = $this->bootOn($this->daemon);
        $subscriber = $this->subscriber('orders');
        OrderPaid::$channels = ['orders'];
        OrderPaid::$connections = ['fanfare', 'fanfare'];

        event(new OrderPaid);
        event(new OrderPaid);
        $this->work($app);
        $this->work($app);
        $this->driver()->broadcast(['orders'], 'end');

        foreach ([...array_fill(0, 4, OrderPaid::class), 'end'] as $event) {
            $subscriber->next($event);
        }
        $this->addToAssertionCount(1);
    }

    public function test_async_arrives_in_order_and_the_answers_are_collected(): void
    {
        $app = $this->bootOn($this->daemon, ['mode' => 'async']);
        $subscriber = $this->subscriber('a');

        foreach (range(1, 500) as $i) {
            $this->driver()->broadcast(['a'], 'x', ['i' => $i]);
        }
        $app->terminate();

        foreach (range(1, 500) as $i) {
            $this->assertSame('{"i":'.$i.'}', $subscriber->next('x')['data']);
        }
        $this->assertSame([], $this->log()->getRecords());
    }

    public function test_a_refusal_in_async_is_logged(): void
    {
        $app = $this->bootOn($this->daemon, ['mode' => 'async']);

        $this->driver()->broadcast(['a'], 'pusher:internal');
        $app->terminate();

        $this->assertTrue($this->log()->hasErrorThatContains('1 broadcasts refused'));
    }

    public function test_async_tells_of_a_daemon_that_is_away_and_goes_on_in_order_when_it_is_back(): void
    {
        $app = $this->bootOn($this->daemon, ['mode' => 'async', 'timeout' => 0.2]);
        $events = [];
        Event::listen(BroadcastFailed::class, static function (BroadcastFailed $event) use (&$events): void {
            $events[] = $event;
        });
        $this->daemon->stop();

        $this->driver()->broadcast(['a'], 'first');
        $app->terminate();
        $this->assertCount(1, $events);
        $this->assertTrue($events[0]->exception->retryable);
        $this->assertFalse($events[0]->exception->maybeDelivered);
        $this->assertInstanceOf(TransportException::class, $events[0]->exception->getPrevious());

        $this->daemon->start();
        $subscriber = $this->subscriber('a');
        $this->driver()->broadcast(['a'], 'second');
        $app->terminate();
        $subscriber->next('first');
        $subscriber->next('second');
        $this->assertCount(1, $events);
    }

    public function test_about_says_whether_the_daemon_answers(): void
    {
        $this->bootOn($this->daemon);
        $this->assertMatchesRegularExpression('/ANSWERS.* in [0-9.]+ ms/', About::lines()['Connection fanfare']);
        $this->assertMatchesRegularExpression('/ANSWERS.* in [0-9.]+ ms/', About::lines()['Connection second']);

        $this->daemon->stop();
        $this->assertStringContainsString('DOES NOT ANSWER', About::lines()['Connection fanfare']);
    }

    public function test_the_bridge_encodes_as_the_extension_does(): void
    {
        $this->bootOn($this->daemon, ['on_failure' => 'queue']);
        $subscriber = $this->subscriber('a');
        $payload = ['u' => "Zoë \u{1F600} / </script>", 'f' => [1.0, 0.1, 1e100], 'n' => null, 'b' => true, 'e' => [], 'o' => (object) [], 'l' => [1 => 'a']];

        $this->driver()->broadcast(['a'], 'x', $payload);

        $this->assertSame(Message::encode($payload), $subscriber->next('x')['data']);
    }

    /**
     * @param  list<string>  $channels
     * @param  array<string, mixed>  $payload
     */
    private function failure(array $channels, string $event, array $payload): PublishException
    {
        try {
            $this->driver()->broadcast($channels, $event, $payload);
        } catch (BroadcastException $e) {
            $this->assertInstanceOf(PublishException::class, $e);

            return $e;
        }

        $this->fail('It was sent.');
    }
}
