<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Events\BroadcastFailed;
use Fanfare\Laravel\Events\CacheMissed;
use Fanfare\Laravel\Events\ChannelOccupied;
use Fanfare\Laravel\Events\ClientEventReceived;
use Fanfare\Laravel\Events\DaemonEvent;
use Fanfare\Laravel\Events\EventsLost;
use Fanfare\Laravel\Events\FromDaemon;
use Fanfare\Laravel\Events\MemberAdded;
use Fanfare\Laravel\Events\SnapshotTaken;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Testing\FanfareFake;
use Fanfare\Laravel\Tests\Fixtures\OrderShippedNow;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Foundation\Application;
use Illuminate\Support\Facades\Event;
use PDOException;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\RequiresPhpExtension;
use RuntimeException;
use Symfony\Component\Console\Output\BufferedOutput;

/**
 * "fanfare:listen" with a daemon that says what it was told.
 */
final class ListenTest extends TestCase
{
    private Application $app;

    private FanfareFake $fake;

    private string $output = '';

    /** @var list<DaemonEvent> */
    private array $heard = [];

    protected function setUp(): void
    {
        $this->app = $this->boot(self::CREDENTIALS, ['cache' => ['default' => 'array', 'stores' => ['array' => ['driver' => 'array']]], 'broadcasting' => ['connections' => [
            'second' => ['driver' => 'fanfare', 'options' => ['mode' => 'async']] + self::CREDENTIALS,
            'other' => ['driver' => 'log'],
        ]]]);
        $this->fake = $this->fake();
        $this->heard = [];
    }

    private function hear(string $class = FromDaemon::class): void
    {
        Event::listen($class, function (DaemonEvent $event): void {
            $this->heard[] = $event;
        });
    }

    /**
     * @param  array<string, mixed>  $options
     */
    private function listen(array $options = [], int $verbosity = BufferedOutput::VERBOSITY_NORMAL): int
    {
        $output = new BufferedOutput($verbosity);
        $status = $this->app->make(Kernel::class)->call('fanfare:listen', $options + ['--max-events' => '1', '--backoff' => '0'], $output);
        $this->output = $output->fetch();

        return $status;
    }

    public function test_an_event_arrives_and_is_acknowledged(): void
    {
        $this->hear();
        $event = new ChannelOccupied('fanfare', 'orders', '17', 1.5);
        $this->fake->withEvents($event);

        $this->assertSame(0, $this->listen());

        $this->assertSame([$event], $this->heard);
        $this->assertSame([$event], $this->fake->listener()->acknowledged);
        $this->assertSame([], $this->fake->listener()->released);
        $this->assertTrue($this->fake->listener()->closed);
        $this->assertSame('laravel', $this->fake->listener()->group);
        $this->assertMatchesRegularExpression('/\d\d:\d\d:\d\d ChannelOccupied orders \.+ RUNNING\n.*ChannelOccupied orders \.+ \S+ DONE\n/', $this->output);
    }

    public function test_a_member_that_the_fake_tells_of_has_info(): void
    {
        $this->hear();
        $this->fake->withEvents(new MemberAdded('fanfare', 'presence-room', '7', info: ['name' => 'Ann']), new MemberAdded('fanfare', 'presence-room', '8'));

        $this->assertSame(0, $this->listen(['--max-events' => '2']));

        $this->assertSame([['name' => 'Ann'], null], array_map(static fn (DaemonEvent $event): ?array => $event instanceof MemberAdded ? $event->info : [], $this->heard));
    }

    public function test_what_a_browser_has_chosen_is_no_markup(): void
    {
        $this->hear();
        $this->fake->withEvents(new \Fanfare\Laravel\Events\UserOnline('fanfare', "<fg=red>x\e[2J"));

        $this->listen(verbosity: BufferedOutput::VERBOSITY_VERBOSE);

        $this->assertStringContainsString('UserOnline <fg=red>x?[2J', $this->output);
    }

    public function test_quiet_is_quiet(): void
    {
        $this->hear();
        $this->fake->withEvents(new ChannelOccupied('fanfare', 'orders'));

        $this->listen(verbosity: BufferedOutput::VERBOSITY_QUIET);

        $this->assertSame('', $this->output);
        $this->assertCount(1, $this->heard);
    }

