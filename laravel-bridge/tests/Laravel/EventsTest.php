<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Laravel;

use BackedEnum;
use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Testing\FanfareFake;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use InvalidArgumentException;
use Throwable;

require_once __DIR__.'/fixtures.php';

/**
 * What Laravel promises of events that are broadcast, through our driver: as its own tests of events, jobs and the manager
 * have it.
 */
final class EventsTest extends TestCase
{
    private FanfareFake $fanfare;

    private Application $application;

    protected function setUp(): void
    {
        $this->application = $this->bootWithQueue(self::CREDENTIALS, ['broadcasting' => ['connections' => [
            'second' => ['driver' => 'fanfare', 'app_id' => 'app-2', 'key' => 'key-2', 'secret' => 'secret-of-app-2'],
            'null' => ['driver' => 'null'],
            'unknown' => ['driver' => 'nobody-has-it'],
        ]]]);
        $this->fanfare = $this->fake();
    }

    /**
     * Only what Laravel adds itself is left out.
     *
     * @return array<string, mixed>
     */
    private static function payload(Message $message): array
    {
        $payload = json_decode($message->encodedPayload(), true);
        unset($payload['socket']);

        return $payload;
    }

    private function jobs(?string $queue = null): int
    {
        return DB::table('jobs')->when($queue !== null, static fn ($query) => $query->where('queue', $queue))->count();
    }

    private function one(): Message
    {
        $this->assertCount(1, $this->fanfare->published());

        return $this->fanfare->published()[0];
    }

    public function test_an_event_is_queued_and_its_public_properties_are_broadcast(): void
    {
        event(new Posted);
        $this->assertSame(1, $this->jobs());
        $this->fanfare->assertNothingPublished();

        $this->work($this->application);

        $message = $this->one();
        $this->assertSame(Posted::class, $message->event);
        $this->assertSame(['plain', 'public', 'private-own', 'presence-room'], $message->channels);
        $this->assertSame(['title' => 'first', 'tags' => ['a' => 'b']], self::payload($message));
        $this->assertSame(0, $this->jobs());
    }

    public function test_an_event_that_is_to_be_broadcast_now_waits_for_no_queue(): void
    {
        event(new PostedNow);
        event(new PostedByChoice);

        $this->assertSame(0, $this->jobs());
        $this->assertSame([PostedNow::class, PostedByChoice::class], array_map(static fn (Message $message): string => $message->event, $this->fanfare->published()));
    }

    public function test_an_event_names_itself_and_its_payload(): void
    {
        event(new PostedWith);
        $this->work($this->application);

        $this->assertSame('post.created', $this->one()->event);
        $this->assertSame(['own' => true], self::payload($this->one()));
    }

    public function test_a_name_may_be_an_enum(): void
    {
        event(new PostedNamedByEnum);

        $this->assertSame('post.created', $this->one()->event);
    }

    public function test_an_event_decides_whether_it_is_broadcast_and_is_heard_inside_in_any_case(): void
    {
        $heard = 0;
        Event::listen(PostedIf::class, static function () use (&$heard): void {
            $heard++;
        });

        foreach ([true, false] as PostedIf::$when) {
            event(new PostedIf);
        }
        event(new Unspoken);

        $this->assertSame(2, $heard);
        $this->assertSame(1, $this->jobs());
    }

    public function test_an_event_chooses_its_queue(): void
    {
        event(new PostedOn);
        event(new PostedOnNamedQueue);

        $this->assertSame([1, 1], [$this->jobs('broadcasts'), $this->jobs('slow')]);
        $this->work($this->application, 'broadcasts');
        $this->fanfare->assertPublished(PostedOn::class);
    }

    public function test_an_event_chooses_its_connections(): void
    {
        event(new PostedVia('second'));
        event(new PostedVia('second', 'null', 'fanfare'));
        broadcast(new PostedVia)->via('second');

        $this->assertCount(4, $this->fanfare->published());
    }

    public function test_channels_and_payload_of_each_connection(): void
    {
        event(new PostedToEach);

        $this->assertSame([[['first'], ['n' => 1]], [['other'], ['n' => 2]]], array_map(
            static fn (Message $message): array => [$message->channels, self::payload($message)], $this->fanfare->published()
        ));
    }

