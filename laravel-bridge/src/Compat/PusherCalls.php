<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Compat;

use BadMethodCallException;
use Closure;
use Fanfare\Laravel\Broadcasting\ChannelCipher;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\Member;
use Fanfare\Laravel\Server\Server;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use GuzzleHttp\Promise\Create;
use GuzzleHttp\Promise\PromiseInterface;
use Psr\Log\LoggerInterface;
use SensitiveParameter;
use stdClass;
use Throwable;

/**
 * The calls of Pusher's PHP SDK, with its parameters and the shapes of its results, over the daemon's socket. What
 * goes wrong is always thrown, whatever the connection's on_failure says, as from the SDK: see Sdk.
 */
trait PusherCalls
{
    private const INSTEAD = [
        'post' => 'trigger(), triggerBatch(), sendToUser() or terminateUserConnections()',
        'postAsync' => 'trigger(), triggerBatch(), sendToUser() or terminateUserConnections()',
        'make_request' => 'trigger()',
        'make_batch_request' => 'triggerBatch()',
        'get' => 'Fanfare::channels(), Fanfare::channel(), Fanfare::members() or Fanfare::connectionCount()',
    ];

    private readonly Server $server;

    public function __construct(
        #[SensitiveParameter] private readonly Connection $connection,
        private readonly Gateways $gateways,
    ) {
        $this->server = new Server($connection, $gateways);
    }

    /**
     * @return array<string, mixed>
     */
    public function getSettings(): array
    {
        [$key, $secret] = $this->attempt(fn (): array => $this->connection->signingCredentials());
        $app = (string) $this->connection->appId;

        return [
            'scheme' => $this->connection->scheme ?? 'http',
            'port' => $this->connection->port ?? '80',
            'path' => '',
            'timeout' => $this->connection->timeout,
            'auth_key' => $key,
            'secret' => $secret,
            'app_id' => $app,
            'base_path' => '/apps/'.$app,
            'host' => $this->connection->host,
        ];
    }

    /**
     * The SDK writes its requests to this log. There are none here; failures are thrown.
     */
    public function setLogger(LoggerInterface $logger): void
    {
    }

    /**
     * Encrypted channels may be among others here; each is encrypted with its own key.
     *
     * @param  string|array<array-key, mixed>  $channels
     * @param  mixed  $data
     * @param  array<array-key, mixed>  $params  "socket_id", "info"
     */
    public function trigger($channels, string $event, $data, array $params = [], bool $already_encoded = false): object
    {
        return $this->publish(
            $this->attempt(fn (): Request => Request::trigger($this->connection, $channels, $event, $data, $params, $already_encoded))
        );
    }

    /**
     * Has been sent when it returns.
     *
     * @param  string|array<array-key, mixed>  $channels
     * @param  mixed  $data
     * @param  array<array-key, mixed>  $params
     */
    public function triggerAsync($channels, string $event, $data, array $params = [], bool $already_encoded = false): PromiseInterface
    {
        $request = $this->attempt(fn (): Request => Request::trigger($this->connection, $channels, $event, $data, $params, $already_encoded));

        return self::promise(fn (): object => $this->publish($request));
    }

    /**
     * All of them, or none.
     *
     * @param  array<array-key, mixed>  $batch
     */
    public function triggerBatch(array $batch = [], bool $already_encoded = false): object
    {
        return $this->publishBatch($this->batch($batch, $already_encoded));
    }

    /**
     * @param  array<array-key, mixed>  $batch
     */
    public function triggerBatchAsync(array $batch = [], bool $already_encoded = false): PromiseInterface
    {
        $requests = $this->batch($batch, $already_encoded);

        return self::promise(fn (): object => $this->publishBatch($requests));
    }

    /**
     * @param  mixed  $data
     */
    public function sendToUser(string $user_id, string $event, $data, bool $already_encoded = false): object
    {
        return $this->publish($this->toUser($user_id, $event, $data, $already_encoded));
    }

    /**
     * @param  mixed  $data
     */
    public function sendToUserAsync(string $user_id, string $event, $data, bool $already_encoded = false): PromiseInterface
    {
        $request = $this->toUser($user_id, $event, $data, $already_encoded);

        return self::promise(fn (): object => $this->publish($request));
    }

    public function terminateUserConnections(string $user_id): object
    {
        $id = Request::userId($user_id);
        $this->attempt(fn (): int => $this->server->terminateUser($id));

        return new stdClass;
    }

