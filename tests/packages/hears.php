<?php

declare(strict_types=1);

/*
 * A client that subscribes to a channel and says what it hears there, until the server closes the connection:
 * "subscribed", "heard EVENT DATA", "closed 4200", "lost".
 *
 *   php hears.php HOST PORT KEY CHANNEL
 */

[, $host, $port, $key, $channel] = $argv;
$socket = @stream_socket_client("tcp://{$host}:{$port}", $errno, $why, 10);
if ($socket === false) {
    exit("refused: {$why}\n");
}
stream_set_timeout($socket, 300);
fwrite($socket, "GET /app/{$key}?protocol=7 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    ."Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
while (($line = fgets($socket)) !== false && trim($line) !== '') {
}
// Masked with zeros, which leave it as it is.
$message = json_encode(['event' => 'pusher:subscribe', 'data' => ['channel' => $channel]], JSON_THROW_ON_ERROR);
fwrite($socket, "\x81".chr(0x80 | strlen($message))."\0\0\0\0".$message);
while (($head = (string) stream_get_contents($socket, 2)) !== '' && strlen($head) === 2) {
    $size = ord($head[1]) & 127;
    if ($size === 126) {
        $size = unpack('n', stream_get_contents($socket, 2))[1];
    }
    $body = $size > 0 ? stream_get_contents($socket, $size) : '';
    if ((ord($head[0]) & 15) === 8) {
        echo 'closed ', unpack('n', $body)[1], "\n";
        exit;
    }
    $said = json_decode($body, true);
    match (true) {
        ($said['event'] ?? '') === 'pusher_internal:subscription_succeeded' => print "subscribed\n",
        isset($said['channel']) => print "heard {$said['event']} {$said['data']}\n",
        default => null,
    };
}
echo "lost\n";
