<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Testing;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Contracts\Publisher;
use Fanfare\Laravel\Exceptions\PublishException;
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

    /**
     * Every further broadcast fails, as if the daemon were away.
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

        if ($this->failure !== null) {
            throw $this->failure;
        }

        $this->calls[] = $messages;
    }
}