    public function terminateUserConnectionsAsync(string $user_id): PromiseInterface
    {
        $id = Request::userId($user_id);

        return self::promise(fn (): object => $this->terminateUserConnections($id));
    }

    /**
     * @param  array<array-key, mixed>  $params  "info"
     */
    public function getChannelInfo(string $channel, array $params = []): object
    {
        $name = Request::channel($channel);
        $info = Request::info($params['info'] ?? null);
        $found = $this->channel($name, $info);

        return (object) (['occupied' => $found->occupied] + self::attributes($found, $info));
    }

    /**
     * @param  array<array-key, mixed>  $params  "filter_by_prefix", "info"
     */
    public function getChannels(array $params = []): object
    {
        $info = Request::info($params['info'] ?? null);
        $prefix = $params['filter_by_prefix'] ?? '';
        $prefix = is_scalar($prefix) ? (string) $prefix : '';
        $found = $this->attempt(fn (): array => $this->server->channels($prefix, in_array('cache', $info, true)));

        return (object) ['channels' => array_map(
            static fn (Channel $channel): object => (object) self::attributes($channel, $info), $found
        )];
    }

    public function getPresenceUsers(string $channel): object
    {
        $members = $this->attempt(fn (): array => $this->server->members($channel));

        return (object) ['users' => array_map(static fn (Member $member): object => (object) ['id' => $member->id], $members)];
    }

    /**
     * The paths of Pusher's API that ask for something.
     *
     * @param  array<array-key, mixed>  $params
     * @param  mixed  $associative
     * @return mixed
     */
    public function get(string $path, array $params = [], $associative = false)
    {
        $result = match (true) {
            $path === '/channels' => $this->getChannels($params),
            $path === '/connections' => (object) ['connections' => $this->attempt(fn (): int => $this->server->connectionCount())],
            preg_match('~\A/channels/([^/]+)\z~', $path, $part) === 1 => $this->getChannelInfo($part[1], $params),
            preg_match('~\A/channels/([^/]+)/users\z~', $path, $part) === 1 => $this->getPresenceUsers($part[1]),
            default => throw self::elsewhere("get('{$path}')", self::INSTEAD['get']),
        };

        // An empty list of channels is an object, as from the API.
        if (isset($result->channels)) {
            $result->channels = (object) $result->channels;
        }

        return json_decode(Request::json($result), (bool) $associative, 512, JSON_THROW_ON_ERROR);
    }

    /**
     * The answer to a user who signs in, as JSON.
     *
     * @param  array<array-key, mixed>  $user_data  with an "id"
     */
    public function authenticateUser(string $socket_id, array $user_data): string
    {
        $socketId = Request::socketId($socket_id);

        if (! array_key_exists('id', $user_data)) {
            throw Sdk::misused('user_data has no id field');
        }

        Request::userId($user_data['id']);
        $text = Request::json($user_data);

        return Request::json(['auth' => $this->sign("{$socketId}::user::{$text}"), 'user_data' => $text]);
    }

    /**
     * The answer to who subscribes to a private channel, as JSON.
     */
    public function authorizeChannel(string $channel, string $socket_id, ?string $custom_data = null): string
    {
        $name = Request::channel($channel);
        $subject = Request::socketId($socket_id).':'.$name;
        $data = $custom_data === null || $custom_data === '' || $custom_data === '0' ? [] : ['channel_data' => $custom_data];
        $answer = ['auth' => $this->sign(implode(':', [$subject, ...array_values($data)]))] + $data;

        if (ChannelCipher::covers($name)) {
            $answer['shared_secret'] = base64_encode($this->attempt(fn (): string => $this->connection->channelKey($name)));
        }

        return Request::json($answer, JSON_UNESCAPED_SLASHES);
    }

    /**
     * @param  mixed  $user_info
     */
    public function authorizePresenceChannel(string $channel, string $socket_id, string $user_id, $user_info = null): string
    {
        return $this->authorizeChannel(
            $channel, $socket_id, Request::json(['user_id' => $user_id] + ($user_info ? ['user_info' => $user_info] : []))
        );
    }

