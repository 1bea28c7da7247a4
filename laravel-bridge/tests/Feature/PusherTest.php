<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use BadMethodCallException;
use Fanfare\Laravel\Broadcasting\ChannelCipher;
use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Compat\PusherCalls;
use Fanfare\Laravel\Compat\SdkPusher;
use Fanfare\Laravel\Compat\SocketPusher;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Tests\TestCase;
use PHPUnit\Framework\Attributes\DataProvider;
use Pusher\ApiErrorException;
use Pusher\Pusher;
use Pusher\PusherException;
use ReflectionClass;
use ReflectionMethod;

/**
 * getPusher() where no daemon is needed; beside the SDK and a daemon: Daemon\PusherSdkTest.
 */
final class PusherTest extends TestCase
{
    private const OPTIONS = ['options' => ['encryption_master_key_base64' => self::MASTER_KEY, 'host' => 'ws.example', 'port' => 443, 'scheme' => 'https']];

    private function pusher(): SdkPusher|SocketPusher
    {
        return $this->driver()->getPusher();
    }

    public function test_with_the_sdk_it_is_one_and_none_of_its_methods_is_the_sdks(): void
    {
        $this->boot();
        $pusher = $this->pusher();

        $this->assertInstanceOf(Pusher::class, $pusher);
        $this->assertSame($pusher, $this->pusher());
        $own = array_map(static fn (ReflectionMethod $method): string => $method->getName(), (new ReflectionClass(PusherCalls::class))->getMethods());
        $all = array_filter((new ReflectionClass(Pusher::class))->getMethods(ReflectionMethod::IS_PUBLIC), static fn (ReflectionMethod $method): bool => ! $method->isStatic());
        $this->assertSame([], array_values(array_diff(array_map(static fn (ReflectionMethod $method): string => $method->getName(), $all), $own)));
        $this->assertStringNotContainsString(self::CREDENTIALS['secret'], print_r($pusher, true));
    }

    public function test_calls_become_messages(): void
    {
        $this->boot(self::CREDENTIALS + self::OPTIONS);
        $fake = $this->fake();

        $this->assertEquals((object) [], $this->pusher()->trigger(['a', 'b'], 'E', ['x' => '/'], ['socket_id' => '1.2']));
        $this->pusher()->triggerBatch([['channel' => 'a', 'name' => 'E', 'data' => '1'], ['channel' => 'b', 'name' => 'F', 'data' => 2, 'socket_id' => '1.2']]);
        $this->pusher()->triggerBatch([]);
        $this->pusher()->sendToUser('7', 'E', 1);
        $this->pusher()->terminateUserConnections('7');

        $this->assertEquals([
            [new Message(['a', 'b'], 'E', '{"x":"\/"}', '1.2')],
            [new Message(['a'], 'E', '"1"'), new Message(['b'], 'F', '2', '1.2')],
            [new Message(['#server-to-user-7'], 'E', '1')],
        ], $fake->calls());
        $fake->assertUserTerminated('7');
    }

    public function test_more_than_the_sdk_can(): void
    {
        $this->boot(self::CREDENTIALS + self::OPTIONS);
        $fake = $this->fake();

        // Encrypted channels among others, each with its own key; more than a hundred channels.
        $this->pusher()->trigger(['plain', 'private-encrypted-a', 'private-encrypted-b'], 'E', 1);
        $this->pusher()->trigger(array_map(static fn (int $i): string => "c{$i}", range(1, 150)), 'E', 1);

        [$call, $many] = $fake->calls();
        $this->assertSame([['plain'], ['private-encrypted-a'], ['private-encrypted-b']], array_map(static fn (Message $message): array => $message->channels, $call));
        $connection = Connection::fromConfig(self::CREDENTIALS + self::OPTIONS);
        foreach (array_slice($call, 1) as $message) {
            $this->assertSame('1', ChannelCipher::decrypt($connection, $message->channels[0], $message->encodedPayload()));
        }
        $this->assertCount(150, $many[0]->channels);
    }

    public function test_questions_have_the_shapes_of_the_sdk(): void
    {
        $this->boot();
        $this->fake()->withChannel(new Channel('a', true, 2))->withMembers('presence-r', new Member('7'), new Member('8'))->withConnectionCount(3);
        $pusher = $this->pusher();

        $this->assertEquals((object) ['channels' => ['a' => (object) [], 'presence-r' => (object) []]], $pusher->getChannels());
        $this->assertEquals((object) ['channels' => ['presence-r' => (object) ['user_count' => 2]]], $pusher->getChannels(['filter_by_prefix' => 'presence-', 'info' => 'user_count']));
        $this->assertEquals((object) ['occupied' => true, 'subscription_count' => 2], $pusher->getChannelInfo('a', ['info' => 'subscription_count']));
        $this->assertEquals((object) ['users' => [(object) ['id' => '7'], (object) ['id' => '8']]], $pusher->getPresenceUsers('presence-r'));
        $this->assertSame(['connections' => 3], $pusher->get('/connections', [], true));
    }

