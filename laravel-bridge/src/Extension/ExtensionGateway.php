<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Extension;

use Closure;
use Fanfare;
use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Contracts\Listener;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\CachedEvent;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\ClientConnection;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Server\Receipt;
use Fanfare\Laravel\Server\Stats;
use Fanfare\Laravel\Server\UserId;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Reason;
use Illuminate\Contracts\Auth\Authenticatable;
use Throwable;
use ValueError;

/**
 * Names symbols of the extension, as ExtensionListener does and no other file. Loaded only where the extension is.
 */
final class ExtensionGateway implements Gateway
{
    /**
     * @param  string  $connection  name of the broadcasting connection, which events from the daemon carry
     */
    public function __construct(private readonly Fanfare\Gateway $extension, private readonly string $connection = '')
    {
    }

    public static function connect(Connection $connection): self
    {
        [$app, $secret] = $connection->publishingCredentials();

        $ack = $connection->ack !== null && self::knowsAck() ? ['ack' => Fanfare\Ack::from($connection->ack)] : [];

        return new self(new Fanfare\Client($app, $secret, $connection->socket, $connection->timeout, ...$ack), $connection->name ?? '');
    }

    /**
     * Whether the extension is one that can wait for the cluster.
     */
    public static function knowsAck(): bool
    {
        return enum_exists(Fanfare\Ack::class);
    }

    /**
     * Only for an extension that takes it; a message that an earlier version has left in the queue has none.
     *
     * @return array<string, string>
     */
    private function trace(Message $message): array
    {
        $traceparent = $message->traceparent ?? null;

        return $traceparent !== null && $this->extension instanceof Fanfare\Client && property_exists(Fanfare\Message::class, 'traceparent')
            ? ['traceparent' => $traceparent]
            : [];
    }

    public function publish(array $messages): void
    {
        try {
            if (count($messages) === 1) {
                $message = $messages[0];

                $this->extension->publish(
                    $message->channels, $message->event, $message->payload, $message->except, $message->key,
                    ...$this->trace($message)
                );

                return;
            }

            $this->extension->publishMany(array_map(fn (Message $message): Fanfare\Message => new Fanfare\Message(
                $message->channels, $message->event, $message->payload, $message->except, $message->key,
                ...$this->trace($message)
            ), $messages));
        } catch (Fanfare\Exception|ValueError $e) {
            throw self::failure($e);
        }
    }

    public function publishAsync(Message $message): void
    {
        try {
            $this->extension->publishAsync(
                $message->channels, $message->event, $message->payload, $message->except, $message->key,
                ...$this->trace($message)
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

    public function listen(array $types = [], ?string $group = null, bool $snapshot = false, int $window = 16, float $ackTimeout = 30.0): Listener
    {
        // An extension of before has neither the method nor the interface.
        if (! $this->extension instanceof Fanfare\Listenable) {
            throw new PublishException(sprintf(
                'the extension "fanfare" %s does not know how to listen: update it', (string) phpversion('fanfare')
            ), false);
        }

        try {
            return new ExtensionListener($this->extension->listen($types, $group, $snapshot, $window, $ackTimeout), $this->connection);
        } catch (Fanfare\Exception|ValueError $e) {
            throw self::listeningFailed($e);
        }
    }

    /**
     * Worth another attempt is only what an absent daemon explains; who is refused stays refused.
     */
    public static function listeningFailed(Throwable $e): PublishException
    {
        return new PublishException(
            $e->getMessage(), $e instanceof Fanfare\TransportException && ! $e instanceof Fanfare\ProtocolException, $e
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

    public function send(Message $message): Receipt
    {
        $receipt = self::ask(fn (): Fanfare\Receipt => $this->extension->publish(
            $message->channels, $message->event, $message->payload, $message->except, $message->key,
            ...$this->trace($message)
        ));

        return new Receipt($receipt->id, $receipt->recipients, $receipt->duplicate);
    }

    public function stats(): Stats
    {
        $stats = self::ask(fn (): Fanfare\Stats => $this->extension->stats());

        return new Stats(
            $stats->version, $stats->pid, $stats->uptime, $stats->connections, $stats->channels, $stats->messagesIn,
            $stats->messagesOut, $stats->bytesOut, $stats->dropped, $stats->draining, $stats->extra
        );
    }

    public function connections(int $limit = 100, ?string $after = null): array
    {
        return array_map(
            static fn (Fanfare\Connection $connection): ClientConnection => new ClientConnection(
                $connection->socketId, $connection->userId, $connection->address, $connection->openedAt,
                $connection->subscriptions
            ),
            self::ask(fn (): array => $this->operator()->connections($limit, $after))
        );
    }

    public function stop(): void
    {
        self::ask(fn () => $this->operator()->stop());
    }

    public function restart(): void
    {
        self::ask(fn () => $this->operator()->restart());
    }

    public function reload(): void
    {
        self::ask(fn () => $this->operator()->reload());
    }

    public function connectionCount(): int
    {
        return self::ask(fn (): int => $this->extension->connectionCount());
    }

    public function answerWasPartial(): bool
    {
        return $this->extension instanceof Fanfare\ClusterInspector && $this->extension->answerWasPartial();
    }

    /**
     * Why the daemon said no, in its own word ("unauthorized", "forbidden", ...); null if it did not.
     */
    public static function refusal(PublishException $e): ?string
    {
        $cause = $e->getPrevious();

        return $cause instanceof Fanfare\RejectedException ? $cause->reason->value : null;
    }

    /**
     * Whether it has to do with getting to the daemon, and not with what it said.
     */
    public static function neverArrived(PublishException $e): bool
    {
        return $e->getPrevious() instanceof Fanfare\ConnectException;
    }

    private function operator(): Fanfare\Operator
    {
        if (! $this->extension instanceof Fanfare\Operator) {
            throw new MisconfiguredException(sprintf(
                'the extension "fanfare" %s cannot do this: update it', (string) phpversion('fanfare')
            ));
        }

        return $this->extension;
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
