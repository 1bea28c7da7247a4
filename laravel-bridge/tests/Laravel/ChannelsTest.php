<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Laravel;

use Exception;
use Fanfare\Laravel\Broadcasting\FanfareBroadcaster;
use Fanfare\Laravel\Tests\Fixtures\User;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Route;
use PHPUnit\Framework\Attributes\DataProvider;
use ReflectionMethod;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

require_once __DIR__.'/fixtures.php';

/**
 * What Laravel promises of routes/channels.php, asked by real requests: as its own tests of broadcasters and of the names of
 * Pusher's channels have it. AuthorizationTest has the answers.
 */
final class ChannelsTest extends TestCase
{
    /** @var list<mixed> what the callback was given */
    private array $seen = [];

    /** @var list<?string> the guards that were asked */
    private array $asked = [];

    protected function setUp(): void
    {
        $this->boot();
    }

    /**
     * @param  array<string, ?Authenticatable>|Authenticatable|null  $user  for each guard, or for all
     */
    private function ask(string $channel, array|Authenticatable|null $user = null): bool
    {
        $request = Request::create('/broadcasting/auth', 'POST', ['channel_name' => $channel, 'socket_id' => '1.2']);
        $request->setUserResolver(function (?string $guard = null) use ($user): ?Authenticatable {
            $this->asked[] = $guard;

            return is_array($user) ? $user[$guard ?? 'default'] ?? null : $user;
        });

        try {
            return isset(((array) $this->driver()->auth($request))['auth']);
        } catch (AccessDeniedHttpException) {
            return false;
        }
    }

    /**
     * A callback that says yes and keeps what it was given.
     */
    private function keep(mixed ...$arguments): bool
    {
        $this->seen = $arguments;

        return true;
    }

    public function test_parameters_reach_the_callback_in_order(): void
    {
        $this->driver()->channel('a.{one}.b.{two}', fn (User $user, string $one, string $two): bool => $this->keep($one, $two));

        $this->assertTrue($this->ask('private-a.1.b.x', User::make(7)));
        $this->assertSame(['1', 'x'], $this->seen);
    }

    public function test_a_callback_without_parameters(): void
    {
        $this->driver()->channel('a', fn (): bool => $this->keep());
        $this->driver()->channel('b', fn (User $user): bool => $this->keep($user->getAuthIdentifier()));

        $this->assertTrue($this->ask('private-a', User::make(7)));
        $this->assertTrue($this->ask('presence-b', User::make(7)));
        $this->assertSame([7], $this->seen);
    }

    public function test_models_are_found_by_their_type(): void
    {
        $this->driver()->channel('orders.{order}.{part}', fn (User $user, Order $order, string $part): bool => $this->keep($order->getAttribute('id'), $part));

        $this->assertTrue($this->ask('private-orders.7.lines', User::make(7)));
        $this->assertSame([7, 'lines'], $this->seen);
    }

    public function test_a_model_that_is_not_there_is_a_refusal(): void
    {
        $this->driver()->channel('orders.{order}', static fn (User $user, Order $order): bool => true);

        $this->assertTrue($this->ask('private-orders.7', User::make(7)));
        $this->assertFalse($this->ask('private-orders.404', User::make(7)));
    }

    public function test_models_are_found_as_routes_bind_them(): void
    {
        Route::bind('order', static fn (string $value): string => "bound {$value}");
        Route::model('line', Order::class);
        $this->driver()->channel('orders.{order}.{line}', fn (User $user, string $order, Order $line): bool => $this->keep($order, $line->getAttribute('id')));

        $this->assertTrue($this->ask('private-orders.7.8', User::make(7)));
        $this->assertSame(['bound 7', 8], $this->seen);
    }

    public function test_a_channel_may_be_a_class(): void
    {
        $this->driver()->channel('orders.{order}.{part}', OrderChannel::class);

        $this->assertTrue($this->ask('private-orders.1.lines', User::make(7)));
        $this->assertFalse($this->ask('private-orders.2.lines', User::make(7)));
        $this->assertFalse($this->ask('private-orders.1.notes', User::make(7)));
        $this->assertFalse($this->ask('private-orders.404.lines', User::make(7)));
    }

    public function test_a_channel_may_be_a_models_own(): void
    {
        Broadcast::channel(new Article, fn (User $user, Article $article): bool => true);

        $this->assertContains('Fanfare.Laravel.Tests.Laravel.Article.{article}', array_keys($this->driver()->getChannels()->all()));
    }

    public function test_what_is_neither_a_callback_nor_a_class_is_an_error(): void
    {
        $this->driver()->channel('a.{x}', 'no such class');

        $this->expectException(Exception::class);
        $this->ask('private-a.1', User::make(7));
    }

