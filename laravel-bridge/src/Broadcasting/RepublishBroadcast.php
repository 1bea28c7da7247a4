<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use DateTimeInterface;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Settings;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Broadcasting\Factory;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Queue\InteractsWithQueue;
use Illuminate\Support\Carbon;
use RuntimeException;

/**
 * Sends again what a broadcast could not. It carries the finished text and the key of the first attempt, so that the
 * daemon drops the second one if the first did arrive.
 */
final class RepublishBroadcast implements ShouldQueue
{
    use InteractsWithQueue;
    use Queueable;

    /** @var non-empty-list<array{channels: non-empty-list<string>, event: string, payload: string, except: ?string, key: ?string}> */
    public readonly array $messages;

    /** @var list<int> */
    public readonly array $backoff;

    private readonly int $until;

    /**
     * @param  string  $broadcaster  name of the broadcasting connection
     * @param  non-empty-list<Message>  $messages
     *
     * @throws PublishException when a payload cannot be JSON
     */
    public function __construct(public readonly string $broadcaster, array $messages)
    {
        $this->messages = array_map(static fn (Message $message): array => [
            'channels' => $message->channels,
            'event' => $message->event,
            'payload' => $message->encodedPayload(),
            'except' => $message->except,
            'key' => $message->key,
        ], $messages);

        $this->backoff = Settings::backoff();
        $this->until = Carbon::now()->getTimestamp() + Settings::retryFor();

        // The broadcast was meant to go out at once, whatever becomes of a transaction around it.
        $this->onConnection(Settings::queueConnection())->onQueue(Settings::queueName())->beforeCommit();
    }

    public function retryUntil(): DateTimeInterface
    {
        return Carbon::createFromTimestamp($this->until);
    }

    public function handle(Factory $broadcasting): void
    {
        $broadcaster = $broadcasting->connection($this->broadcaster);

        if (! $broadcaster instanceof FanfareBroadcaster) {
            throw new RuntimeException("The broadcasting connection [{$this->broadcaster}] is not one of Fanfare.");
        }

        try {
            $broadcaster->republish(array_map(
                static fn (array $message): Message => new Message(...$message), $this->messages
            ));
        } catch (PublishException $e) {
            if ($e->retryable) {
                throw $e;
            }

            $this->fail($e);
        }
    }
}
