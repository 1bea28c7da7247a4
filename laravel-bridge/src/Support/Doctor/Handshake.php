<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

use Fanfare\Laravel\Support\Endpoint;

/**
 * One WebSocket handshake as a browser makes it, and what came back. No library: what is of interest is what a proxy in
 * between has made of it.
 */
final class Handshake
{
    private const HEAD_MAX = 65_536;

    private const BODY_MAX = 2_048;

    private const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

    /**
     * @param  'open'|'refused'|'status'|'unreachable'|'certificate'|'tls'|'silent'|'garbled'|'unresolved'  $outcome
     * @param  string  $detail  what was said, for the outcome
     * @param  array<string, string>  $headers  in lower case
     */
    private function __construct(
        public readonly string $outcome,
        public readonly string $detail = '',
        public readonly int $status = 0,
        public readonly array $headers = [],
        public readonly string $body = '',
        public readonly int $code = 0,
    ) {
    }

    public static function with(Endpoint $endpoint, string $key, ?string $origin, float $patience): self
    {
        $end = microtime(true) + $patience;
        $host = trim($endpoint->host, '[]');

        $address = (str_contains($host, ':') ? "[{$host}]" : $host).':'.$endpoint->port;
        $stream = @stream_socket_client("tcp://{$address}", $number, $why, $patience);

        if ($stream === false) {
            // PHP names the call that failed; what follows is the name service's own text.
            return str_contains((string) $why, 'getaddrinfo') ? new self('unresolved', $host) : new self('unreachable', (string) $why);
        }

        try {
            return self::speak($stream, $endpoint, $host, $key, $origin, $end);
        } finally {
            fclose($stream);
        }
    }

    /**
     * @param  resource  $stream
     */
    private static function speak($stream, Endpoint $endpoint, string $host, string $key, ?string $origin, float $end): self
    {
        $left = static fn (): float => max(0.05, $end - microtime(true));
        $limit = static function () use ($stream, $left): void {
            stream_set_timeout($stream, (int) $left(), (int) (fmod($left(), 1) * 1_000_000));
        };
        $limit();

        if ($endpoint->tls) {
            foreach (['peer_name' => $host, 'verify_peer' => true, 'verify_peer_name' => true, 'SNI_enabled' => true] as $option => $value) {
                stream_context_set_option($stream, 'ssl', $option, $value);
            }
            $why = '';
            set_error_handler(static function (int $level, string $message) use (&$why): bool {
                $why .= $message."\n";

                return true;
            });
            $secure = stream_socket_enable_crypto($stream, true, STREAM_CRYPTO_METHOD_TLS_CLIENT);
            restore_error_handler();

            if ($secure !== true) {
                $text = (string) preg_replace('/stream_socket_enable_crypto\(\): |OpenSSL Error messages:|SSL operation failed with code \d+\.|error:[0-9A-F]+:/', '', $why);
                $text = trim((string) preg_replace('/\s+/', ' ', $text));

                return new self(preg_match('/certificate|did not match|peer_name/i', $why) === 1 && preg_match('/wrong version|unknown protocol/i', $why) !== 1 ? 'certificate' : 'tls', $text);
            }
        }
        $nonce = base64_encode(random_bytes(16));
        $path = $endpoint->path.'/app/'.rawurlencode($key).'?protocol=7&client=fanfare-doctor&version=1.0&flash=false';
        $standard = $endpoint->port === ($endpoint->tls ? 443 : 80);
        @fwrite($stream, "GET {$path} HTTP/1.1\r\nHost: ".(str_contains($host, ':') ? "[{$host}]" : $host).($standard ? '' : ":{$endpoint->port}")
            ."\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {$nonce}\r\n"
            .($origin === null ? '' : "Origin: {$origin}\r\n")."\r\n");

        $head = '';
        while (! str_contains($head, "\r\n\r\n") && strlen($head) < self::HEAD_MAX && microtime(true) < $end) {
            $limit();
            // Single bytes, as what follows the head is for the next reader; PHP buffers them.
            $byte = fgets($stream, 4_096);
            if ($byte === false) {
                break;
            }
            $head .= $byte;
        }

        if (preg_match('#^HTTP/1\.[01] (\d{3})#', $head, $match) !== 1) {
            return $head === '' ? new self('silent') : new self('garbled', substr($head, 0, 80));
        }
        $headers = [];
        foreach (explode("\r\n", $head) as $line) {
            if (str_contains($line, ':')) {
                [$name, $value] = explode(':', $line, 2);
                $headers[strtolower(trim($name))] = trim($value);
            }
        }

        if ($match[1] !== '101') {
            $limit();
            $body = (int) ($headers['content-length'] ?? 1) > 0 ? (string) @fread($stream, self::BODY_MAX) : '';

            return new self('status', '', (int) $match[1], $headers, $body);
        }

        if (($headers['sec-websocket-accept'] ?? '') !== base64_encode(hash('sha1', $nonce.self::GUID, true))) {
            return new self('garbled', 'the answer to the handshake belongs to another one', 101, $headers);
        }
        $message = self::frame($stream, $limit);
        @fwrite($stream, "\x88\x82\0\0\0\0\x03\xe8");

        if ($message === null) {
            return new self('silent', 'nothing came after the handshake', 101, $headers);
        }
        $event = json_decode($message, true);
        $data = is_array($event) ? $event['data'] ?? null : null;
        $data = is_string($data) ? json_decode($data, true) : $data;

        return match (is_array($event) ? $event['event'] ?? null : null) {
            'pusher:connection_established' => new self('open', '', 101, $headers),
            'pusher:error' => new self('refused', is_array($data) && is_string($data['message'] ?? null) ? $data['message'] : '', 101, $headers, '',
                is_array($data) && is_int($data['code'] ?? null) ? $data['code'] : 0),
            default => new self('garbled', substr($message, 0, 80), 101, $headers),
        };
    }

    /**
     * The first text frame.
     *
     * @param  resource  $stream
     * @param  callable(): void  $limit
     */
    private static function frame($stream, callable $limit): ?string
    {
        $read = static function (int $length) use ($stream, $limit): ?string {
            $text = '';
            while (strlen($text) < $length) {
                $limit();
                $more = @fread($stream, max(1, $length - strlen($text)));
                if ($more === false || $more === '') {
                    return null;
                }
                $text .= $more;
            }

            return $text;
        };
        $head = $read(2);

        if ($head === null || (ord($head[0]) & 0x0F) !== 1) {
            return null;
        }
        $length = ord($head[1]) & 0x7F;

        if ($length === 126) {
            $extended = $read(2);
            $length = $extended === null ? 0 : (ord($extended[0]) << 8) + ord($extended[1]);
        }

        return $length === 127 || $length === 0 ? null : $read($length);
    }
}
