<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use BackedEnum;
use BadMethodCallException;
use Fanfare\Laravel\Compat\Sdk;
use Fanfare\Laravel\Compat\SdkPusher;
use Fanfare\Laravel\Compat\SocketPusher;
use Fanfare\Laravel\Contracts\Listener;
use Fanfare\Laravel\Contracts\Server as ServerContract;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Server;
use Fanfare\Laravel\Server\UserId;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\RunningJobs;
use Fanfare\Laravel\Support\TraceContext;
use Illuminate\Broadcasting\Broadcasters\Broadcaster;
use Illuminate\Broadcasting\Broadcasters\UsePusherChannelConventions;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use SensitiveParameter;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

/**
 * Laravel's broadcaster for one connection. It outlives requests in a long-running worker, so it keeps none of them,
 * and no container. Making one never fails; the first use says what is missing.
 */
final class FanfareBroadcaster extends Broadcaster
{
    use UsePusherChannelConventions;

    private readonly Signer $signer;

    /** For broadcasts that a request shall not wait long for; made when there is one. */
    private ?Connection $impatient = null;

    private SocketPusher|SdkPusher|null $pusher = null;

    public function __construct(
        #[SensitiveParameter] private readonly Connection $connection,
        private readonly Gateways $gateways,
        private readonly RunningJobs $jobs,
    ) {
        $this->signer = new Signer($connection);
    }

    /**
     * @param  Request  $request
     * @return array<string, string>|null
     */
    public function resolveAuthenticatedUser($request)
    {
        $user = parent::resolveAuthenticatedUser($request);

        return $user ? $this->signer->user(self::field($request, 'socket_id'), $user) : null;
    }

    /**
     * @param  Request  $request
     * @return mixed
     *
     * @throws AccessDeniedHttpException
     */
    public function auth($request)
    {
        $channel = self::field($request, 'channel_name');

        if (! is_string($channel) || $channel === '') {
            throw new AccessDeniedHttpException;
        }

        $name = $this->normalizeChannelName($channel);

        if ($this->isGuardedChannel($channel) && ! $this->retrieveUser($request, $name)) {
            throw new AccessDeniedHttpException;
        }

        return $this->verifyUserCanAccessChannel($request, $name);
    }

    /**
     * @param  Request  $request
     * @param  mixed  $result
     * @return mixed
     */
    public function validAuthenticationResponse($request, $result)
    {
        $channel = self::field($request, 'channel_name');
        $socketId = self::field($request, 'socket_id');

        if (! is_string($channel)) {
            throw new AccessDeniedHttpException;
        }

        if (str_starts_with($channel, 'private-')) {
            return $this->answer($request, $this->signer->channel($socketId, $channel));
        }

        $user = $this->retrieveUser($request, $this->normalizeChannelName($channel));

        if (! is_object($user)) {
            throw new AccessDeniedHttpException;
        }

        return $this->answer($request, $this->signer->presence($socketId, $channel, UserId::of($user), $result));
    }

    /**
     * @param  array<array-key, mixed>  $channels
     * @param  string|BackedEnum  $event
     * @param  array<array-key, mixed>  $payload
     *
     * @throws BroadcastException
     */
    public function broadcast(array $channels, $event, array $payload = [])
    {
        $this->send($channels, self::name($event), $payload, $this->connection);
    }

    /**
     * Whether events that Laravel would queue go out at once. A connection that the configuration does not name cannot: the
     * job that it falls back to finds it by its name.
     */
    public function isDirect(): bool
    {
        return $this->connection->direct && $this->connection->name !== null;
    }

    /**
     * Instead of a job for the event: waits for the daemon no longer than "options.direct_timeout", then leaves the broadcast
     * to the queue. What no later attempt could mend is thrown or logged as ever.
     *
     * @param  array<array-key, mixed>  $channels
     * @param  array<array-key, mixed>  $payload
     *
     * @throws BroadcastException
     */
    public function broadcastDirectly(array $channels, string|BackedEnum $event, array $payload = []): void
    {
        $this->send($channels, self::name($event), $payload, $this->impatient ??= $this->connection->forDirectBroadcasts());
    }

    /**
     * Laravel 12 hands on what broadcastAs() returned.
     */
    private static function name(string|BackedEnum $event): string
    {
        return $event instanceof BackedEnum ? (string) $event->value : $event;
    }

