<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Daemon;

use Fanfare\Laravel\Compat\SdkPusher;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Tests\Fixtures\User;
use Fanfare\Laravel\Tests\TestCase;
use GuzzleHttp\Promise\PromiseInterface;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Group;
use Pusher\ApiErrorException;
use Pusher\Pusher;
use Pusher\PusherException;
use Throwable;

/**
 * getPusher() over the socket beside Pusher's SDK over HTTP, to the same daemon: the same calls, result by result.
 */
#[Group('daemon')]
final class PusherSdkTest extends TestCase
{
    private static ?Daemon $daemon = null;

    private Pusher $sdk;

    private SdkPusher $ours;

    /** @var list<Subscriber> for all tests: who is on which channel does not change */
    private static array $present = [];

    public static function tearDownAfterClass(): void
    {
        self::$present = [];
        self::$daemon?->remove();
        self::$daemon = null;
    }

    protected function setUp(): void
    {
        $executable = getenv('FANFARED');

        if (! extension_loaded('fanfare') || ! is_string($executable) || ! is_executable($executable)) {
            $this->markTestSkipped('needs the extension and $FANFARED');
        }

        self::$daemon ??= new Daemon($executable);
        $this->boot(self::CREDENTIALS + ['options' => [
            'socket' => self::$daemon->socket, 'host' => '127.0.0.1', 'port' => self::$daemon->port, 'scheme' => 'http',
            'encryption_master_key_base64' => self::MASTER_KEY,
        ]]);
        $this->sdk = new Pusher('key-1', 'secret-of-app-1', 'app-1', [
            'host' => '127.0.0.1', 'port' => self::$daemon->port, 'scheme' => 'http', 'useTLS' => false,
            'encryption_master_key_base64' => self::MASTER_KEY,
        ]);
        $ours = $this->driver()->getPusher();
        $this->assertInstanceOf(SdkPusher::class, $ours);
        $this->ours = $ours;
        $this->driver()->channel('{any}', static fn (User $user): array => ['name' => 'user '.$user->getAuthIdentifier()]);
        if (self::$present === []) {
            self::$present = [
                $this->subscriber(['plain', 'presence-room', 'private-x', 'cache-news'], 7),
                $this->subscriber(['plain', 'presence-room', 'presence-cache-room'], 8),
            ];
        }
    }

    /**
     * @param  list<string>  $channels
     */
    private function subscriber(array $channels, int $user): Subscriber
    {
        $subscriber = new Subscriber((int) self::$daemon?->port, 'key-1');

        foreach ($channels as $channel) {
            $subscriber->subscribe($channel, $this->driver()->isGuardedChannel($channel) ? (array) $this->driver()->auth($this->request(
                ['channel_name' => $channel, 'socket_id' => $subscriber->socketId], User::make($user)
            )) : []);
        }

        return $subscriber;
    }

    /**
     * @param  list<mixed>  $arguments
     * @return array{mixed, ?Throwable}
     */
    private static function call(Pusher $pusher, string $method, array $arguments): array
    {
        try {
            $result = $pusher->{$method}(...$arguments);

            return [$result instanceof PromiseInterface ? $result->wait() : $result, null];
        } catch (Throwable $e) {
            return [null, $e];
        }
    }

    /**
     * What the order of members and of channels says is nothing.
     */
    private static function sorted(mixed $result): mixed
    {
        if (! is_object($result) && ! is_array($result)) {
            return $result;
        }

        $values = array_map(self::sorted(...), (array) $result);
        array_is_list($values) ? sort($values) : ksort($values);

        return is_object($result) ? (object) $values : $values;
    }

    /**
     * @param  list<mixed>  $arguments
     */
    #[DataProvider('calls')]
    public function test_the_same_result(string $method, array $arguments): void
    {
        $theirs = self::call($this->sdk, $method, $arguments);
        $ours = self::call($this->ours, $method, $arguments);

        $this->assertNull($theirs[1], (string) $theirs[1]);
        $this->assertNull($ours[1], (string) $ours[1]);
        $this->assertEquals(self::sorted($theirs[0]), self::sorted($ours[0]));
        $this->assertSame(get_debug_type($theirs[0]), get_debug_type($ours[0]));
        if (is_object($theirs[0])) {
            $this->assertSame(array_map(get_debug_type(...), get_object_vars($theirs[0])), array_map(get_debug_type(...), get_object_vars($ours[0])));
        }
    }

