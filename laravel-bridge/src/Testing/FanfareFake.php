<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Testing;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\SocketId;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Events\DaemonEvent;
use Fanfare\Laravel\Events\SnapshotTaken;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\FanfareManager;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\ClientConnection;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Server\Receipt;
use Fanfare\Laravel\Server\Stats;
use Fanfare\Laravel\Server\UserId;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Support\Testing\Fakes\Fake;
use PHPUnit\Framework\Assert;

/**
 * Stands behind the driver and behind the facade at once: keeps what would have been sent, answers what it was told,
 * and can be told to fail.
 */
class FanfareFake extends FanfareManager implements Fake, Gateway
{
    /** @var list<non-empty-list<Message>> */
    private array $calls = [];

    private int $unanswered = 0;

    /** @var ?array{reason: string, retryable: bool, maybeDelivered?: bool, unconfirmed?: bool} */
    private ?array $failure = null;

    private ?string $flushFailure = null;

    /** @var list<string> */
    private array $terminatedUsers = [];

    /** @var list<string> */
    private array $terminatedConnections = [];

    /** @var array<Channel> */
    private array $channels = [];

    /** @var array<list<Member>> */
    private array $members = [];

    private int $connectionCount = 0;

    private bool $partial = false;

    private Stats $stats;

    /** @var list<ClientConnection> */
    private array $connections = [];

    /** @var list<'stop'|'restart'|'reload'> */
    private array $orders = [];

    private ?FakeListener $listener = null;

    public function __construct()
    {
        $this->stats = new Stats('fake');
    }

    public function publish(array $messages): void
    {
        $this->record($messages);
    }

    public function publishAsync(Message $message): void
    {
        $this->record([$message]);
        $this->unanswered++;
    }

    public function flush(): ?PublishException
    {
        $this->unanswered = 0;

        return $this->flushFailure === null ? null : new PublishException($this->flushFailure, true);
    }

    public function sendToUser(
        Authenticatable|string|int $user,
        string $event,
        array|string $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): void {
        $channel = '#server-to-user-'.UserId::valid($user);

        $this->publish([new Message([$channel], $event, $payload, SocketId::valid($except), $key)]);
    }

    public function ping(): float
    {
        $this->failIfTold();

        return 0.0;
    }

    public function terminateUser(Authenticatable|string|int $user): int
    {
        $id = UserId::valid($user);
        $this->failIfTold();
        $this->terminatedUsers[] = $id;

        return 0;
    }

    public function terminateConnection(string $socketId): bool
    {
        $this->failIfTold();

        if (SocketId::valid($socketId) !== null) {
            $this->terminatedConnections[] = $socketId;
        }

        return false;
    }

    public function channels(string $prefix = '', bool $cache = false): array
    {
        $this->failIfTold();

        return array_filter(
            $this->channels,
            static fn (Channel $channel): bool => $channel->occupied && str_starts_with($channel->name, $prefix)
        );
    }

    public function channel(string $name, bool $cache = false): Channel
    {
        $this->failIfTold();

        return $this->channels[$name] ?? new Channel($name, members: str_starts_with($name, 'presence-') ? 0 : null);
    }

    public function members(string $channel): array
    {
        $this->failIfTold();

        return $this->members[$channel] ?? [];
    }

    public function connectionCount(): int
    {
        $this->failIfTold();

        return $this->connectionCount;
    }

    public function answerWasPartial(): bool
    {
        return $this->partial;
    }

    public function send(Message $message): Receipt
    {
        $this->record([$message]);

        return new Receipt((string) count($this->calls));
    }

    public function stats(): Stats
    {
        $this->failIfTold();

        return $this->stats;
    }

    public function connections(int $limit = 100, ?string $after = null): array
    {
        $this->failIfTold();
        $ids = array_map(static fn (ClientConnection $connection): string => $connection->socketId, $this->connections);
        $from = $after === null ? false : array_search($after, $ids, true);

        return array_slice($this->connections, $from === false ? 0 : $from + 1, $limit);
    }

    public function stop(): void
    {
        $this->order('stop');
    }

    public function restart(): void
    {
        $this->order('restart');
    }

    public function reload(): void
    {
        $this->order('reload');
    }

    public function withStats(Stats $stats): self
    {
        $this->stats = $stats;

        return $this;
    }

    public function withConnections(ClientConnection ...$connections): self
    {
        $this->connections = array_values($connections);

        return $this->withConnectionCount(count($connections));
    }

    /**
     * What the daemon was ordered, in turn: "stop", "restart", "reload".
     *
     * @return list<'stop'|'restart'|'reload'>
     */
    public function orders(): array
    {
        return $this->orders;
    }

    /**
     * From now on the daemon has this channel.
     */
    public function withChannel(Channel $channel): self
    {
        $this->channels[$channel->name] = $channel;

        return $this;
    }

    /**
     * From now on these users are on the presence channel.
     */
    public function withMembers(string $channel, Member ...$members): self
    {
        $this->members[$channel] = array_values($members);
        $count = count($members);

        return $this->withChannel(new Channel($channel, $count > 0, $count, $count));
    }

