<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Tests\Fixtures\OrderShippedNow;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Broadcasting\PresenceChannel;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Console\Events\CommandFinished;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Http\Request;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobTimedOut;
use PHPUnit\Framework\Attributes\DataProvider;
use Symfony\Component\Console\Input\ArrayInput;
use Symfony\Component\Console\Output\NullOutput;

final class PublishingTest extends TestCase
{
    public function test_an_event_goes_out_as_laravel_gives_it(): void
    {
        $this->boot();
        $fake = $this->fake();

        event(new OrderShippedNow(7, ['orders', 'private-orders.7']));

        $this->assertCount(1, $fake->calls());
        $this->assertEquals(
            [new Message(['orders', 'private-orders.7'], OrderShippedNow::class, ['order' => 7])], $fake->calls()[0]
        );
    }

    public function test_the_trace_of_the_request_goes_along(): void
    {
        $app = $this->boot();
        $fake = $this->fake();
        $trace = '0af7651916cd43dd8448eb211c80319c';
        $served = static function (?string $header) use ($app): void {
            $request = Request::create('/');
            $request->headers->set('traceparent', $header);
            $app->instance('request', $request);
        };

        foreach (["00-{$trace}-b7ad6b7169203331-01", "cc-{$trace}-b7ad6b7169203331-01-more", "00-{$trace}-b7ad6b7169203331-01-more",
            "00-{$trace}-0000000000000000-01", "ff-{$trace}-b7ad6b7169203331-01", 'nonsense', null] as $header) {
            $served($header);
            $this->driver()->broadcast(['a'], 'x', []);
        }

        $this->assertSame(
            ["00-{$trace}-b7ad6b7169203331-01", "cc-{$trace}-b7ad6b7169203331-01-more", null, null, null, null, null],
            array_map(static fn (array $call): ?string => $call[0]->traceparent, $fake->calls())
        );
    }

    public function test_an_anonymous_broadcast(): void
    {
        $this->boot();
        $fake = $this->fake();

        $this->manager()->on('a')->as('x')->with(['y' => 1])->sendNow();
        $this->manager()->private('a')->as('x')->with(['y' => 1])->sendNow();

        $fake->assertPublishedOn('a', 'x')->assertPublishedOn('private-a', 'x')->assertPublished('x', 2);
    }

    #[DataProvider('manyChannels')]
    public function test_one_call_whatever_the_number_of_channels(int $count): void
    {
        $this->boot();
        $fake = $this->fake();
        $channels = array_map(static fn (int $i): string => "c{$i}", range(1, $count));

        $this->driver()->broadcast($channels, 'x', ['y' => 1]);

        $this->assertCount(1, $fake->calls());
        $this->assertCount(1, $fake->calls()[0]);
        $this->assertSame($channels, $fake->calls()[0][0]->channels);
    }

    /**
     * @return iterable<array{int}>
     */
    public static function manyChannels(): iterable
    {
        yield from [[1], [100], [101], [10_000]];
    }

    public function test_channels_are_cast_and_named_once(): void
    {
        $this->boot();
        $fake = $this->fake();

        $this->driver()->broadcast(['k' => new PrivateChannel('a'), 'private-a', new PresenceChannel('a'), 'a'], 'x');

        $this->assertSame(['private-a', 'presence-a', 'a'], $fake->calls()[0][0]->channels);
    }

    public function test_no_channel_no_call(): void
    {
        $this->boot();
        $fake = $this->fake();

        $this->driver()->broadcast([], 'x');

        $fake->assertNothingPublished();
    }

    public function test_an_empty_payload_is_what_pusher_sends(): void
    {
        $this->boot();
        $fake = $this->fake();

        $this->driver()->broadcast(['a'], 'x', ['socket' => null]);

        $this->assertSame('[]', $fake->calls()[0][0]->encodedPayload());
    }

    public function test_the_payload_is_the_same_json_as_pushers(): void
    {
        $this->boot();
        $fake = $this->fake();
        $payload = ['u' => "Zoë \u{1F600} /", 'f' => 1.0, 'n' => null, 'list' => [1, [2]], 'map' => ['1' => 'a', '3' => 'b'],
            'o' => (object) [], 'date' => new \DateTimeImmutable('2026-01-02 03:04:05')];

        $this->driver()->broadcast(['a'], 'x', $payload + ['socket' => '1.2']);

        $this->assertEquals(json_decode((string) json_encode($payload)), json_decode($fake->calls()[0][0]->encodedPayload()));
    }

