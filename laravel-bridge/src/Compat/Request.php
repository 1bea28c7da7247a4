<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Compat;

use Fanfare\Laravel\Broadcasting\ChannelCipher;
use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\SocketId;
use Fanfare\Laravel\Support\Connection;
use JsonException;
use Throwable;

/**
 * What the SDK checks before it sends, and the messages that its calls mean.
 */
final class Request
{
    private const ATTRIBUTES = ['subscription_count', 'user_count', 'cache'];

    /**
     * @param  non-empty-list<Message>  $messages
     * @param  list<string>  $channels
     * @param  list<string>  $info
     */
    private function __construct(
        public readonly array $messages,
        public readonly array $channels,
        public readonly array $info,
    ) {
    }

    /**
     * @param  array<array-key, mixed>  $params
     *
     * @throws Throwable what Sdk::misused() makes
     */
    public static function trigger(
        Connection $connection,
        mixed $channels,
        string $event,
        mixed $data,
        array $params,
        bool $encoded,
    ): self {
        $names = [];

        foreach (is_array($channels) ? $channels : [$channels] as $channel) {
            $names[] = self::channel($channel);
        }

        return self::compose($connection, $names, $event, $data, $params, $encoded);
    }

    /**
     * @throws Throwable what Sdk::misused() makes
     */
    public static function toUser(Connection $connection, string $userId, string $event, mixed $data, bool $encoded): self
    {
        return self::compose($connection, ['#server-to-user-'.$userId], $event, $data, [], $encoded);
    }

    /**
     * One event of a batch.
     *
     * @throws Throwable what Sdk::misused() makes
     */
    public static function item(Connection $connection, int|string $at, mixed $item, bool $encoded): self
    {
        foreach (['channel', 'name', 'data'] as $name) {
            if (! is_array($item) || ! array_key_exists($name, $item)) {
                throw Sdk::misused("The event {$at} of the batch has no \"{$name}\".");
            }
        }
        if (! is_string($item['name'])) {
            throw Sdk::misused("The \"name\" of event {$at} of the batch is no text.");
        }

        return self::compose($connection, [self::channel($item['channel'])], $item['name'], $item['data'], $item, $encoded);
    }

    /**
     * @throws Throwable what Sdk::misused() makes
     */
    public static function channel(mixed $channel): string
    {
        if (! is_string($channel) || preg_match('/\A#?[-a-zA-Z0-9_=@,.;]+\z/', $channel) !== 1) {
            throw Sdk::misused('Invalid channel name '.self::shown($channel));
        }

        return $channel;
    }

    /**
     * @throws Throwable what Sdk::misused() makes
     */
    public static function socketId(mixed $socketId): string
    {
        return SocketId::valid($socketId) ?? throw Sdk::misused('Invalid socket ID '.self::shown($socketId));
    }

    /**
     * @throws Throwable what Sdk::misused() makes
     */
    public static function userId(mixed $userId): string
    {
        if (! is_scalar($userId) || is_bool($userId) || (string) $userId === '') {
            throw Sdk::misused('Invalid user id '.self::shown($userId));
        }

        return (string) $userId;
    }

    /**
     * A list of attributes, which the SDK takes as text with commas or as a list.
     *
     * @return list<string>
     */
    public static function info(mixed $info): array
    {
        $names = is_array($info) ? array_filter($info, is_string(...)) : explode(',', is_string($info) ? $info : '');

        // Others are ignored, as the API does.
        return array_values(array_intersect(self::ATTRIBUTES, array_map(trim(...), $names)));
    }

    /**
     * @throws Throwable what Sdk::misused() makes
     */
    public static function json(mixed $value, int $flags = 0): string
    {
        try {
            return json_encode($value, $flags | JSON_THROW_ON_ERROR);
        } catch (JsonException $e) {
            throw Sdk::misused('Data encoding error.', $e);
        }
    }

    /**
     * @param  list<string>  $channels
     * @param  array<array-key, mixed>  $params
     *
     * @throws Throwable what Sdk::misused() makes
     */
    private static function compose(Connection $connection, array $channels, string $event, mixed $data, array $params, bool $encoded): self
    {
        $except = isset($params['socket_id']) ? self::socketId($params['socket_id']) : null;
        $text = $encoded && is_string($data) ? $data : self::json($data);
        $plain = array_values(array_filter($channels, static fn (string $channel): bool => ! ChannelCipher::covers($channel)));
        $messages = [];

        if (preg_match('//u', $text) !== 1 || preg_match('//u', $event) !== 1) {
            throw Sdk::misused('Data encoding error.');
        }
        if ($channels === []) {
            throw Sdk::misused('An event needs a channel.');
        }
        if ($plain !== []) {
            $messages[] = new Message($plain, $event, $text, $except);
        }
        // Each with its own key, which the SDK does for the first one only.
        foreach (array_diff($channels, $plain) as $channel) {
            $messages[] = new Message([$channel], $event, ChannelCipher::encrypt($connection, $channel, $text), $except);
        }

        /** @var non-empty-list<Message> $messages */
        return new self($messages, $channels, self::info($params['info'] ?? null));
    }

    private static function shown(mixed $value): string
    {
        return is_scalar($value) ? (string) $value : get_debug_type($value);
    }
}