    public function test_asks_for_what_the_application_hears(): void
    {
        Event::listen(ChannelOccupied::class, static fn () => null);
        Event::listen(MemberAdded::class, static fn () => null);
        $this->fake->withEvents(new ChannelOccupied('fanfare', 'orders'));
        $this->listen();
        $this->assertSame(['channel_occupied', 'member_added'], $this->fake->listener()->types);

        $this->fake->withEvents(new ChannelOccupied('fanfare', 'orders'));
        $this->listen(['--types' => 'cache_miss, client_event', '--group' => '']);
        $this->assertSame(['cache_miss', 'client_event'], $this->fake->listener()->types);
        $this->assertNull($this->fake->listener()->group);

        $this->hear();
        $this->fake->withEvents(new ChannelOccupied('fanfare', 'orders'));
        $this->listen();
        $this->assertSame([], $this->fake->listener()->types);
    }

    /**
     * @return iterable<string, array{array<string, string>, string}>
     */
    public static function mistakes(): iterable
    {
        yield 'no listener' => [[], 'has no listener'];
        yield 'an unknown type' => [['--types' => 'cache_miss,nothing'], 'no type [nothing]. There are: channel_occupied'];
        yield 'an unknown connection' => [['--types' => 'cache_miss', '--connection' => 'nowhere'], 'no broadcasting connection [nowhere]'];
        yield 'a number that is none' => [['--types' => 'cache_miss', '--tries' => 'many'], '--tries takes a whole number'];
    }

    /**
     * @param  array<string, string>  $options
     */
    #[DataProvider('mistakes')]
    public function test_mistakes_are_named(array $options, string $message): void
    {
        $this->assertSame(2, $this->listen($options));
        $this->assertStringContainsString($message, (string) preg_replace('/\s+/', ' ', $this->output));
    }

    public function test_a_connection_of_another_driver_is_refused(): void
    {
        $this->assertSame(1, $this->listen(['--types' => 'cache_miss', '--connection' => 'other']));
        $this->assertStringContainsString('[other] is not of the driver', $this->output);
    }

    public function test_without_the_extension_it_says_so(): void
    {
        if (extension_loaded('fanfare')) {
            $this->markTestSkipped('the extension is loaded');
        }

        $this->app->make(\Fanfare\Laravel\Support\Gateways::class)->fake(null);

        $this->assertSame(2, $this->listen(['--types' => 'cache_miss']));
        $this->assertStringContainsString('is not loaded in this PHP', (string) preg_replace('/\s+/', ' ', $this->output));
    }

    public function test_what_a_listener_throws_comes_again_and_is_dropped_in_the_end(): void
    {
        $this->hear(CacheMissed::class);
        $this->hear(ChannelOccupied::class);
        Event::listen(CacheMissed::class, static fn () => throw new RuntimeException('not today'));
        $this->fake->withEvents(new CacheMissed('fanfare', 'cache-a', '17'), new ChannelOccupied('fanfare', 'orders'));

        $this->assertSame(0, $this->listen(['--max-events' => '4']));

        $this->assertSame([1, 2, 3, 1], array_map(static fn (DaemonEvent $event): int => $event->attempt, $this->heard));
        $this->assertSame([1, 2], array_map(static fn (DaemonEvent $event): int => $event->attempt, $this->fake->listener()->released));
        $this->assertSame(['17', ''], array_map(static fn (DaemonEvent $event): string => $event->id, $this->fake->listener()->acknowledged));
        $this->assertSame(3, substr_count($this->output, 'FAIL'));
        // Reported each time, and once more as dropped.
        $this->assertCount(4, array_filter($this->log()->getRecords(), static fn (mixed $record): bool => str_contains($record->message, 'not today')));
        $this->assertTrue($this->log()->hasErrorThatContains('CacheMissed 17 was dropped after 3 attempts: not today'));
    }

    public function test_what_ended_each_process_is_dropped_unheard(): void
    {
        $this->hear();
        $this->fake->withEvents(new CacheMissed('fanfare', 'cache-a', '17', attempt: 6));

        $this->listen();

        $this->assertSame([], $this->heard);
        $this->assertCount(1, $this->fake->listener()->acknowledged);
        $this->assertTrue($this->log()->hasErrorThatContains('dropped after 5 attempts, which did not come back'));
    }

    public function test_a_lost_database_ends_it_after_the_event_in_hand(): void
    {
        Event::listen(CacheMissed::class, static fn () => throw new PDOException('server has gone away'));
        $this->fake->withEvents(new CacheMissed('fanfare', 'a'), new CacheMissed('fanfare', 'b'));

        $this->assertSame(0, $this->listen(['--max-events' => '0']));

        $this->assertCount(1, $this->fake->listener()->released);
    }