    public function test_the_sender_is_left_out(): void
    {
        $app = $this->boot();
        $fake = $this->fake();
        $request = Request::create('/');
        $request->headers->set('X-Socket-ID', '123.456');
        $app->instance('request', $request);

        broadcast(new OrderShippedNow(1))->toOthers();

        $this->assertSame('123.456', $fake->calls()[0][0]->except);
        $this->assertSame(['order' => 1], $fake->calls()[0][0]->payload);
    }

    #[DataProvider('socketIds')]
    public function test_a_socket_id_that_is_none_counts_as_none(mixed $socket, ?string $except): void
    {
        $this->boot();
        $fake = $this->fake();

        $this->driver()->broadcast(['a'], 'x', ['y' => 1, 'socket' => $socket]);

        $this->assertSame($except, $fake->calls()[0][0]->except);
        $this->assertSame(['y' => 1], $fake->calls()[0][0]->payload);
    }

    /**
     * @return iterable<array{mixed, ?string}>
     */
    public static function socketIds(): iterable
    {
        yield from [['1.2', '1.2'], ['undefined', null], ['', null], [null, null], ['null', null], ["1.2\n", null],
            ['1.2.3', null], [['1.2'], null], [1.2, null]];
    }

    public function test_each_encrypted_channel_has_its_own_text_and_all_go_in_one_call(): void
    {
        $this->boot(self::CREDENTIALS + ['options' => ['encryption_master_key_base64' => self::MASTER_KEY]]);
        $fake = $this->fake();
        $payload = ['text' => "Zoë \u{1F600}"];

        $this->driver()->broadcast(
            ['private-encrypted-a', 'plain', 'private-encrypted-b', 'private-c'], 'x', $payload + ['socket' => '1.2']
        );

        $this->assertCount(1, $fake->calls());
        [$plain, $a, $b] = $fake->calls()[0];
        $this->assertCount(3, $fake->calls()[0]);
        $this->assertSame(['plain', 'private-c'], $plain->channels);
        $this->assertSame($payload, json_decode($plain->encodedPayload(), true));

        foreach (['private-encrypted-a' => $a, 'private-encrypted-b' => $b] as $channel => $message) {
            $this->assertSame([$channel], $message->channels);
            $this->assertSame('1.2', $message->except);
            $this->assertSame($payload, json_decode($this->decrypt($channel, $message), true));
        }

        $this->assertNotSame($a->payload, $b->payload);
    }

    public function test_one_encrypted_channel_is_one_message(): void
    {
        $this->boot(self::CREDENTIALS + ['options' => ['encryption_master_key_base64' => self::MASTER_KEY]]);
        $fake = $this->fake();

        $this->driver()->broadcast(['private-encrypted-a'], 'x', ['y' => 1]);
        $this->driver()->broadcast(['private-encrypted-a'], 'x', ['y' => 1]);

        $this->assertCount(1, $fake->calls()[0]);
        $this->assertSame('{"y":1}', $this->decrypt('private-encrypted-a', $fake->calls()[0][0]));
        $this->assertNotSame($fake->calls()[0][0]->payload, $fake->calls()[1][0]->payload, 'a nonce was used twice');
    }

    public function test_an_encrypted_channel_without_master_key_sends_nothing_at_all(): void
    {
        $this->boot();
        $fake = $this->fake();

        try {
            $this->driver()->broadcast(['plain', 'private-encrypted-a'], 'x', ['y' => 1]);
            $this->fail('It was sent.');
        } catch (BroadcastException $e) {
            $this->assertStringContainsString('FANFARE_ENCRYPTION_MASTER_KEY', $e->getMessage());
        }

        $fake->assertNothingPublished();
    }

    public function test_async_does_not_wait(): void
    {
        $app = $this->boot(self::CREDENTIALS + ['options' => ['mode' => 'async', 'encryption_master_key_base64' => self::MASTER_KEY]]);
        $fake = $this->fake();

        $this->driver()->broadcast(['a', 'b'], 'x');
        $this->driver()->broadcast(['a'], 'y');
        $this->assertSame(2, $fake->unanswered());

        $app->terminate();
        $this->assertSame(0, $fake->unanswered());
        $this->assertCount(2, $fake->calls());
    }