    /**
     * Verifies a webhook and decrypts what was published on encrypted channels.
     *
     * @param  array<array-key, mixed>  $headers
     * @return object with get_events() and get_time_ms(); the SDK's own class where it is installed
     */
    public function webhook(array $headers, string $body): object
    {
        $this->verifySignature($headers, $body);
        $decoded = json_decode($body);

        if (! is_object($decoded) || ! is_array($decoded->events ?? null) || ! is_int($decoded->time_ms ?? null)) {
            throw Sdk::misused('Data encoding error.');
        }

        $events = [];

        foreach ($decoded->events as $event) {
            $event = is_object($event) ? $this->decrypted($event) : null;

            if ($event !== null) {
                $events[] = $event;
            }
        }

        return Sdk::webhook($decoded->time_ms, $events);
    }

    /**
     * @param  array<array-key, mixed>  $headers  the names in any case; a value may be a list, as Laravel's requests have it
     */
    public function verifySignature(array $headers, string $body): void
    {
        [$key, $secret] = $this->attempt(fn (): array => $this->connection->signingCredentials());
        $given = self::header($headers, 'x-pusher-signature');

        if (! hash_equals($key, self::header($headers, 'x-pusher-key'))
            || ! hash_equals(hash_hmac('sha256', $body, $secret), $given)) {
            throw Sdk::misused(sprintf('Received WebHook with invalid signature: got %s.', $given));
        }
    }

    /**
     * @param  mixed  $body
     * @param  array<array-key, mixed>  $params
     */
    public function post(string $path, $body, array $params = []): never
    {
        throw self::elsewhere("post('{$path}')", self::INSTEAD['post']);
    }

    /**
     * @param  mixed  $body
     * @param  array<array-key, mixed>  $params
     */
    public function postAsync(string $path, $body, array $params = []): PromiseInterface
    {
        throw self::elsewhere("postAsync('{$path}')", self::INSTEAD['postAsync']);
    }

    /**
     * @param  mixed  $channels
     * @param  mixed  $data
     * @param  array<array-key, mixed>  $params
     */
    public function make_request($channels, string $event, $data, array $params = [], bool $already_encoded = false): never
    {
        throw self::elsewhere('make_request()', self::INSTEAD['make_request']);
    }

    /**
     * @param  array<array-key, mixed>  $batch
     */
    public function make_batch_request(array $batch = [], bool $already_encoded = false): never
    {
        throw self::elsewhere('make_batch_request()', self::INSTEAD['make_batch_request']);
    }

    // The names that the SDK keeps from its earlier versions.

    /**
     * @param  array<array-key, mixed>  $params
     */
    public function get_channel_info(string $channel, array $params = []): object
    {
        return $this->getChannelInfo($channel, $params);
    }

    /**
     * @param  array<array-key, mixed>  $params
     */
    public function get_channels(array $params = []): object
    {
        return $this->getChannels($params);
    }

    public function get_users_info(string $channel): object
    {
        return $this->getPresenceUsers($channel);
    }

    public function socketAuth(string $channel, string $socket_id, ?string $custom_data = null): string
    {
        return $this->authorizeChannel($channel, $socket_id, $custom_data);
    }

    public function socket_auth(string $channel, string $socket_id, ?string $custom_data = null): string
    {
        return $this->authorizeChannel($channel, $socket_id, $custom_data);
    }

    /**
     * @param  mixed  $user_info
     */
    public function presenceAuth(string $channel, string $socket_id, string $user_id, $user_info = null): string
    {
        return $this->authorizePresenceChannel($channel, $socket_id, $user_id, $user_info);
    }

    /**
     * @param  mixed  $user_info
     */
    public function presence_auth(string $channel, string $socket_id, string $user_id, $user_info = null): string
    {
        return $this->authorizePresenceChannel($channel, $socket_id, $user_id, $user_info);
    }

    /**
     * @param  array<array-key, mixed>  $headers
     */
    public function ensure_valid_signature(array $headers, string $body): void
    {
        $this->verifySignature($headers, $body);
    }

    /**
     * @param  array<array-key, mixed>  $arguments
     */
    public function __call(string $name, array $arguments): never
    {
        throw self::elsewhere("{$name}()", 'the facade Fanfare: Fanfare::sendToUser(), terminateUser(), terminateConnection(), '.
            'channels(), channel(), members(), connectionCount()');
    }

    private function publish(Request $request): object
    {
        $this->attempt(fn () => $this->gateways->for($this->connection)->publish($request->messages));

        if ($request->info === []) {
            return new stdClass;
        }

        $channels = [];

        foreach ($request->channels as $name) {
            $channels[$name] = $this->told($name, $request->info);
        }

        return (object) ['channels' => $channels];
    }

