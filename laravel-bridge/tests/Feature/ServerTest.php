<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Facades\Fanfare;
use Fanfare\Laravel\Server\CachedEvent;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Tests\Fixtures\User;
use Fanfare\Laravel\Tests\Fixtures\UserWithPublicId;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastException;
use InvalidArgumentException;
use PHPUnit\Framework\AssertionFailedError;
use PHPUnit\Framework\Attributes\DataProvider;

final class ServerTest extends TestCase
{
    public function test_an_event_for_a_user(): void
    {
        $this->boot();
        $fake = $this->fake();

        Fanfare::sendToUser(7, 'Hello', ['a' => 1], '1.2', 'key');
        Fanfare::sendToUser(User::make(8), 'Hello', except: 'undefined');

        $this->assertEquals([
            new Message(['#server-to-user-7'], 'Hello', ['a' => 1], '1.2', 'key'),
            new Message(['#server-to-user-8'], 'Hello'),
        ], $fake->published());
        $fake->assertSentToUser(7, 'Hello')->assertSentToUser(User::make(8), 'Hello');
        $this->expectException(AssertionFailedError::class);
        $fake->assertSentToUser(9, 'Hello');
    }

    public function test_the_id_is_the_one_that_browsers_know(): void
    {
        $this->boot();
        $fake = $this->fake();
        $user = UserWithPublicId::make(7);

        Fanfare::terminateUser($user);

        $fake->assertUserTerminated($user->getAuthIdentifierForBroadcasting());
    }

    #[DataProvider('badIds')]
    public function test_an_id_that_nobody_can_have(string $id): void
    {
        $this->boot();
        $this->fake();

        foreach ([static fn () => Fanfare::sendToUser($id, 'x'), static fn () => Fanfare::terminateUser($id)] as $call) {
            try {
                $call();
                $this->fail('no exception');
            } catch (PublishException $e) {
                $this->assertStringContainsString('between 1 and 128 bytes', $e->getMessage());
                $this->assertFalse($e->retryable);
            }
        }
    }

    /**
     * @return iterable<array{string}>
     */
    public static function badIds(): iterable
    {
        yield from [[''], [str_repeat('x', 129)], ["\xff"]];
    }

    public function test_questions_are_answered_by_the_fake(): void
    {
        $this->boot();
        $this->fake()
            ->withChannel(new Channel('orders', occupied: true, subscriptions: 3))
            ->withChannel(new Channel('cache-news', cache: new CachedEvent('{}', 60)))
            ->withMembers('presence-room', new Member('7', ['name' => 'Ann']), new Member('8'))
            ->withConnectionCount(5);

        $this->assertSame(['orders', 'presence-room'], array_keys(Fanfare::channels()));
        $this->assertSame(['presence-room'], array_keys(Fanfare::channels('presence-')));
        $this->assertSame(3, Fanfare::channel('orders')->subscriptions);
        $this->assertSame('{}', Fanfare::channel('cache-news', cache: true)->cache?->data);
        $this->assertSame(2, Fanfare::channel('presence-room')->members);
        $this->assertFalse(Fanfare::channel('presence-empty')->occupied);
        $this->assertSame(['7', '8'], array_column(Fanfare::members('presence-room'), 'id'));
        $this->assertSame([], Fanfare::members('presence-empty'));
        $this->assertSame(5, Fanfare::connectionCount());
        $this->assertSame(5, Fanfare::connection('fanfare')->connectionCount());
        $this->assertFalse(Fanfare::answerWasPartial());
        $this->fake()->withPartialAnswers();
        $this->assertTrue(Fanfare::answerWasPartial());
        $this->assertTrue(Fanfare::connection('fanfare')->answerWasPartial());
    }

    public function test_ending_connections_is_recorded(): void
    {
        $this->boot();
        $fake = $this->fake()->assertNothingTerminated();

        Fanfare::terminateUser(7);
        Fanfare::terminateConnection('1.2');
        $this->assertFalse(Fanfare::terminateConnection('undefined'));

        $fake->assertUserTerminated(7)->assertConnectionTerminated('1.2');
        $this->expectException(AssertionFailedError::class);
        $fake->assertNothingTerminated();
    }

    public function test_a_failure_is_thrown_whatever_on_failure_says(): void
    {
        $this->boot(self::CREDENTIALS + ['options' => ['on_failure' => 'log']]);
        $this->fake()->failWith('no daemon');

        $this->expectException(BroadcastException::class);
        $this->expectExceptionMessage('no daemon');
        Fanfare::connectionCount();
    }

    public function test_what_is_missing_is_named(): void
    {
        $this->boot([]);

        try {
            Fanfare::channels();
            $this->fail('no exception');
        } catch (PublishException $e) {
            $this->assertStringContainsString('FANFARE_APP_ID', $e->getMessage());
            $this->assertInstanceOf(MisconfiguredException::class, $e->getPrevious());
        }
    }

    public function test_another_default_driver_does_not_matter(): void
    {
        $this->boot(config: ['broadcasting' => ['default' => 'null']]);
        $fake = $this->fake();

        Fanfare::sendToUser(7, 'x');
        Fanfare::connection('fanfare')->sendToUser(7, 'x');

        $fake->assertPublished('x', 2);
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('[null]');
        Fanfare::connection('null');
    }

    public function test_a_failure_tells_what_was_asked(): void
    {
        $this->boot();
        $this->fake()->failWith('no daemon');
        $contexts = [];

        foreach ([
            fn () => Fanfare::connection()->sendToUser(7, 'Hello'), fn () => Fanfare::connection()->members('presence-a'),
            fn () => Fanfare::connection()->connectionCount(),
        ] as $call) {
            try {
                $call();
            } catch (PublishException $e) {
                $contexts[] = $e->context();
            }
        }

        $this->assertSame([
            ['connection' => 'fanfare', 'event' => 'Hello', 'channels' => ['#server-to-user-7']],
            ['connection' => 'fanfare', 'channels' => ['presence-a']],
            ['connection' => 'fanfare'],
        ], $contexts);
    }
}