    public function test_settings(): void
    {
        $this->boot(self::CREDENTIALS + self::OPTIONS);

        $settings = $this->pusher()->getSettings();
        $this->assertSame(['key-1', 'secret-of-app-1', 'app-1', '/apps/app-1'], [$settings['auth_key'], $settings['secret'], $settings['app_id'], $settings['base_path']]);
        $this->assertSame(['ws.example', '443', 'https'], [$settings['host'], $settings['port'], $settings['scheme']]);
        $sdk = array_keys((new Pusher('k', 's', 'a'))->getSettings());
        $this->assertSame([], array_diff($sdk, array_keys($settings)));
    }

    /**
     * @return iterable<array{string, list<mixed>, string}>
     */
    public static function others(): iterable
    {
        yield ['post', ['/events', '{}'], 'trigger(), triggerBatch(), sendToUser() or terminateUserConnections()'];
        yield ['postAsync', ['/events', '{}'], 'trigger()'];
        yield ['make_request', ['a', 'E', 1], 'use trigger()'];
        yield ['make_batch_request', [], 'use triggerBatch()'];
        yield ['get', ['/nothing'], 'Fanfare::channels()'];
        yield ['notify', [], 'Fanfare::sendToUser()'];
    }

    /**
     * @param  list<mixed>  $arguments
     */
    #[DataProvider('others')]
    public function test_anything_else_throws_and_names_what_there_is_instead(string $method, array $arguments, string $instead): void
    {
        $this->boot();
        $fake = $this->fake();

        try {
            $this->pusher()->{$method}(...$arguments);
            $this->fail('no exception');
        } catch (BadMethodCallException $e) {
            $this->assertStringContainsString("getPusher()->{$method}(", $e->getMessage());
            $this->assertStringContainsString($instead, $e->getMessage());
        }
        $fake->assertNothingPublished();
    }

    public function test_an_sdk_cannot_be_put_in_its_place(): void
    {
        $this->boot();

        $this->expectException(BadMethodCallException::class);
        $this->expectExceptionMessage('Broadcast::connection(');
        $this->driver()->setPusher(new Pusher('k', 's', 'a'));
    }

    public function test_failures_are_thrown_whatever_on_failure_says(): void
    {
        foreach (['log', 'queue', 'throw'] as $on) {
            $this->boot(self::CREDENTIALS + ['options' => ['on_failure' => $on]]);
            $this->fake()->failWith('no daemon');

            foreach (['trigger' => ['a', 'E', 1], 'triggerBatch' => [[['channel' => 'a', 'name' => 'E', 'data' => 1]]], 'sendToUser' => ['7', 'E', 1],
                'getChannels' => [], 'terminateUserConnections' => ['7']] as $method => $arguments) {
                try {
                    $this->pusher()->{$method}(...$arguments);
                    $this->fail('no exception');
                } catch (ApiErrorException $e) {
                    $this->assertSame('Fanfare: no daemon', $e->getMessage());
                    $this->assertSame(0, $e->getCode());
                }
            }
            $this->expectsRejection();
        }
    }

    private function expectsRejection(): void
    {
        $promise = $this->pusher()->triggerAsync('a', 'E', 1);
        $this->assertSame('rejected', $promise->getState());
        $this->assertInstanceOf(ApiErrorException::class, $promise->then(null, static fn (mixed $reason): mixed => $reason)->wait());
    }

    public function test_what_is_missing_is_named(): void
    {
        $this->boot(['key' => 'key-1']);
        $calls = ['trigger' => ['a', 'E', 1], 'getChannels' => [], 'authorizeChannel' => ['private-a', '1.2'], 'getSettings' => [],
            'webhook' => [[], '{}'], 'authenticateUser' => ['1.2', ['id' => '1']]];

        foreach ($calls as $method => $arguments) {
            try {
                $this->pusher()->{$method}(...$arguments);
                $this->fail('no exception');
            } catch (PusherException $e) {
                $this->assertNotInstanceOf(ApiErrorException::class, $e);
                $this->assertStringContainsString('FANFARE_APP_SECRET=...', $e->getMessage());
            }
        }

        $this->boot();
        $this->expectException(PusherException::class);
        $this->expectExceptionMessage('FANFARE_ENCRYPTION_MASTER_KEY');
        $this->pusher()->trigger('private-encrypted-a', 'E', 1);
    }

    /**
     * @return iterable<array{array<array-key, mixed>}>
     */
    public static function incomplete(): iterable
    {
        yield from [[['name' => 'E', 'data' => 1]], [['channel' => 'a', 'data' => 1]], [['channel' => 'a', 'name' => 'E']], [['channel' => 'a', 'name' => 1, 'data' => 1]]];
    }

    /**
     * @param  array<array-key, mixed>  $item
     */
    #[DataProvider('incomplete')]
    public function test_an_event_of_a_batch_that_lacks_something(array $item): void
    {
        $this->boot();
        $fake = $this->fake();

        try {
            $this->pusher()->triggerBatch([['channel' => 'a', 'name' => 'E', 'data' => 1], $item]);
            $this->fail('no exception');
        } catch (PusherException $e) {
            $this->assertMatchesRegularExpression('/event 1 of the batch/', $e->getMessage());
        }
        $fake->assertNothingPublished();
    }

