<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Extension;

use Closure;
use Fanfare;
use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Contracts\Publisher;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\CachedEvent;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Reason;
use Throwable;
use ValueError;

/**
 * The one file that names symbols of the extension. It is loaded only where the extension is.
 */
final class ExtensionPublisher implements Publisher
{
    public function __construct(private readonly Fanfare\Gateway $gateway)
    {
    }

    public static function connect(Connection $connection): self
    {
        [$app, $secret] = $connection->publishingCredentials();

        return new self(new Fanfare\Client($app, $secret, $connection->socket, $connection->timeout));
    }

    public function publish(array $messages): void
    {
        try {
            if (count($messages) === 1) {
                $message = $messages[0];

                $this->gateway->publish(
                    $message->channels, $message->event, $message->payload, $message->except, $message->key
                );

                return;
            }

            $this->gateway->publishMany(array_map(static fn (Message $message): Fanfare\Message => new Fanfare\Message(
                $message->channels, $message->event, $message->payload, $message->except, $message->key
            ), $messages));
        } catch (Fanfare\Exception|ValueError $e) {
            throw self::failure($e);
        }
    }

    public function publishAsync(Message $message): void
    {
        try {
            $this->gateway->publishAsync(
                $message->channels, $message->event, $message->payload, $message->except, $message->key
            );
        } catch (Fanfare\Exception|ValueError $e) {
            throw self::failure($e);
        }
    }

    public function flush(): ?string
    {
        $result = $this->gateway->flush();

        if ($result->rejected === 0 && $result->unknown === 0 && $result->error === null) {
            return null;
        }

        return sprintf(
            '%d broadcasts refused, %d without an answer%s',
            $result->rejected,
            $result->unknown,
            $result->error === null ? '' : ': '.$result->error->getMessage()
        );
    }

    public function ping(): float
    {
        return self::ask(fn (): float => $this->gateway->ping());
    }

    public function terminateUser(string $userId): int
    {
        return self::ask(fn (): int => $this->gateway->terminateUser($userId));
    }

    public function disconnect(string $socketId): bool
    {
        return self::ask(fn (): bool => $this->gateway->disconnect($socketId));
    }

    public function channels(string $prefix, bool $cache): array
    {
        return array_map(self::describe(...), self::ask(fn (): array => $this->gateway->channels($prefix, $cache)));
    }

    public function channel(string $name, bool $cache): Channel
    {
        return self::describe(self::ask(fn (): Fanfare\Channel => $this->gateway->channel($name, $cache)));
    }

    public function members(string $channel): array
    {
        return array_map(
            static fn (Fanfare\Member $member): Member => new Member($member->id, $member->info),
            self::ask(fn (): array => $this->gateway->members($channel))
        );
    }

    public function connections(): int
    {
        return self::ask(fn (): int => $this->gateway->connections());
    }

    private static function describe(Fanfare\Channel $channel): Channel
    {
        return new Channel(
            $channel->name, $channel->occupied, $channel->subscriptions, $channel->members,
            $channel->cache === null ? null : new CachedEvent($channel->cache->data, $channel->cache->ttl)
        );
    }

    /**
     * @template T
     *
     * @param  Closure(): T  $question
     * @return T
     *
     * @throws PublishException
     */
    private static function ask(Closure $question): mixed
    {
        try {
            return $question();
        } catch (Fanfare\Exception|ValueError $e) {
            throw self::failure($e);
        }
    }

    private static function failure(Throwable $e): PublishException
    {
        $retryable = match (true) {
            $e instanceof Fanfare\TransportException => true,
            $e instanceof Fanfare\RejectedException => ! in_array($e->reason, [
                Reason::Forbidden, Reason::InvalidChannel, Reason::InvalidEvent, Reason::InvalidPayload, Reason::TooLarge,
            ], true),
            default => false,
        };

        return new PublishException($e->getMessage(), $retryable, $e);
    }
}
