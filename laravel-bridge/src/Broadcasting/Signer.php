<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Support\Connection;
use JsonException;
use RuntimeException;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

/**
 * Signs what a client shows to the daemon when it subscribes or signs in. Asks nobody.
 */
final class Signer
{
    private const ENCRYPTED = 'private-encrypted-';

    public function __construct(private readonly Connection $connection)
    {
    }

    /**
     * @return array<string, string>
     *
     * @throws MisconfiguredException
     */
    public function channel(mixed $socketId, string $channel): array
    {
        $answer = ['auth' => $this->sign($this->subject($socketId, $channel))];

        if (str_starts_with($channel, self::ENCRYPTED)) {
            $answer['shared_secret'] = base64_encode($this->connection->channelKey($channel));
        }

        return $answer;
    }

    /**
     * @return array<string, string>
     *
     * @throws MisconfiguredException
     */
    public function presence(mixed $socketId, string $channel, string $userId, mixed $userInfo): array
    {
        // The daemon checks the signature over this very text, so it is encoded once.
        $data = self::encode(['user_id' => $userId] + ($userInfo ? ['user_info' => $userInfo] : []), $channel);

        return [
            'auth' => $this->sign($this->subject($socketId, $channel).':'.$data),
            'channel_data' => $data,
        ];
    }

    /**
     * @param  array<array-key, mixed>  $user
     * @return array<string, string>
     *
     * @throws MisconfiguredException
     */
    public function user(mixed $socketId, array $user): array
    {
        $id = $user['id'] ?? null;

        if (! is_scalar($id) || is_bool($id) || (string) $id === '') {
            throw new RuntimeException(
                'The array of the authenticated user for broadcasting needs a non-empty "id"; see Broadcast::resolveAuthenticatedUserUsing().'
            );
        }

        // pusher-js takes nothing but a string.
        $data = self::encode(['id' => (string) $id] + $user, 'the user');

        return [
            'auth' => $this->sign(self::socketId($socketId).'::user::'.$data),
            'user_data' => $data,
        ];
    }

    /**
     * Neither part may hold a colon of its own, or one signature would serve for another purpose.
     */
    private function subject(mixed $socketId, string $channel): string
    {
        if (preg_match('/\A[-a-zA-Z0-9_=@,.;]+\z/', $channel) !== 1) {
            throw new AccessDeniedHttpException('Invalid channel name.');
        }

        return self::socketId($socketId).':'.$channel;
    }

    private static function socketId(mixed $socketId): string
    {
        return SocketId::valid($socketId) ?? throw new AccessDeniedHttpException('Invalid socket id.');
    }

    private function sign(string $subject): string
    {
        [$key, $secret] = $this->connection->signingCredentials();

        return $key.':'.hash_hmac('sha256', $subject, $secret);
    }

    /**
     * @param  array<array-key, mixed>  $data
     */
    private static function encode(array $data, string $whose): string
    {
        try {
            return json_encode($data, JSON_THROW_ON_ERROR);
        } catch (JsonException $e) {
            throw new RuntimeException("The data of {$whose} cannot be JSON: {$e->getMessage()}", 0, $e);
        }
    }
}
