<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Connection;

/**
 * What pusher-js decrypts on channels private-encrypted-*, each with a key of its own.
 */
final class ChannelCipher
{
    private const PREFIX = 'private-encrypted-';

    public static function covers(string $channel): bool
    {
        return str_starts_with($channel, self::PREFIX);
    }

    /**
     * @throws MisconfiguredException|PublishException
     */
    public static function encrypt(Connection $connection, string $channel, string $text): string
    {
        $key = self::key($connection, $channel);
        $nonce = random_bytes(SODIUM_CRYPTO_SECRETBOX_NONCEBYTES);

        return Message::encode([
            'nonce' => base64_encode($nonce),
            'ciphertext' => base64_encode(sodium_crypto_secretbox($text, $nonce, $key)),
        ]);
    }

    /**
     * Null if it is not what encrypt() made with the same key.
     *
     * @throws MisconfiguredException
     */
    public static function decrypt(Connection $connection, string $channel, string $encrypted): ?string
    {
        $key = self::key($connection, $channel);
        $parts = json_decode($encrypted, true);
        $nonce = self::bytes($parts, 'nonce');
        $ciphertext = self::bytes($parts, 'ciphertext');

        if ($ciphertext === null || $nonce === null || strlen($nonce) !== SODIUM_CRYPTO_SECRETBOX_NONCEBYTES) {
            return null;
        }

        $text = sodium_crypto_secretbox_open($ciphertext, $nonce, $key);

        return $text === false ? null : $text;
    }

    private static function bytes(mixed $parts, string $name): ?string
    {
        $part = is_array($parts) ? $parts[$name] ?? null : null;
        $bytes = is_string($part) ? base64_decode($part, true) : false;

        return $bytes === false || $bytes === '' ? null : $bytes;
    }

    /**
     * @throws MisconfiguredException
     */
    private static function key(Connection $connection, string $channel): string
    {
        if (! function_exists('sodium_crypto_secretbox')) {
            throw new MisconfiguredException('encrypted channels need PHP\'s extension "sodium"');
        }

        return $connection->channelKey($channel);
    }
}
