<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Laravel;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Testing\FanfareFake;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\PresenceChannel;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Foundation\Application;
use Illuminate\Notifications\Events\BroadcastNotificationCreated;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;
use PHPUnit\Framework\Attributes\DataProvider;

require_once __DIR__.'/fixtures.php';

/**
 * What Laravel broadcasts without an event of the application's, through our driver: as its own tests of anonymous events, of
 * notifications and of models have it.
 */
final class MessagesTest extends TestCase
{
    private FanfareFake $fanfare;

    private Application $application;

    protected function setUp(): void
    {
        $this->application = $this->bootWithQueue(self::CREDENTIALS, ['broadcasting' => ['connections' => ['null' => ['driver' => 'null']]]]);
        $this->fanfare = $this->fake();
        Schema::create('articles', static function (Blueprint $table): void {
            $table->id();
            $table->string('title');
            $table->softDeletes();
        });
        // A worker asks for the models of a job.
        Schema::create('readers', static function (Blueprint $table): void {
            $table->id();
        });
        DB::table('readers')->insert(['id' => 7]);
    }

    /**
     * What is in the queue, worked on until nothing is left.
     */
    private function drain(string $queue = 'default'): void
    {
        while (DB::table('jobs')->where('queue', $queue)->exists()) {
            $this->work($this->application, $queue);
        }
    }

    /**
     * @return list<array{list<string>, string, array<string, mixed>}>
     */
    private function said(): array
    {
        return array_map(static fn (Message $message): array => [
            $message->channels, $message->event, array_diff_key(json_decode($message->encodedPayload(), true), ['socket' => 1]),
        ], $this->fanfare->published());
    }

    public function test_an_anonymous_event_is_queued_or_sent_at_once(): void
    {
        Broadcast::on('a')->as('x')->with(['n' => 1])->send();
        $this->fanfare->assertNothingPublished();
        $this->drain();
        Broadcast::on('a')->as('y')->with(['n' => 2])->sendNow();

        $this->assertSame([[['a'], 'x', ['n' => 1]], [['a'], 'y', ['n' => 2]]], $this->said());
    }

    public function test_its_name_and_its_payload_may_be_left_out(): void
    {
        Broadcast::on('a')->sendNow();

        $this->assertSame([[['a'], 'AnonymousEvent', []]], $this->said());
    }

    public function test_its_channels(): void
    {
        Broadcast::on(['a', new PrivateChannel('b'), new PresenceChannel('c'), 'private-d'])->sendNow();
        Broadcast::private('e')->sendNow();
        Broadcast::presence('f')->sendNow();

        $this->assertSame([['a', 'private-b', 'presence-c', 'private-d'], ['private-e'], ['presence-f']], array_column($this->said(), 0));
    }

    public function test_its_connection(): void
    {
        Broadcast::on('a')->via('null')->sendNow();
        $this->fanfare->assertNothingPublished();

        Broadcast::on('a')->via('fanfare')->sendNow();
        $this->fanfare->assertPublished('AnonymousEvent', 1);
    }

    public function test_its_sender_may_be_left_out_when_it_is_queued_as_well(): void
    {
        $this->application->instance('request', $request = $this->request([]));
        $request->headers->set('X-Socket-ID', '12.34');

        Broadcast::on('a')->toOthers()->sendNow();
        Broadcast::on('a')->sendNow();
        Broadcast::on('a')->toOthers()->send();
        $request->headers->remove('X-Socket-ID');
        $this->drain();

        $this->assertSame(['12.34', null, '12.34'], array_map(static fn (Message $message): ?string => $message->except, $this->fanfare->published()));
    }