    public function test_a_unique_event_is_queued_once(): void
    {
        event(new PostedOnce);
        event(new PostedOnce);
        $this->assertSame(1, $this->jobs());

        $this->work($this->application);
        event(new PostedOnce);
        $this->assertSame(1, $this->jobs());
        $this->fanfare->assertPublished(PostedOnce::class, 1);
    }

    public function test_an_event_that_is_rescued_is_reported_instead_of_thrown(): void
    {
        $reported = [];
        $handler = $this->application->make(ExceptionHandler::class);
        $this->assertInstanceOf(Handler::class, $handler);
        $handler->reportable(static function (Throwable $e) use (&$reported): false {
            $reported[] = $e::class;

            return false;
        });
        $this->fanfare->failWith('no daemon');

        event(new PostedRescued);
        $this->assertCount(1, $reported);
        $this->assertTrue(is_a($reported[0], BroadcastException::class, true));

        $this->expectException(BroadcastException::class);
        event(new PostedNow);
    }

    public function test_middleware_tries_and_failed_are_those_of_the_event(): void
    {
        PostedThrough::$log = [];
        $this->fanfare->failWith('no daemon');

        event(new PostedThrough);
        $payload = json_decode((string) DB::table('jobs')->value('payload'), true);
        $this->assertSame([3, 7, '2'], [$payload['maxTries'], $payload['timeout'], (string) $payload['backoff']]);

        for ($i = 0; $i < 3; $i++) {
            DB::table('jobs')->update(['available_at' => 0]);
            $this->work($this->application, tries: 9);
        }

        $this->assertSame(['through', 'through', 'through', 'failed: Fanfare: no daemon'], PostedThrough::$log);
        $this->assertSame(0, $this->jobs());
    }

    public function test_named_arguments_and_the_sender(): void
    {
        $this->application->instance('request', $request = $this->request([]));
        $request->headers->set('X-Socket-ID', '12.34');

        Named::broadcast(second: 'b', first: 'a')->toOthers();

        $this->assertSame('12.34', $this->one()->except);
        $this->assertSame(['first' => 'a', 'second' => 'b'], self::payload($this->one()));
    }

    public function test_broadcast_helpers(): void
    {
        broadcast_if(false, new PostedNow);
        broadcast_unless(true, new PostedNow);
        broadcast_if(true, new PostedNow);
        broadcast_unless(false, new PostedNow);

        $this->fanfare->assertPublished(PostedNow::class, 2);
    }

    public function test_the_manager_keeps_its_drivers_until_they_are_purged(): void
    {
        $manager = $this->manager();
        $driver = $manager->connection('fanfare');

        $this->assertSame($driver, $manager->driver('fanfare'));
        $this->assertSame($driver, $manager->driver());
        $manager->purge('fanfare');
        $this->assertNotSame($driver, $driver = $manager->connection('fanfare'));
        $manager->forgetDrivers();
        $this->assertNotSame($driver, $manager->connection('fanfare'));

        $manager->setDefaultDriver('second');
        $this->assertSame($manager->connection('second'), $manager->driver());
    }

    public function test_the_manager_names_what_it_does_not_have(): void
    {
        foreach (['nowhere' => '[nowhere] is not defined', 'unknown' => '[nobody-has-it] is not supported'] as $name => $message) {
            try {
                $this->manager()->connection($name);
                $this->fail('no exception');
            } catch (InvalidArgumentException $e) {
                $this->assertStringContainsString($message, $e->getMessage());
            }
        }
    }

    public function test_connections_may_be_enums_where_laravel_takes_them(): void
    {
        $connection = Connection::Second;
        $this->assertInstanceOf(BackedEnum::class, $connection);

        try {
            $driver = $this->manager()->connection($connection);
        } catch (Throwable) {
            $this->markTestSkipped('this version of Laravel takes text alone');
        }

        $this->assertSame($this->manager()->connection('second'), $driver);
    }
}

enum Connection: string
{
    case Second = 'second';
}
