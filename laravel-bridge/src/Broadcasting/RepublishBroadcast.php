<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use DateTimeInterface;
use Fanfare\Laravel\Events\BroadcastFailed;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Settings;
use Illuminate\Bus\Queueable;
use Illuminate\Container\Container;
use Illuminate\Contracts\Broadcasting\Factory;
use Illuminate\Contracts\Bus\Dispatcher as Bus;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Queue\InteractsWithQueue;
use Illuminate\Queue\Jobs\SyncJob;
use Illuminate\Support\Carbon;
use RuntimeException;
use Throwable;

/**
 * Sends again what a broadcast could not. It carries the finished text and the key of the first attempt, so that the
 * daemon drops the second one if the first did arrive.
 */
final class RepublishBroadcast implements ShouldQueue
{
    use InteractsWithQueue;
    use Queueable;

    /**
     * For how many seconds a daemon surely knows the key of what it has taken; it says 60. What it has delivered on its own
     * node is sent again for no longer, or it would be delivered there twice.
     */
    private const KEY_IS_KNOWN = 50;

    /** @var non-empty-list<array{channels: non-empty-list<string>, event: string, payload: string, except: ?string, key: ?string, traceparent?: ?string}> */
    public readonly array $messages;

    /** @var list<int> */
    public readonly array $backoff;

    private readonly int $until;

    /**
     * @param  string  $broadcaster  name of the broadcasting connection
     * @param  non-empty-list<Message>  $messages
     * @param  ?array{string, string}  $home  connection and queue to go to if config/fanfare.php names neither
     * @param  bool  $unconfirmed  the daemon has it by now, and Redis is all that is waited for
     *
     * @throws PublishException when a payload cannot be JSON
     */
    public function __construct(
        public readonly string $broadcaster,
        array $messages,
        ?array $home = null,
        public readonly bool $unconfirmed = false,
    ) {
        $this->messages = array_map(static fn (Message $message): array => [
            'channels' => $message->channels,
            'event' => $message->event,
            'payload' => $message->encodedPayload(),
            'except' => $message->except,
            'key' => $message->key,
            'traceparent' => $message->traceparent,
        ], $messages);

        $this->backoff = Settings::backoff();
        $this->until = Carbon::now()->getTimestamp()
            + ($unconfirmed ? min(self::KEY_IS_KNOWN, Settings::retryFor()) : Settings::retryFor());

        $connection = Settings::queueConnection();
        $queue = Settings::queueName();
        [$connection, $queue] = $connection === null && $queue === null && $home !== null ? $home : [$connection, $queue];

        // The broadcast was meant to go out at once, whatever becomes of a transaction around it.
        $this->onConnection($connection)->onQueue($queue)->beforeCommit();
    }

    public function retryUntil(): DateTimeInterface
    {
        return Carbon::createFromTimestamp($this->until);
    }

    public function displayName(): string
    {
        return $this->messages[0]['event'].' (republish)';
    }

    /**
     * @return list<string>
     */
    public function tags(): array
    {
        return ['fanfare', 'broadcaster:'.$this->broadcaster, 'event:'.$this->messages[0]['event']];
    }

    public function handle(Factory $broadcasting): void
    {
        $broadcaster = $broadcasting->connection($this->broadcaster);

        if (! $broadcaster instanceof FanfareBroadcaster) {
            throw new RuntimeException("The broadcasting connection [{$this->broadcaster}] is not one of Fanfare.");
        }

        $messages = array_map(static fn (array $message): Message => new Message(...$message), $this->messages);

        try {
            $broadcaster->republish($messages);
        } catch (PublishException $e) {
            $this->tell($e);

            if ($e->unconfirmed && ! $this->unconfirmed && ! $this->job instanceof SyncJob) {
                $this->goOnAsUnconfirmed($messages);

                return;
            }

            if ($e->retryable) {
                throw $e;
            }

            $this->fail($e);
        }
    }

    /**
     * After the last attempt.
     */
    public function failed(?Throwable $e): void
    {
        $failure = $this->tell($e instanceof PublishException
            ? $e
            : new PublishException($e?->getMessage() ?? 'the job that sends it again failed', true, $e, true));

        Container::getInstance()->make(Dispatcher::class)->dispatch(new BroadcastFailed(
            $this->broadcaster, $this->messages[0]['event'], $this->channels(), $failure
        ));
    }

    /**
     * The daemon has taken it just now: from here on there is less time, which another job has.
     *
     * @param  non-empty-list<Message>  $messages
     */
    private function goOnAsUnconfirmed(array $messages): void
    {
        $job = new self($this->broadcaster, $messages, unconfirmed: true);
        $job->onConnection($this->connection)->onQueue($this->queue)->delay($this->backoff[0] ?? 1);

        Container::getInstance()->make(Bus::class)->dispatch($job);
    }

    private function tell(PublishException $failure): PublishException
    {
        return $failure->during($this->broadcaster, $this->messages[0]['event'], $this->channels());
    }

    /**
     * @return list<string>
     */
    private function channels(): array
    {
        return array_merge(...array_column($this->messages, 'channels'));
    }
}