    public function test_a_notification_goes_to_its_readers_own_channel(): void
    {
        Reader::findOrFail(7)->notify(new Invoice);
        $this->drain();

        [[$channels, $event, $payload]] = $this->said();
        $this->assertSame(['private-Fanfare.Laravel.Tests.Laravel.Reader.7'], $channels);
        $this->assertSame(BroadcastNotificationCreated::class, $event);
        $this->assertSame(['invoice', 'id', 'type'], array_keys($payload));
        $this->assertSame([1, Invoice::class], [$payload['invoice'], $payload['type']]);
        $this->assertMatchesRegularExpression('/^[0-9a-f-]{36}$/', $payload['id']);
    }

    public function test_the_reader_or_the_notification_says_where_it_goes(): void
    {
        ReaderElsewhere::findOrFail(7)->notify(new Invoice);
        Reader::findOrFail(7)->notify(new InvoiceOnChannels);
        $this->drain();

        $this->assertSame([['private-readers.7'], ['private-invoices']], array_column($this->said(), 0));
    }

    public function test_its_type_its_name_and_its_payload(): void
    {
        foreach ([new InvoiceOfType, new InvoiceNamed, new InvoiceWith] as $notification) {
            Reader::findOrFail(7)->notify($notification);
        }
        $this->drain();

        [$type, $named, $with] = $this->said();
        $this->assertSame('invoice.paid', $type[2]['type']);
        $this->assertSame('invoice', $named[1]);
        $this->assertSame('of it', $with[2]['more']);
    }

    public function test_its_message_chooses_the_queue(): void
    {
        Reader::findOrFail(7)->notify(new InvoiceOnQueue);
        $this->drain();
        $this->fanfare->assertNothingPublished();
        $this->drain('slow');

        $this->assertSame(2, $this->said()[0][2]['message']);
    }

    public function test_a_model_tells_what_happens_to_it(): void
    {
        $article = Article::create(['title' => 'first']);
        $article->update(['title' => 'second']);
        $this->drain();
        $article->delete();

        $channel = ['private-Fanfare.Laravel.Tests.Laravel.Article.1'];
        $this->assertSame('Fanfare.Laravel.Tests.Laravel.Article.{article}', $article->broadcastChannelRoute());
        $this->assertSame([[$channel, 'ArticleCreated'], [$channel, 'ArticleUpdated'], [$channel, 'ArticleDeleted']], array_map(static fn (array $said): array => array_slice($said, 0, 2), $this->said()));
        $this->assertSame(['second', 'second', 'second'], array_map(static fn (array $said): string => $said[2]['model']['title'], $this->said()));
        $this->assertSame(0, DB::table('jobs')->count(), 'what is deleted cannot wait for a worker');
    }

    public function test_a_model_that_is_trashed_and_restored(): void
    {
        $article = TrashedArticle::create(['title' => 'first']);
        $article->delete();
        $article->restore();
        $this->drain();

        foreach (['TrashedArticleCreated', 'TrashedArticleTrashed', 'TrashedArticleRestored'] as $event) {
            $this->fanfare->assertPublishedOn('private-Fanfare.Laravel.Tests.Laravel.TrashedArticle.1', $event);
        }
    }

    public function test_a_model_chooses_events_channels_name_and_payload(): void
    {
        $article = CreatedArticle::create(['title' => 'first']);
        $article->update(['title' => 'second']);
        $this->drain();
        $article->delete();

        $this->assertSame([[
            ['private-Fanfare.Laravel.Tests.Laravel.CreatedArticle.1', 'private-articles'], 'article.created', ['title' => 'second', 'event' => 'created'],
        ]], $this->said());
    }

    /**
     * @return iterable<array{string}>
     */
    public static function quiet(): iterable
    {
        yield from [['saveQuietly'], ['withoutBroadcasting']];
    }

    #[DataProvider('quiet')]
    public function test_a_model_can_be_quiet(string $how): void
    {
        $article = new Article(['title' => 'first']);

        $how === 'saveQuietly' ? $article->saveQuietly() : Article::withoutBroadcasting(static fn () => $article->save());

        $this->drain();
        $this->assertTrue($article->exists);
        $this->fanfare->assertNothingPublished();
    }
}
