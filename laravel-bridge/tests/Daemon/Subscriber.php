<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Daemon;

use RuntimeException;

/**
 * The few lines of a WebSocket client that reading short text frames takes.
 */
final class Subscriber
{
    public readonly string $socketId;

    /** @var resource */
    private $stream;

    private string $buffer = '';

    public function __construct(int $port, string $key)
    {
        $stream = stream_socket_client("tcp://127.0.0.1:{$port}", timeout: 5);
        if ($stream === false) {
            throw new RuntimeException('no connection');
        }
        $this->stream = $stream;
        stream_set_timeout($this->stream, 5);
        fwrite($this->stream, "GET /app/{$key}?protocol=7&client=test&version=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n".
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ".base64_encode(random_bytes(16))."\r\n\r\n");
        while (($line = fgets($this->stream)) !== "\r\n") {
            if ($line === false) {
                throw new RuntimeException('no handshake');
            }
        }
        $this->socketId = json_decode($this->next('pusher:connection_established')['data'], true)['socket_id'];
    }

    /**
     * @param  array<string, string>  $auth
     */
    public function subscribe(string $channel, array $auth = []): void
    {
        unset($auth['shared_secret']);
        $this->send((string) json_encode(['event' => 'pusher:subscribe', 'data' => ['channel' => $channel] + $auth]));
        $this->next('pusher_internal:subscription_succeeded');
    }

    /**
     * @param  array<string, string>  $auth
     */
    public function signIn(array $auth): void
    {
        $this->send((string) json_encode(['event' => 'pusher:signin', 'data' => $auth]));
        $this->next('pusher:signin_success');
    }

    /**
     * The next message, which must be this one.
     *
     * @return array{event: string, data: string, channel?: string}
     */
    public function next(string $event): array
    {
        $message = json_decode($this->frame(), true);
        if (! is_array($message) || $message['event'] !== $event) {
            throw new RuntimeException("expected {$event}, got ".json_encode($message));
        }

        return $message;
    }

    private function send(string $text): void
    {
        $length = strlen($text);
        $head = $length < 126 ? chr(0x80 | $length) : chr(0x80 | 126).pack('n', $length);
        // A mask of zeros is a mask.
        fwrite($this->stream, "\x81".$head."\0\0\0\0".$text);
    }

    private function frame(): string
    {
        $length = ord($this->read(2)[1]);
        if ($length === 126) {
            $length = unpack('n', $this->read(2))[1];
        } elseif ($length === 127) {
            $length = unpack('J', $this->read(8))[1];
        }

        return $this->read($length);
    }

    private function read(int $length): string
    {
        while (strlen($this->buffer) < $length) {
            // Not one byte more than is missing, or PHP waits for it.
            $piece = fread($this->stream, max(1, $length - strlen($this->buffer)));
            if ($piece === false || $piece === '') {
                throw new RuntimeException('nothing more came');
            }
            $this->buffer .= $piece;
        }
        $bytes = substr($this->buffer, 0, $length);
        $this->buffer = substr($this->buffer, $length);

        return $bytes;
    }
}