    /**
     * @return iterable<string, array{string, list<mixed>}>
     */
    public static function calls(): iterable
    {
        $calls = [
            ['trigger', ['plain', 'App\\E', ['n' => 1]]],
            ['trigger', [['plain', 'other', 'plain'], 'E', 'text', ['socket_id' => '1.2']]],
            ['trigger', ['plain', 'E', '{"a": 1.0}', [], true]],
            ['trigger', ['plain', 'E', null]],
            ['trigger', ['plain', 'E', ['x' => 1], [], true]],
            ['trigger', [['a' => 'plain', 'b' => 'other'], 'E', 1]],
            ['trigger', [['plain', 'presence-room', 'nobody'], 'E', 1, ['info' => 'subscription_count,user_count']]],
            ['trigger', [['plain', 'presence-room'], 'E', 1, ['info' => 'user_count']]],
            ['trigger', ['plain', 'E', 1, ['info' => 'nonsense']]],
            ['trigger', ['plain', 'E', 1, ['info' => '']]],
            ['triggerAsync', ['plain', 'E', 1]],
            ['triggerAsync', [['plain'], 'E', 1, ['info' => 'subscription_count']]],
            ['triggerBatch', [[['channel' => 'plain', 'name' => 'A', 'data' => 1], ['channel' => 'presence-room', 'name' => 'B', 'data' => ['x'], 'socket_id' => '1.2']]]],
            ['triggerBatch', [[['channel' => 'plain', 'name' => 'A', 'data' => 1, 'info' => 'subscription_count'], ['channel' => 'plain', 'name' => 'B', 'data' => 2], ['channel' => 'presence-room', 'name' => 'C', 'data' => 3, 'info' => 'user_count']]]],
            ['triggerBatch', [[['channel' => 'plain', 'name' => 'A', 'data' => '{"x":1}']], true]],
            ['triggerBatchAsync', [[['channel' => 'plain', 'name' => 'A', 'data' => 1]]]],
            ['sendToUser', ['7', 'E', ['n' => 1]]],
            ['sendToUserAsync', ['7', 'E', '"x"', true]],
            ['terminateUserConnections', ['nobody']],
            ['terminateUserConnectionsAsync', ['nobody']],
            ['getChannels', []],
            ['getChannels', [['filter_by_prefix' => 'presence-', 'info' => 'user_count']]],
            ['getChannels', [['info' => 'subscription_count']]],
            ['getChannels', [['filter_by_prefix' => 'nothing']]],
            ['get_channels', [['filter_by_prefix' => 'plain']]],
            ['getChannelInfo', ['plain']],
            ['getChannelInfo', ['plain', ['info' => 'subscription_count']]],
            ['getChannelInfo', ['plain', ['info' => 'user_count,cache']]],
            ['getChannelInfo', ['presence-room', ['info' => 'user_count,subscription_count']]],
            ['getChannelInfo', ['nobody', ['info' => 'subscription_count']]],
            ['getChannelInfo', ['presence-nobody', ['info' => 'user_count']]],
            ['getChannelInfo', ['cache-empty', ['info' => 'cache']]],
            ['get_channel_info', ['plain']],
            ['getPresenceUsers', ['presence-room']],
            ['getPresenceUsers', ['presence-nobody']],
            ['get_users_info', ['presence-room']],
            ['get', ['/channels']],
            ['get', ['/channels', [], true]],
            ['get', ['/channels', ['filter_by_prefix' => 'nothing']]],
            ['get', ['/channels/presence-room/users', [], true]],
            ['get', ['/channels/plain', ['info' => 'subscription_count']]],
            ['authorizeChannel', ['private-x', '1.2']],
            ['authorizeChannel', ['private-x', '1.2', '{"a":"b/c"}']],
            ['authorizeChannel', ['private-encrypted-x', '1.2']],
            ['socketAuth', ['private-x', '1.2']],
            ['socket_auth', ['private-x', '1.2']],
            ['authorizePresenceChannel', ['presence-x', '1.2', '7', ['name' => 'Zoë "Z"', 'url' => 'https://a/b']]],
            ['authorizePresenceChannel', ['presence-x', '1.2', '7']],
            ['authorizePresenceChannel', ['presence-x', '1.2', '7', []]],
            ['presenceAuth', ['presence-x', '1.2', '7']],
            ['presence_auth', ['presence-x', '1.2', '7', 'x']],
            ['authenticateUser', ['1.2', ['id' => '7', 'user_info' => ['name' => 'Zoë / "Z"'], 'watchlist' => ['8']]]],
            ['authenticateUser', ['1.2', ['id' => 7]]],
        ];

        foreach ($calls as $at => $call) {
            yield "{$at} {$call[0]} ".substr((string) json_encode($call[1]), 0, 80) => $call;
        }
    }