    public function test_a_batch_waits_in_async_as_well_because_it_is_all_or_nothing(): void
    {
        $this->boot(self::CREDENTIALS + ['options' => ['mode' => 'async', 'encryption_master_key_base64' => self::MASTER_KEY]]);
        $fake = $this->fake();

        $this->driver()->broadcast(['a', 'private-encrypted-b'], 'x');

        $this->assertSame(0, $fake->unanswered());
        $this->assertCount(2, $fake->calls()[0]);
    }

    #[DataProvider('endings')]
    public function test_async_answers_are_collected_at_every_end(string $event): void
    {
        $app = $this->boot(self::CREDENTIALS + ['options' => ['mode' => 'async']]);
        $fake = $this->fake();

        $this->driver()->broadcast(['a'], 'x');
        $app->make('events')->dispatch($this->ending($event));

        $this->assertSame(0, $fake->unanswered());
    }

    #[DataProvider('endings')]
    public function test_a_connection_that_is_configured_after_the_boot_is_collected_as_well(string $event): void
    {
        $app = $this->boot();
        $app->make('config')->set('broadcasting.connections.tenant', [
            'driver' => 'fanfare', 'options' => ['mode' => 'async'],
        ] + self::CREDENTIALS);
        $fake = $this->fake();

        $this->driver('tenant')->broadcast(['a'], 'x');
        $this->assertSame(1, $fake->unanswered());
        $app->make('events')->dispatch($this->ending($event));
        $this->assertSame(0, $fake->unanswered());

        $this->driver('tenant')->broadcast(['a'], 'x');
        $app->terminate();
        $this->assertSame(0, $fake->unanswered());
    }

    /**
     * @return iterable<array{string}>
     */
    public static function endings(): iterable
    {
        yield from [
            [JobProcessed::class],
            [JobExceptionOccurred::class],
            [JobTimedOut::class],
            [CommandFinished::class],
            ['Laravel\Octane\Events\RequestTerminated'],
            ['Laravel\Octane\Events\TaskTerminated'],
            ['Laravel\Octane\Events\TickTerminated'],
        ];
    }

    private function ending(string $event): object|string
    {
        $job = $this->createStub(Job::class);

        return match ($event) {
            JobProcessed::class => new JobProcessed('sync', $job),
            JobExceptionOccurred::class => new JobExceptionOccurred('sync', $job, new \RuntimeException),
            JobTimedOut::class => new JobTimedOut('sync', $job),
            CommandFinished::class => new CommandFinished('inspire', new ArrayInput([]), new NullOutput, 0),
            default => $event,
        };
    }

    public function test_what_went_wrong_in_async_is_logged_at_the_end(): void
    {
        $app = $this->boot(self::CREDENTIALS + ['options' => ['mode' => 'async']]);
        $this->fake()->failOnFlush('1 broadcasts refused, 0 without an answer: no such app');

        $this->driver()->broadcast(['a'], 'x');
        $app->terminate();

        $this->assertTrue($this->log()->hasErrorThatContains('1 broadcasts refused, 0 without an answer: no such app'));
    }

    public function test_an_end_without_broadcasts_asks_nobody(): void
    {
        $app = $this->boot(self::CREDENTIALS + ['options' => ['mode' => 'async']]);
        $this->fake()->failOnFlush('asked');

        $app->terminate();

        $this->assertSame([], $this->log()->getRecords());
    }

    public function test_without_failure_policy_no_message_has_a_key(): void
    {
        $this->boot();
        $fake = $this->fake();

        $this->driver()->broadcast(['a'], 'x');

        $this->assertNull($fake->calls()[0][0]->key);
    }

    private function decrypt(string $channel, Message $message): string
    {
        $sealed = json_decode($message->encodedPayload(), true);
        $this->assertSame(['nonce', 'ciphertext'], array_keys($sealed));

        $text = sodium_crypto_secretbox_open(
            base64_decode($sealed['ciphertext']), base64_decode($sealed['nonce']),
            hash('sha256', $channel.base64_decode(self::MASTER_KEY), true)
        );
        $this->assertIsString($text);

        return $text;
    }
}
