<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Tests\Fixtures\User;
use Fanfare\Laravel\Tests\Fixtures\UserWithPublicId;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

/**
 * The cases of Laravel's own PusherBroadcasterTest, with real signatures.
 */
final class AuthorizationTest extends TestCase
{
    /**
     * @return array<array-key, mixed>
     */
    private function authorize(string $channel, ?Authenticatable $user, mixed $socketId = '12.34'): array
    {
        $answer = $this->driver()->auth($this->request(['channel_name' => $channel, 'socket_id' => $socketId], $user));
        $this->assertIsArray($answer);

        return $answer;
    }

    private function assertDenied(callable $call): void
    {
        try {
            $call();
        } catch (AccessDeniedHttpException) {
            $this->addToAssertionCount(1);

            return;
        }

        $this->fail('Access was not denied.');
    }

    private function signature(string $subject): string
    {
        return self::CREDENTIALS['key'].':'.hash_hmac('sha256', $subject, self::CREDENTIALS['secret']);
    }

    public function test_a_private_channel_whose_callback_says_yes(): void
    {
        $this->boot();
        $this->driver()->channel('test', static fn (): bool => true);

        $this->assertSame(['auth' => $this->signature('12.34:private-test')], $this->authorize('private-test', User::make(42)));
    }

    #[DataProvider('guarded')]
    public function test_a_callback_that_says_no(string $channel): void
    {
        $this->boot();

        foreach ([false, null, 0, '', []] as $no) {
            $this->driver()->channel('test', static fn (): mixed => $no);
            $this->assertDenied(fn () => $this->authorize($channel, User::make(42)));
        }
    }

    #[DataProvider('guarded')]
    public function test_no_user(string $channel): void
    {
        $this->boot();
        $called = false;
        $this->driver()->channel('test', static function () use (&$called): bool {
            return $called = true;
        });

        $this->assertDenied(fn () => $this->authorize($channel, null));
        $this->assertFalse($called);
    }

    #[DataProvider('guarded')]
    public function test_a_channel_that_nobody_registered(string $channel): void
    {
        $this->boot();

        $this->assertDenied(fn () => $this->authorize($channel, User::make(42)));
    }

    /**
     * @return iterable<array{string}>
     */
    public static function guarded(): iterable
    {
        yield from [['private-test'], ['presence-test'], ['private-encrypted-test']];
    }

    /**
     * @param  array<string, mixed>  $input
     */
    #[DataProvider('noChannel')]
    public function test_a_request_without_a_channel(array $input): void
    {
        $this->boot();
        $this->driver()->channel('{any}', static fn (): bool => true);

        $this->assertDenied(fn () => $this->driver()->auth($this->request($input + ['socket_id' => '1.2'], User::make(1))));
    }

    /**
     * @return iterable<array{array<string, mixed>}>
     */
    public static function noChannel(): iterable
    {
        yield from [[[]], [['channel_name' => '']], [['channel_name' => ['private-test']]], [['channel_name' => null]]];
    }

    public function test_a_socket_id_that_is_none_is_denied(): void
    {
        $this->boot();
        $this->driver()->channel('test', static fn (): bool => true);

        foreach (['undefined', '', null, '1.2:presence-x', ['1.2']] as $id) {
            $this->assertDenied(fn () => $this->authorize('private-test', User::make(1), $id));
        }
    }

    public function test_a_signature_cannot_be_had_for_another_purpose(): void
    {
        $this->boot();
        $this->driver()->channel('{any}', static fn (): bool => true);

        $this->assertDenied(fn () => $this->authorize(':user:{"id":"1"}', User::make(1)));
        $this->assertDenied(fn () => $this->authorize('private-x:{"user_id":"1"}', User::make(1)));
    }

    public function test_presence_answers_the_callbacks_result(): void
    {
        $this->boot();
        $this->driver()->channel('test', static fn (): array => ['name' => 'Ann', 'roles' => [1, 2]]);

        $answer = $this->authorize('presence-test', User::make(42));

        $this->assertSame('{"user_id":"42","user_info":{"name":"Ann","roles":[1,2]}}', $answer['channel_data']);
        $this->assertSame($this->signature('12.34:presence-test:'.$answer['channel_data']), $answer['auth']);
        $this->assertSame(['auth', 'channel_data'], array_keys($answer));
    }

    public function test_presence_prefers_the_id_for_broadcasting(): void
    {
        $this->boot();
        $this->driver()->channel('test', static fn (): array => ['a' => 1]);

        $this->assertStringContainsString(
            '"user_id":"public-42"', $this->authorize('presence-test', UserWithPublicId::make(42))['channel_data']
        );
    }