    public function test_the_first_pattern_that_says_yes_wins(): void
    {
        $this->driver()->channel('a.{one}', static fn (): ?bool => null);
        $this->driver()->channel('a.b', static fn (): array => ['name' => 'second']);

        $this->assertTrue($this->ask('presence-a.b', User::make(7)));

        $this->driver()->channel('a.{one}', static fn (): bool => false);
        $this->assertFalse($this->ask('presence-a.b', User::make(7)));
    }

    public function test_without_guards_the_default_one_is_asked(): void
    {
        $this->driver()->channel('a', static fn (): bool => true);
        $this->assertTrue($this->ask('private-a', ['default' => User::make(7)]));
        $this->assertSame([null], array_values(array_unique($this->asked)));
    }

    public function test_one_guard_is_asked_and_no_other(): void
    {
        $this->driver()->channel('a.{x}', fn (User $user): bool => $user->getAuthIdentifier() === 8, ['guards' => 'api']);

        $this->assertTrue($this->ask('private-a.1', ['default' => User::make(7), 'api' => User::make(8)]));
        $this->assertSame(['api'], array_values(array_unique($this->asked)));
        $this->assertFalse($this->ask('private-a.1', ['default' => User::make(8)]));
    }

    public function test_several_guards_are_asked_in_order(): void
    {
        $this->driver()->channel('a', fn (User $user): bool => $user->getAuthIdentifier() === 8, ['guards' => ['web', 'api', 'admin']]);

        $this->assertTrue($this->ask('private-a', ['api' => User::make(8), 'admin' => User::make(9)]));
        $this->assertSame(['web', 'api'], array_values(array_unique($this->asked)));
        $this->assertFalse($this->ask('private-a', ['default' => User::make(8)]));
        $this->assertFalse($this->ask('private-a', ['web' => User::make(7), 'api' => User::make(8)]), 'the first who is there counts');
    }

    public function test_options_belong_to_their_own_channel(): void
    {
        $this->driver()->channel('a.{x}', static fn (): bool => true, ['guards' => ['api']]);
        $this->driver()->channel('b', static fn (): bool => true);

        $this->assertFalse($this->ask('private-a.1', ['default' => User::make(7)]));
        $this->assertTrue($this->ask('private-b', ['default' => User::make(7)]));
        $this->assertFalse($this->ask('private-nobody-registered-it', ['default' => User::make(7), 'api' => User::make(7)]));
    }

    public function test_a_public_channel_that_is_asked_for_needs_a_user_to_sign_for(): void
    {
        $this->driver()->channel('a', static fn (): bool => true);

        $this->assertFalse($this->ask('a'));
    }

    /**
     * @return iterable<array{string, string, bool}>
     */
    public static function patterns(): iterable
    {
        yield from [
            ['a', 'a', true], ['a.1', 'a.{id}', true], ['a.1.b', 'a.{id}.b', true], ['a.1.b.2', 'a.{id}.b.{other}', true],
            ['a-1:b-2', 'a-{id}:b-{other}', true], ['1:a:b', '{id}:a:{text}', true], ['a.b=c,d;e@f', 'a.{rest}', true],
            ['a..b.2', 'a.{id}.b.{other}', false], ['a.1', 'a', false], ['a.1.b.2', 'a.b.{id}', false], ['a-1-b-2', 'a-{id}-b', false],
            ['1:a', '{id}:a:b', false], ['x.a.1', 'a.{id}', false], ['xa.1', 'a.{id}', false], ['a.1.2', 'a.{id}', false], ['aX1', 'a.{id}', false],
        ];
    }

    #[DataProvider('patterns')]
    public function test_a_parameter_is_one_segment(string $channel, string $pattern, bool $matches): void
    {
        $match = new ReflectionMethod(FanfareBroadcaster::class, 'channelNameMatchesPattern');

        $this->assertSame($matches, (bool) $match->invoke($this->driver(), $channel, $pattern));
    }

    /**
     * @return iterable<array{string, string, bool}>
     */
    public static function names(): iterable
    {
        foreach (['a', 'a.1', 'a-b', 'test', 'a.b.c', 'private', 'encrypted-a'] as $name) {
            yield from [
                [$name, $name, false], ["private-{$name}", str_starts_with($name, 'encrypted-') ? substr($name, 10) : $name, true],
                ["presence-{$name}", $name, true], ["private-encrypted-{$name}", $name, true],
                ["private-private-{$name}", "private-{$name}", true], ["presence-private-encrypted-{$name}", "private-encrypted-{$name}", true],
                ["x-private-{$name}", "x-private-{$name}", false],
            ];
        }
    }

    #[DataProvider('names')]
    public function test_names_lose_one_prefix_and_say_whether_they_are_guarded(string $channel, string $name, bool $guarded): void
    {
        $this->assertSame($name, $this->driver()->normalizeChannelName($channel));
        $this->assertSame($guarded, $this->driver()->isGuardedChannel($channel));
    }
}