    /**
     * @param  array<array-key, mixed>  $batch
     * @return list<Request>
     */
    private function batch(array $batch, bool $encoded): array
    {
        return $this->attempt(function () use ($batch, $encoded): array {
            $requests = [];

            foreach ($batch as $at => $item) {
                $requests[] = Request::item($this->connection, $at, $item, $encoded);
            }

            return $requests;
        });
    }

    /**
     * @param  list<Request>  $requests
     */
    private function publishBatch(array $requests): object
    {
        $messages = array_merge(...array_map(static fn (Request $request): array => $request->messages, $requests));

        if ($messages !== []) {
            $this->attempt(fn () => $this->gateways->for($this->connection)->publish($messages));
        }

        $asked = array_filter($requests, static fn (Request $request): bool => $request->info !== []);

        return $asked === [] ? new stdClass : (object) ['batch' => array_map(
            fn (Request $request): object => $request->info === [] ? new stdClass : $this->told($request->channels[0], $request->info),
            $requests
        )];
    }

    /**
     * @param  mixed  $data
     */
    private function toUser(string $userId, string $event, $data, bool $encoded): Request
    {
        $id = Request::userId($userId);

        return $this->attempt(fn (): Request => Request::toUser($this->connection, $id, $event, $data, $encoded));
    }

    /**
     * @param  list<string>  $info
     */
    private function told(string $channel, array $info): object
    {
        return (object) self::attributes($this->channel($channel, $info), $info);
    }

    /**
     * @param  list<string>  $info
     */
    private function channel(string $name, array $info): Channel
    {
        return $this->attempt(fn (): Channel => $this->server->channel($name, in_array('cache', $info, true)));
    }

    /**
     * What was asked for and applies to this kind of channel.
     *
     * @param  list<string>  $info
     * @return array<string, mixed>
     */
    private static function attributes(Channel $channel, array $info): array
    {
        $all = match (true) {
            ! $channel->occupied => [],
            $channel->members === null => ['subscription_count' => $channel->subscriptions],
            default => ['user_count' => $channel->members],
        };

        if (preg_match('/\A(private-|presence-)?cache-/', $channel->name) === 1) {
            $all['cache'] = $channel->cache === null
                ? null
                : (object) ['data' => $channel->cache->data, 'ttl' => $channel->cache->ttl];
        }

        return array_intersect_key($all, array_flip($info));
    }

    private function sign(string $subject): string
    {
        [$key, $secret] = $this->attempt(fn (): array => $this->connection->signingCredentials());

        return $key.':'.hash_hmac('sha256', $subject, $secret);
    }

    /**
     * An event of a webhook; null if it is encrypted and there is no key for it. Not every event of an encrypted channel
     * carries something: who comes and who goes is told of it as well.
     */
    private function decrypted(object $event): ?object
    {
        $channel = $event->channel ?? null;
        $data = $event->data ?? null;

        if (! is_string($channel) || ! is_string($data) || ! ChannelCipher::covers($channel)) {
            return $event;
        }

        try {
            $text = ChannelCipher::decrypt($this->connection, $channel, $data);
        } catch (MisconfiguredException) {
            return null;
        }

        return (object) (['data' => $text ?? throw Sdk::misused('Decryption of the payload failed. Wrong key?')] + get_object_vars($event));
    }

    /**
     * @param  array<array-key, mixed>  $headers
     */
    private static function header(array $headers, string $name): string
    {
        $value = array_change_key_case($headers)[$name] ?? '';
        $value = is_array($value) ? reset($value) : $value;

        return is_string($value) ? $value : '';
    }

    /**
     * @param  Closure(): object  $call
     */
    private static function promise(Closure $call): PromiseInterface
    {
        try {
            return Create::promiseFor($call());
        } catch (Throwable $e) {
            return Create::rejectionFor($e);
        }
    }

    /**
     * @template T
     *
     * @param  Closure(): T  $call
     * @return T
     */
    private function attempt(Closure $call): mixed
    {
        try {
            return $call();
        } catch (PublishException $e) {
            throw Sdk::refused($e);
        } catch (MisconfiguredException $e) {
            throw Sdk::misused($e->getMessage(), $e);
        }
    }

    private static function elsewhere(string $call, string $instead): BadMethodCallException
    {
        return new BadMethodCallException(
            "Fanfare: getPusher()->{$call} is not there, because nothing is sent over HTTP: use {$instead}."
        );
    }
}