    public function test_webhooks(): void
    {
        $this->boot(self::CREDENTIALS + self::OPTIONS);
        $sealed = ChannelCipher::encrypt(Connection::fromConfig(self::CREDENTIALS + self::OPTIONS), 'private-encrypted-a', '{"x":1}');
        $body = (string) json_encode(['time_ms' => 1_700_000_000_000, 'events' => [
            ['name' => 'channel_occupied', 'channel' => 'private-encrypted-a'],
            ['name' => 'client_event', 'channel' => 'private-encrypted-a', 'event' => 'client-x', 'data' => $sealed],
            ['name' => 'client_event', 'channel' => 'private-b', 'event' => 'client-y', 'data' => '{"y":1}', 'socket_id' => '1.2'],
        ]]);
        $signature = hash_hmac('sha256', $body, self::CREDENTIALS['secret']);

        foreach ([
            ['X-Pusher-Key' => 'key-1', 'X-Pusher-Signature' => $signature],
            ['x-pusher-key' => ['key-1'], 'x-pusher-signature' => [$signature]],
        ] as $headers) {
            $webhook = $this->pusher()->webhook($headers, $body);
            $this->assertInstanceOf(\Pusher\Webhook::class, $webhook);
            $this->assertSame(1_700_000_000_000, $webhook->get_time_ms());
            $this->assertSame([null, '{"x":1}', '{"y":1}'], array_map(static fn (object $event): ?string => $event->data ?? null, $webhook->get_events()));
            $this->pusher()->ensure_valid_signature($headers, $body);
        }

        $theirs = (new Pusher('key-1', 'secret-of-app-1', 'app-1'))->webhook(
            ['X-Pusher-Key' => 'key-1', 'X-Pusher-Signature' => $signature], $body
        );
        $this->boot();
        $this->assertEquals(
            $theirs->get_events()[0], $this->pusher()->webhook(['X-Pusher-Key' => 'key-1', 'X-Pusher-Signature' => $signature], $body)->get_events()[1],
            'without a master key what is encrypted is left out'
        );
        foreach ([[$headers, $body.' '], [[], $body], [['x-pusher-key' => 'key-2'] + $headers, $body]] as [$wrong, $text]) {
            try {
                $this->pusher()->webhook($wrong, $text);
                $this->fail('no exception');
            } catch (PusherException $e) {
                $this->assertStringStartsWith('Received WebHook with invalid signature', $e->getMessage());
            }
        }
    }

    public function test_without_the_sdk(): void
    {
        $this->skeleton()->write('pusher.php', <<<'PHP'
            <?php
            $loader = require __DIR__.'/vendor/autoload.php';
            $loader->setPsr4('Pusher\\', []);
            // An optimized autoloader knows each class.
            (function () { $this->classMap = array_filter($this->classMap, fn ($class) => ! str_starts_with($class, 'Pusher\\'), ARRAY_FILTER_USE_KEY); })->call($loader);
            $app = require __DIR__.'/bootstrap/app.php';
            $app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();
            $fake = Fanfare\Laravel\Facades\Fanfare::fake();
            $pusher = Illuminate\Support\Facades\Broadcast::driver('fanfare')->getPusher();
            $said = [class_exists(Pusher\Pusher::class), $pusher::class];
            $pusher->trigger('a', 'E', 1);
            $said[] = count($fake->calls());
            $body = '{"time_ms":1,"events":[]}';
            $said[] = $pusher->webhook(['X-Pusher-Key' => 'key', 'X-Pusher-Signature' => hash_hmac('sha256', $body, 'secret')], $body)::class;
            foreach ([['trigger', ['a b', 'E', 1]], ['trigger', ['private-encrypted-a', 'E', 1]], ['post', ['/x', '']]] as [$method, $arguments]) {
                try { $pusher->{$method}(...$arguments); } catch (Throwable $e) { $said[] = $e::class; }
            }
            $fake->failWith('no daemon');
            try { $pusher->trigger('a', 'E', 1); } catch (Throwable $e) { $said[] = $e::class; }
            echo json_encode($said);
            PHP);

        $process = $this->skeleton()->php(['pusher.php'], ['FANFARE_APP_ID' => 'a', 'FANFARE_APP_KEY' => 'key', 'FANFARE_APP_SECRET' => 'secret']);

        $this->assertSame([
            false, 'Fanfare\Laravel\Compat\SocketPusher', 1, 'Fanfare\Laravel\Compat\Webhook', 'InvalidArgumentException',
            'Fanfare\Laravel\Exceptions\MisconfiguredException', 'BadMethodCallException', 'Fanfare\Laravel\Exceptions\PublishException',
        ], json_decode($process->getOutput(), true), $process->getOutput().$process->getErrorOutput());
    }
}
