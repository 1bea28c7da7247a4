<?php

declare(strict_types=1);

/*
 * A client that stays until the server closes the connection, and says with which code: "closed 4200".
 *
 *   php stayer.php PORT KEY
 */

[, $port, $key] = $argv;
$socket = stream_socket_client("tcp://127.0.0.1:{$port}");
stream_set_timeout($socket, 300);
fwrite($socket, "GET /app/{$key}?protocol=7 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    ."Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
while (($line = fgets($socket)) !== false && trim($line) !== '') {
}
echo "open\n";
while (($head = fread($socket, 2)) !== false && strlen($head) === 2) {
    $size = ord($head[1]) & 127;
    if ($size === 126) {
        $size = unpack('n', stream_get_contents($socket, 2))[1];
    }
    $body = $size > 0 ? stream_get_contents($socket, $size) : '';
    if ((ord($head[0]) & 15) === 8) {
        echo 'closed ', unpack('n', $body)[1], "\n";
        exit;
    }
}
echo "lost\n";