    public function withConnectionCount(int $count): self
    {
        $this->connectionCount = $count;

        return $this;
    }

    public function listen(array $types = [], ?string $group = null, bool $snapshot = false, int $window = 16, float $ackTimeout = 30.0): FakeListener
    {
        $this->failIfTold();
        $listener = $this->listener();
        $listener->types = $types;
        $listener->group = $group;
        $listener->withoutSnapshot = ! $snapshot;

        return $listener;
    }

    /**
     * What "fanfare:listen" will hear, in this order; what fails comes again.
     */
    public function withEvents(DaemonEvent ...$events): self
    {
        $this->listener()->add(...array_values($events));

        return $this;
    }

    public function withSnapshot(SnapshotTaken $snapshot): self
    {
        $this->listener()->snapshot = $snapshot;

        return $this;
    }

    /**
     * The one that "fanfare:listen" has, with what became of the events.
     */
    public function listener(): FakeListener
    {
        return $this->listener ??= new FakeListener;
    }

    /**
     * From now on answers leave daemons of the cluster out.
     */
    public function withPartialAnswers(bool $partial = true): self
    {
        $this->partial = $partial;

        return $this;
    }

    /**
     * Every further publish is delivered on the daemon's own node, but not confirmed by Redis.
     */
    public function failUnconfirmed(string $reason = 'Redis has not confirmed it'): self
    {
        $this->failure = ['reason' => $reason, 'retryable' => true, 'maybeDelivered' => true, 'unconfirmed' => true];

        return $this;
    }

    /**
     * Every further call fails, as if the daemon were away.
     */
    public function failWith(string $reason, bool $retryable = true): self
    {
        $this->failure = ['reason' => $reason, 'retryable' => $retryable];

        return $this;
    }

    public function failOnFlush(string $reason): self
    {
        $this->flushFailure = $reason;

        return $this;
    }

    public function succeed(): self
    {
        $this->failure = null;
        $this->flushFailure = null;

        return $this;
    }

    /**
     * The messages of every call, in order.
     *
     * @return list<non-empty-list<Message>>
     */
    public function calls(): array
    {
        return $this->calls;
    }

    /**
     * @param  ?callable(Message): bool  $filter
     * @return list<Message>
     */
    public function published(?string $event = null, ?callable $filter = null): array
    {
        return array_values(array_filter(
            array_merge(...$this->calls),
            static fn (Message $message): bool => ($event === null || $message->event === $event)
                && ($filter === null || $filter($message))
        ));
    }

    /**
     * How many messages wait for an answer.
     */
    public function unanswered(): int
    {
        return $this->unanswered;
    }

    /**
     * @param  (callable(Message): bool)|int|null  $condition  a filter, or how often
     */
    public function assertPublished(string $event, callable|int|null $condition = null): self
    {
        if (is_int($condition)) {
            Assert::assertCount($condition, $this->published($event), "[{$event}] was not published {$condition} times.");
        } else {
            Assert::assertNotEmpty($this->published($event, $condition), "[{$event}] was not published.");
        }

        return $this;
    }

    public function assertPublishedOn(string $channel, string $event): self
    {
        return $this->assertPublished($event, static fn (Message $message): bool => in_array($channel, $message->channels, true));
    }

    /**
     * @param  ?callable(Message): bool  $filter
     */
    public function assertNotPublished(string $event, ?callable $filter = null): self
    {
        Assert::assertEmpty($this->published($event, $filter), "[{$event}] was published.");

        return $this;
    }

    public function assertSentToUser(Authenticatable|string|int $user, string $event): self
    {
        return $this->assertPublishedOn('#server-to-user-'.UserId::of($user), $event);
    }

    public function assertUserTerminated(Authenticatable|string|int $user): self
    {
        $id = UserId::of($user);

        Assert::assertContains($id, $this->terminatedUsers, "The connections of user [{$id}] were not terminated.");

        return $this;
    }

    public function assertConnectionTerminated(string $socketId): self
    {
        Assert::assertContains($socketId, $this->terminatedConnections, "The connection [{$socketId}] was not terminated.");

        return $this;
    }

    public function assertNothingTerminated(): self
    {
        Assert::assertEmpty([...$this->terminatedUsers, ...$this->terminatedConnections], 'Connections were terminated.');

        return $this;
    }

    public function assertNothingPublished(): self
    {
        Assert::assertEmpty($this->calls, 'Something was published.');

        return $this;
    }

    /**
     * @param  non-empty-list<Message>  $messages
     */
    private function record(array $messages): void
    {
        // What the extension would refuse is refused here as well.
        foreach ($messages as $message) {
            $message->encodedPayload();
        }

        $this->failIfTold();

        $this->calls[] = $messages;
    }

    /**
     * @param  'stop'|'restart'|'reload'  $order
     */
    private function order(string $order): void
    {
        $this->failIfTold();
        $this->orders[] = $order;
    }

    private function failIfTold(): void
    {
        if ($this->failure !== null) {
            throw new PublishException(...$this->failure);
        }
    }
}