    public function test_parameters_reach_the_callback(): void
    {
        $this->boot();

        $this->assertSame(['auth' => $this->signature('12.34:private-orders.7')], $this->authorize('private-orders.7', User::make(7)));
        $this->assertDenied(fn () => $this->authorize('private-orders.8', User::make(7)));
    }

    public function test_the_guards_of_a_channel_are_asked(): void
    {
        $this->boot();
        $this->driver()->channel('test', static fn (): bool => true, ['guards' => ['web', 'admin']]);

        $request = Request::create('/', 'POST', ['channel_name' => 'private-test', 'socket_id' => '1.2']);
        $asked = [];
        $request->setUserResolver(static function (?string $guard = null) use (&$asked): ?User {
            $asked[] = $guard;

            return $guard === 'admin' ? User::make(1) : null;
        });

        $this->assertArrayHasKey('auth', (array) $this->driver()->auth($request));
        $this->assertSame(['web', 'admin'], array_values(array_unique($asked)));
    }

    public function test_an_encrypted_channel_is_told_its_key(): void
    {
        $this->boot(self::CREDENTIALS + ['options' => ['encryption_master_key_base64' => self::MASTER_KEY]]);
        $this->driver()->channel('test', static fn (): bool => true);

        $this->assertSame([
            'auth' => $this->signature('12.34:private-encrypted-test'),
            'shared_secret' => base64_encode(hash('sha256', 'private-encrypted-test'.base64_decode(self::MASTER_KEY), true)),
        ], $this->authorize('private-encrypted-test', User::make(1)));
    }

    public function test_an_encrypted_channel_without_master_key_names_the_line(): void
    {
        $this->boot();
        $this->driver()->channel('test', static fn (): bool => true);

        $this->expectException(RuntimeException::class);
        $this->expectExceptionMessage('FANFARE_ENCRYPTION_MASTER_KEY');
        $this->authorize('private-encrypted-test', User::make(1));
    }

    public function test_without_credentials_the_lines_are_named(): void
    {
        $this->boot([]);
        $this->driver()->channel('test', static fn (): bool => true);

        $this->expectException(MisconfiguredException::class);
        $this->expectExceptionMessage('FANFARE_APP_ID=..., FANFARE_APP_KEY=..., FANFARE_APP_SECRET=...');
        $this->authorize('private-test', User::make(1));
    }

    public function test_jsonp_only_if_configured(): void
    {
        $request = fn (): Request => $this->request(
            ['channel_name' => 'private-test', 'socket_id' => '1.2', 'callback' => 'go'], User::make(1)
        );

        $this->boot();
        $this->driver()->channel('test', static fn (): bool => true);
        $this->assertIsArray($this->driver()->auth($request()));

        $this->boot(self::CREDENTIALS + ['jsonp' => true]);
        $this->driver()->channel('test', static fn (): bool => true);
        $answer = $this->driver()->auth($request());
        $this->assertInstanceOf(JsonResponse::class, $answer);
        $this->assertStringContainsString('go({"auth":"key-1:', (string) $answer->getContent());
        $this->assertIsArray($this->authorize('private-test', User::make(1)));
    }

    public function test_a_user_signs_in(): void
    {
        $this->boot();
        $this->driver()->resolveAuthenticatedUserUsing(static fn (Request $request): array => [
            'id' => $request->user()?->getAuthIdentifier(), 'user_info' => ['name' => 'Ann'], 'watchlist' => ['8'],
        ]);

        $this->assertSame([
            'auth' => $this->signature('12.34::user::{"id":"7","user_info":{"name":"Ann"},"watchlist":["8"]}'),
            'user_data' => '{"id":"7","user_info":{"name":"Ann"},"watchlist":["8"]}',
        ], $this->driver()->resolveAuthenticatedUser($this->request(['socket_id' => '12.34'], User::make(7))));
    }

    public function test_nobody_signs_in_without_a_resolver_or_a_user(): void
    {
        $this->boot();
        $request = $this->request(['socket_id' => '12.34']);

        $this->assertNull($this->driver()->resolveAuthenticatedUser($request));

        $this->driver()->resolveAuthenticatedUserUsing(static fn (): ?array => null);
        $this->assertNull($this->driver()->resolveAuthenticatedUser($request));
    }

    public function test_the_names_of_channels_are_normalized_as_by_pusher(): void
    {
        $this->boot();

        foreach (['private-a' => 'a', 'presence-a' => 'a', 'private-encrypted-a' => 'a', 'a' => 'a', 'private-private-a' => 'private-a'] as $channel => $name) {
            $this->assertSame($name, $this->driver()->normalizeChannelName($channel));
        }

        $this->assertTrue($this->driver()->isGuardedChannel('private-encrypted-a'));
        $this->assertTrue($this->driver()->isGuardedChannel('presence-a'));
        $this->assertFalse($this->driver()->isGuardedChannel('a'));
    }
}