    public function test_a_snapshot_comes_first_and_again_when_events_were_lost(): void
    {
        $this->hear();
        $taken = [];
        Event::listen(SnapshotTaken::class, function (SnapshotTaken $snapshot) use (&$taken): void {
            $taken[] = [$snapshot, count($this->heard)];
        });
        $first = new SnapshotTaken('fanfare', ['orders' => 1], ['presence-a' => [new Member('7')]], 5);
        $this->fake->withSnapshot($first)->withEvents(new ChannelOccupied('fanfare', 'orders'));
        $this->listen(['--snapshot' => true]);
        $this->assertSame([[$first, 0]], $taken);

        Event::listen(EventsLost::class, fn () => $this->fake->withSnapshot(new SnapshotTaken('fanfare')));
        $this->fake->withEvents(new EventsLost('fanfare'));
        $this->listen(['--snapshot' => true]);
        $this->assertCount(2, $taken);
        $this->assertSame(2, $taken[1][1]);

        $this->fake->withSnapshot($first)->withEvents(new ChannelOccupied('fanfare', 'orders'));
        $this->listen();
        $this->assertCount(2, $taken);
    }

    public function test_a_daemon_that_is_away_is_waited_for(): void
    {
        $this->hear();
        $this->fake->listener()->add(new PublishException('no daemon', true), new ChannelOccupied('fanfare', 'orders'));

        $this->assertSame(0, $this->listen());

        $this->assertCount(1, $this->heard);
        $this->assertStringContainsString('no daemon; trying again', $this->output);
    }

    public function test_a_daemon_that_refuses_ends_it(): void
    {
        $this->hear();
        $this->fake->listener()->add(new PublishException('unauthorized', false));

        $this->assertSame(1, $this->listen());
        $this->assertStringContainsString('unauthorized', $this->output);
    }

    public function test_a_restart_of_the_queue_ends_it(): void
    {
        Event::listen(CacheMissed::class, fn () => $this->restartAndWait());
        $this->fake->withEvents(new CacheMissed('fanfare', 'a'), new CacheMissed('fanfare', 'b'));

        $this->assertSame(0, $this->listen(['--max-events' => '0']));

        $this->assertCount(1, $this->fake->listener()->acknowledged);
    }

    private function restartAndWait(): void
    {
        $this->app->make(Cache::class)->forever('illuminate:queue:restart', time());
        // The command asks the store once a second, by the clock: there is no event to wait for.
        usleep(1_100_000);
    }

    public function test_its_memory_and_its_time_end_it(): void
    {
        $this->hear();
        $this->assertSame(12, $this->listen(['--memory' => '1']));

        $start = microtime(true);
        $this->assertSame(0, $this->listen(['--max-events' => '0', '--max-time' => '1']));
        $this->assertGreaterThan(0.9, microtime(true) - $start);
    }

    #[RequiresPhpExtension('pcntl')]
    public function test_a_signal_ends_it_after_the_event_in_hand(): void
    {
        $this->hear();
        Event::listen(ChannelOccupied::class, static fn () => posix_kill((int) getmypid(), SIGTERM));
        $this->fake->withEvents(new ChannelOccupied('fanfare', 'a'), new ChannelOccupied('fanfare', 'b'));

        $this->assertSame(0, $this->listen(['--max-events' => '0']));

        $this->assertCount(1, $this->fake->listener()->acknowledged);
    }

    public function test_broadcasts_that_nobody_waited_for_are_collected(): void
    {
        Event::fake([BroadcastFailed::class]);
        Event::listen(ChannelOccupied::class, function (): void {
            config(['broadcasting.default' => 'second']);
            event(new OrderShippedNow(7));
            $this->assertSame(1, $this->fake->unanswered());
        });
        $this->fake->failOnFlush('one refused')->withEvents(new ChannelOccupied('fanfare', 'a'));

        $this->listen();

        $this->assertSame(0, $this->fake->unanswered());
        Event::assertDispatched(BroadcastFailed::class);
    }

    public function test_what_a_browser_says_is_decoded(): void
    {
        $say = static fn (?string $data): mixed => (new ClientEventReceived('fanfare', 'private-a', 'client-typing', $data))->payload();

        $this->assertSame(['typing' => true], $say('{"typing":true}'));
        $this->assertSame('hello there', $say('hello there'));
        $this->assertNull($say(null));
        $this->assertNull($say('null'));
    }
}