    public function test_the_number_of_connections_which_reverb_answers_as_well(): void
    {
        $this->assertEquals($this->sdk->get('/connections'), $this->ours->get('/connections'));
    }

    public function test_the_last_event_of_a_cache_channel(): void
    {
        $this->ours->trigger('cache-last', 'E', ['n' => 1]);

        $theirs = $this->sdk->getChannelInfo('cache-last', ['info' => 'cache']);
        $ours = $this->ours->getChannelInfo('cache-last', ['info' => 'cache']);

        $this->assertEqualsWithDelta($theirs->cache->ttl, $ours->cache->ttl, 1);
        $ours->cache->ttl = $theirs->cache->ttl;
        $this->assertEquals($theirs, $ours);
    }

    public function test_clients_hear_the_same(): void
    {
        [$first, $second] = [$this->subscriber(['heard', 'private-heard'], 1), $this->subscriber(['heard'], 2)];

        foreach ([[['a' => 'é/"'], false], ['text', false], ['{"a": 1.0}', true], [null, false], [1.0, false]] as [$data, $encoded]) {
            $texts = [];
            foreach ([$this->sdk, $this->ours] as $pusher) {
                $pusher->trigger('heard', 'E', $data, ['socket_id' => $second->socketId], $encoded);
                $texts[] = $first->next('E');
            }
            $this->assertSame($texts[0], $texts[1]);
        }

        foreach ([$this->sdk, $this->ours] as $pusher) {
            $pusher->triggerBatch([['channel' => 'heard', 'name' => 'A', 'data' => 1], ['channel' => 'private-heard', 'name' => 'B', 'data' => 2]]);
            $this->assertSame('1', $first->next('A')['data']);
            $this->assertSame('2', $first->next('B')['data']);
            // What was for the first alone did not come to the second.
            $this->assertSame('1', $second->next('A')['data']);
        }
    }

    public function test_users_sign_in_are_spoken_to_and_sent_away(): void
    {
        foreach ([$this->sdk, $this->ours] as $pusher) {
            $user = new Subscriber((int) self::$daemon?->port, 'key-1');
            $user->signIn(json_decode($pusher->authenticateUser($user->socketId, ['id' => 'ann@example.com']), true));
            $pusher->sendToUser('ann@example.com', 'Hello', ['n' => 1]);
            $this->assertSame('{"n":1}', $user->next('Hello')['data']);
            $pusher->terminateUserConnections('ann@example.com');
            $user->next('pusher:error');
        }
    }

    public function test_an_encrypted_channel(): void
    {
        $channel = 'private-encrypted-x';
        $texts = [];

        foreach ([$this->sdk, $this->ours] as $pusher) {
            $subscriber = new Subscriber((int) self::$daemon?->port, 'key-1');
            $answer = json_decode($pusher->authorizeChannel($channel, $subscriber->socketId), true);
            $subscriber->subscribe($channel, $answer);
            $pusher->trigger($channel, 'E', ['a' => '/']);
            $sealed = json_decode($subscriber->next('E')['data'], true);
            $texts[] = sodium_crypto_secretbox_open(base64_decode($sealed['ciphertext']), base64_decode($sealed['nonce']), base64_decode($answer['shared_secret']));
        }

        $this->assertSame(['{"a":"\/"}', '{"a":"\/"}'], $texts);
    }

    /**
     * @param  list<mixed>  $arguments
     */
    #[DataProvider('refusals')]
    public function test_the_same_refusal(string $method, array $arguments): void
    {
        $theirs = self::call($this->sdk, $method, $arguments)[1];
        $ours = self::call($this->ours, $method, $arguments)[1];

        $this->assertInstanceOf(PusherException::class, $theirs);
        $this->assertInstanceOf(PusherException::class, $ours);
        $this->assertSame([$theirs::class, $theirs->getCode()], [$ours::class, $ours->getCode()], $theirs->getMessage()."\n".$ours->getMessage());
        if ($ours instanceof ApiErrorException) {
            $this->assertInstanceOf(PublishException::class, $ours->getPrevious());
        } else {
            $this->assertSame($theirs->getMessage(), $ours->getMessage());
        }
    }

