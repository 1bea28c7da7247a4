<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Extension;

use Closure;
use Fanfare;
use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\CachedEvent;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Server\UserId;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Reason;
use Illuminate\Contracts\Auth\Authenticatable;
use Throwable;
use ValueError;

/**
 * The one file that names symbols of the extension. It is loaded only where the extension is.
 */
final class ExtensionGateway implements Gateway
{
    public function __construct(private readonly Fanfare\Gateway $extension)
    {
    }

    public static function connect(Connection $connection): self
    {
        [$app, $secret] = $connection->publishingCredentials();

        $ack = $connection->ack !== null && self::knowsAck() ? ['ack' => Fanfare\Ack::from($connection->ack)] : [];

        return new self(new Fanfare\Client($app, $secret, $connection->socket, $connection->timeout, ...$ack));
    }

    /**
     * Whether the extension is one that can wait for the cluster.
     */
    public static function knowsAck(): bool
    {
        return enum_exists(Fanfare\Ack::class);
    }

    public function publish(array $messages): void
    {
        try {
            if (count($messages) === 1) {
                $message = $messages[0];

                $this->extension->publish(
                    $message->channels, $message->event, $message->payload, $message->except, $message->key
                );

                return;
            }

            $this->extension->publishMany(array_map(static fn (Message $message): Fanfare\Message => new Fanfare\Message(
                $message->channels, $message->event, $message->payload, $message->except, $message->key
            ), $messages));
        } catch (Fanfare\Exception|ValueError $e) {
            throw self::failure($e);
        }
    }

    public function publishAsync(Message $message): void
    {
        try {
            $this->extension->publishAsync(
                $message->channels, $message->event, $message->payload, $message->except, $message->key
            );
        } catch (Fanfare\Exception|ValueError $e) {
            throw self::failure($e);
        }
    }

    public function flush(): ?PublishException
    {
        $result = $this->extension->flush();

        $unconfirmed = $result->unconfirmed ?? 0;

        if ($result->rejected === 0 && $result->unanswered === 0 && $unconfirmed === 0 && $result->error === null) {
            return null;
        }

        $cause = $result->error === null ? null : self::failure($result->error);

        return new PublishException(
            sprintf('%d broadcasts refused, %d without an answer%s%s',
                $result->rejected, $result->unanswered,
                $unconfirmed === 0 ? '' : ", {$unconfirmed} not confirmed by Redis",
                $cause === null ? '' : ': '.$cause->reason),
            $cause->retryable ?? true,
            $result->error,
            $result->error instanceof Fanfare\TransportException
                ? $result->error->maybeDelivered
                : $result->unanswered + $unconfirmed > 0,
            $unconfirmed > 0,
        );
    }

    public function ping(): float
    {
        return self::ask(fn (): float => $this->extension->ping());
    }

    public function terminateUser(Authenticatable|string|int $user): int
    {
        $id = UserId::valid($user);

        return self::ask(fn (): int => $this->extension->terminateUser($id));
    }

    public function terminateConnection(string $socketId): bool
    {
        return self::ask(fn (): bool => $this->extension->terminateConnection($socketId));
    }

    public function channels(string $prefix = '', bool $cache = false): array
    {
        return array_map(self::describe(...), self::ask(fn (): array => $this->extension->channels($prefix, $cache)));
    }

    public function channel(string $name, bool $cache = false): Channel
    {
        return self::describe(self::ask(fn (): Fanfare\Channel => $this->extension->channel($name, $cache)));
    }

    public function members(string $channel): array
    {
        return array_map(
            static fn (Fanfare\Member $member): Member => new Member($member->id, $member->info),
            self::ask(fn (): array => $this->extension->members($channel))
        );
    }

    public function connectionCount(): int
    {
        return self::ask(fn (): int => $this->extension->connectionCount());
    }

    public function answerWasPartial(): bool
    {
        return $this->extension instanceof Fanfare\ClusterInspector && $this->extension->answerWasPartial();
    }

    private static function describe(Fanfare\Channel $channel): Channel
    {
        return new Channel(
            $channel->name, $channel->occupied, $channel->subscriptions, $channel->members,
            $channel->cache === null ? null : new CachedEvent($channel->cache->data, $channel->cache->ttl),
            $channel->partial ?? false
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

    /**
     * The status with which the daemon's HTTP API answers the same refusal; 0 for no answer. Works without the extension.
     */
    public static function httpStatus(PublishException $failure): int
    {
        $cause = $failure->getPrevious();

        return match (true) {
            $cause instanceof Fanfare\RejectedException => match ($cause->reason) {
                Reason::InvalidChannel, Reason::InvalidEvent, Reason::InvalidPayload => 400,
                Reason::Unauthorized => 401,
                Reason::AppDisabled => 403,
                Reason::UnknownApp => 404,
                Reason::TooLarge => 413,
                default => 500,
            },
            $cause instanceof Fanfare\PayloadException, $cause instanceof ValueError => 400,
            // Refused before anybody was asked.
            $cause === null && ! $failure->retryable => 400,
            default => 0,
        };
    }

    private static function failure(Throwable $e): PublishException
    {
        $retryable = match (true) {
            $e instanceof Fanfare\TransportException => true,
            // An application that the daemon does not know today it may know after its next reload.
            $e instanceof Fanfare\RejectedException => ! in_array($e->reason, [
                Reason::InvalidChannel, Reason::InvalidEvent, Reason::InvalidPayload, Reason::TooLarge,
            ], true),
            default => false,
        };

        return new PublishException(
            $e->getMessage(), $retryable, $e, $e instanceof Fanfare\TransportException && $e->maybeDelivered,
            $e instanceof Fanfare\UnconfirmedException
        );
    }
}
