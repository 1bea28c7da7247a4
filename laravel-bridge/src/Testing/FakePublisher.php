<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Testing;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Contracts\Publisher;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Server\UserId;
use Illuminate\Contracts\Auth\Authenticatable;
use PHPUnit\Framework\Assert;

/**
 * Keeps what would have been sent, and can be told to fail.
 */
final class FakePublisher implements Publisher
{
    /** @var list<non-empty-list<Message>> */
    private array $calls = [];

    private int $unanswered = 0;

    private ?PublishException $failure = null;

    private ?string $flushFailure = null;

    /** @var list<string> */
    private array $terminated = [];

    /** @var list<string> */
    private array $disconnected = [];

    /** @var array<Channel> */
    private array $channels = [];

    /** @var array<list<Member>> */
    private array $members = [];

    private int $connections = 0;

    public function publish(array $messages): void
    {
        $this->record($messages);
    }

    public function publishAsync(Message $message): void
    {
        $this->record([$message]);
        $this->unanswered++;
    }

    public function flush(): ?string
    {
        $this->unanswered = 0;

        return $this->flushFailure;
    }

    public function ping(): float
    {
        return 0.0;
    }

    public function terminateUser(string $userId): int
    {
        $this->failIfTold();
        $this->terminated[] = $userId;

        return 0;
    }

    public function disconnect(string $socketId): bool
    {
        $this->failIfTold();
        $this->disconnected[] = $socketId;

        return false;
    }

    public function channels(string $prefix, bool $cache): array
    {
        $this->failIfTold();

        return array_filter(
            $this->channels,
            static fn (Channel $channel): bool => $channel->occupied && str_starts_with($channel->name, $prefix)
        );
    }

    public function channel(string $name, bool $cache): Channel
    {
        $this->failIfTold();

        return $this->channels[$name] ?? new Channel($name, members: str_starts_with($name, 'presence-') ? 0 : null);
    }

    public function members(string $channel): array
    {
        $this->failIfTold();

        return $this->members[$channel] ?? [];
    }

    public function connections(): int
    {
        $this->failIfTold();

        return $this->connections;
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

    public function withConnections(int $connections): self
    {
        $this->connections = $connections;

        return $this;
    }

    /**
     * Every further call fails, as if the daemon were away.
     */
    public function failWith(string $reason, bool $retryable = true): self
    {
        $this->failure = new PublishException($reason, $retryable);

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

        Assert::assertContains($id, $this->terminated, "The connections of user [{$id}] were not terminated.");

        return $this;
    }

    public function assertDisconnected(string $socketId): self
    {
        Assert::assertContains($socketId, $this->disconnected, "The connection [{$socketId}] was not ended.");

        return $this;
    }

    public function assertNobodyDisconnected(): self
    {
        Assert::assertEmpty([...$this->terminated, ...$this->disconnected], 'Connections were ended.');

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

    private function failIfTold(): void
    {
        if ($this->failure !== null) {
            throw $this->failure;
        }
    }
}