    /**
     * @return iterable<string, array{string, list<mixed>}>
     */
    public static function refusals(): iterable
    {
        $calls = [
            ['trigger', ['a b', 'E', 1]],
            ['trigger', [['plain', ''], 'E', 1]],
            ['trigger', ['plain', 'E', "\xff"]],
            ['trigger', ['plain', 'E', "\xff", [], true]],
            ['trigger', ['plain', "\xff", 1]],
            ['trigger', ['plain', 'E', 1, ['socket_id' => 'undefined']]],
            ['trigger', ['plain', 'E', 1, ['socket_id' => '1.2:x']]],
            ['trigger', ['plain', 'pusher:x', 1]],
            ['trigger', ['plain', str_repeat('e', 201), 1]],
            ['trigger', [str_repeat('c', 201), 'E', 1]],
            ['trigger', ['plain', 'E', str_repeat('x', 200_000)]],
            ['triggerAsync', ['a b', 'E', 1]],
            ['triggerAsync', ['plain', 'pusher:x', 1]],
            ['triggerBatch', [[['channel' => 'a b', 'name' => 'E', 'data' => 1]]]],
            ['triggerBatch', [[['channel' => 'plain', 'name' => 'E', 'data' => 1], ['channel' => 'plain', 'name' => 'pusher:x', 'data' => 1]]]],
            ['triggerBatch', [[['channel' => 'plain', 'name' => 'E', 'data' => "\xff"]]]],
            ['sendToUser', ['', 'E', 1]],
            ['terminateUserConnections', ['']],
            ['terminateUserConnections', [str_repeat('u', 200)]],
            ['getChannelInfo', ['a b']],
            ['getPresenceUsers', ['plain']],
            ['authorizeChannel', ['a b', '1.2']],
            ['authorizeChannel', ['private-x', 'undefined']],
            ['authorizePresenceChannel', ['presence-x', '', '7']],
            ['authorizePresenceChannel', ['presence-x', '1.2', '7', "\xff"]],
            ['authenticateUser', ['1.2', []]],
            ['authenticateUser', ['1.2', ['id' => '']]],
            ['authenticateUser', ['x', ['id' => '7']]],
            ['webhook', [['X-Pusher-Key' => 'key-1', 'X-Pusher-Signature' => 'x'], '{}']],
        ];

        foreach ($calls as $at => $call) {
            yield "{$at} {$call[0]} ".substr((string) json_encode($call[1], JSON_PARTIAL_OUTPUT_ON_ERROR), 0, 80) => $call;
        }
    }

    public function test_nothing_of_a_batch_that_is_refused_arrives(): void
    {
        $subscriber = $this->subscriber(['refused'], 1);
        [, $e] = self::call($this->ours, 'triggerBatch', [[['channel' => 'refused', 'name' => 'A', 'data' => 1], ['channel' => 'plain', 'name' => 'pusher:x', 'data' => 1]]]);
        $this->assertInstanceOf(ApiErrorException::class, $e);
        $this->ours->trigger('refused', 'after', 1);
        $subscriber->next('after');
    }

    public function test_a_daemon_that_is_away_is_an_answer_without_status(): void
    {
        $daemon = new Daemon((string) getenv('FANFARED'));
        $this->boot(self::CREDENTIALS + ['options' => ['socket' => $daemon->socket, 'timeout' => 0.1]]);
        $daemon->remove();

        [, $e] = self::call($this->driver()->getPusher(), 'trigger', ['plain', 'E', 1]);

        $this->assertInstanceOf(ApiErrorException::class, $e);
        $this->assertSame(0, $e->getCode());
        [, $e] = self::call($this->driver()->getPusher(), 'getChannels', []);
        $this->assertInstanceOf(ApiErrorException::class, $e);
    }

    public function test_an_application_that_the_daemon_does_not_know(): void
    {
        foreach ([['app_id' => 'nobody'], ['secret' => 'another']] as $change) {
            $this->boot($change + self::CREDENTIALS + ['options' => ['socket' => self::$daemon?->socket]]);
            [, $ours] = self::call($this->driver()->getPusher(), 'trigger', ['plain', 'E', 1]);
            $theirs = new Pusher('key-1', $change['secret'] ?? 'secret-of-app-1', $change['app_id'] ?? 'app-1', [
                'host' => '127.0.0.1', 'port' => self::$daemon?->port, 'scheme' => 'http', 'useTLS' => false,
            ]);
            [, $theirs] = self::call($theirs, 'trigger', ['plain', 'E', 1]);
            $this->assertSame([$theirs !== null ? $theirs::class : null, $theirs?->getCode()], [$ours !== null ? $ours::class : null, $ours?->getCode()]);
        }
    }
}