    /**
     * @param  array<array-key, mixed>  $channels
     * @param  array<array-key, mixed>  $payload
     *
     * @throws BroadcastException
     */
    private function send(array $channels, string $event, array $payload, #[SensitiveParameter] Connection $connection): void
    {
        /** @var array<string> $names */
        $names = $this->formatChannels($channels);
        $channels = array_values(array_unique($names));

        if ($channels === []) {
            return;
        }

        $except = SocketId::valid($payload['socket'] ?? null);
        unset($payload['socket']);

        $running = $this->jobs->current();
        $key = $running?->broadcastKey($connection->name ?? '', $event, $channels);

        // Only a broadcast that may be repeated by a job needs a key; the extension's own resend has one already.
        if ($key === null && $connection->queuesFailures) {
            $key = bin2hex(random_bytes(16));
        }

        $messages = [];

        try {
            $messages = $this->compose($channels, $event, $payload, $except, $key);
            $this->deliver($messages, $connection);
        } catch (PublishException|MisconfiguredException $e) {
            $failure = $e instanceof PublishException ? $e : PublishException::misconfigured($e);

            (new FailedBroadcast($connection, $event, $channels))->handle($failure, $messages, $running);
        }
    }

    /**
     * What can be asked of the daemon besides broadcasting.
     */
    public function server(): ServerContract
    {
        return new Server($this->connection, $this->gateways);
    }

    /**
     * @param  list<string>  $types
     *
     * @throws PublishException
     */
    public function listen(array $types, ?string $group, bool $snapshot, int $window, float $ackTimeout): Listener
    {
        try {
            return $this->gateways->for($this->connection)->listen($types, $group, $snapshot, $window, $ackTimeout);
        } catch (MisconfiguredException $e) {
            throw PublishException::misconfigured($e);
        }
    }

    /**
     * What stands for Pusher's SDK in applications that ask their driver for it. Where the SDK is installed it is an
     * instance of Pusher\Pusher.
     */
    public function getPusher(): SocketPusher|SdkPusher
    {
        return $this->pusher ??= Sdk::installed()
            ? new SdkPusher($this->connection, $this->gateways)
            : new SocketPusher($this->connection, $this->gateways);
    }

    /**
     * An SDK that is given would speak HTTP to whatever it was made for, past the daemon's socket.
     *
     * @throws BadMethodCallException
     */
    public function setPusher(mixed $pusher): never
    {
        throw new BadMethodCallException(
            'Fanfare: setPusher() cannot replace what publishes here, the daemon\'s socket. For other credentials define another '.
            'connection in config/broadcasting.php and use Broadcast::connection(\'its name\'); in tests use Fanfare::fake().'
        );
    }

    /**
     * What a job does that was left behind by a failed broadcast.
     *
     * @param  non-empty-list<Message>  $messages
     *
     * @throws PublishException
     */
    public function republish(array $messages): void
    {
        try {
            $this->gateways->for($this->connection)->publish($messages);
        } catch (MisconfiguredException $e) {
            throw PublishException::misconfigured($e);
        }
    }

    /**
     * One message for all plain channels and one for each encrypted channel, whose key no other channel has.
     *
     * @param  non-empty-list<string>  $channels
     * @param  array<array-key, mixed>  $payload
     * @return non-empty-list<Message>
     *
     * @throws PublishException|MisconfiguredException
     */
    private function compose(array $channels, string $event, array $payload, ?string $except, ?string $key): array
    {
        $plain = [];
        $encrypted = [];
        $trace = TraceContext::traceparent($this->jobs->current());

        foreach ($channels as $channel) {
            if (ChannelCipher::covers($channel)) {
                $encrypted[] = $channel;
            } else {
                $plain[] = $channel;
            }
        }

        if ($encrypted === []) {
            return [new Message($channels, $event, $payload, $except, $key, $trace)];
        }

        $text = Message::encode($payload);
        $messages = $plain === [] ? [] : [new Message($plain, $event, $payload, $except, $key, $trace)];

        foreach ($encrypted as $channel) {
            // By its name: a later attempt may have the channels in another order.
            $own = $key === null ? null : $key.':'.substr(hash('sha256', $channel), 0, 32);
            $messages[] = new Message([$channel], $event, ChannelCipher::encrypt($this->connection, $channel, $text), $except, $own, $trace);
        }

        return $messages;
    }

    /**
     * @param  non-empty-list<Message>  $messages
     *
     * @throws PublishException|MisconfiguredException
     */
    private function deliver(array $messages, #[SensitiveParameter] Connection $connection): void
    {
        $gateway = $this->gateways->for($connection);

        // Several messages are one batch, all or nothing, which only the waiting call can promise.
        if ($connection->mode === 'async' && count($messages) === 1) {
            $this->gateways->waitsForAnswers($gateway, $connection);
            $gateway->publishAsync($messages[0]);

            return;
        }

        $gateway->publish($messages);
    }

    /**
     * As Laravel's own drivers read a request: its input, then its route.
     */
    private static function field(Request $request, string $name): mixed
    {
        return $request->__get($name);
    }

    /**
     * @param  array<string, string>  $answer
     * @return array<string, string>|JsonResponse
     */
    private function answer(Request $request, array $answer): array|JsonResponse
    {
        $callback = $this->connection->jsonp ? $request->input('callback', false) : false;

        return is_string($callback) && $callback !== ''
            ? (new JsonResponse($answer))->withCallback($callback)
            : $answer;
    }
}
