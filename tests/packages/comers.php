<?php

declare(strict_types=1);

/*
 * Clients that come one after the other, until a file is there: how many were served (a WebSocket was opened), cut (connected and
 * closed without one, as by a server that drains) and refused.
 *
 *   php comers.php PORT KEY FILE
 */

[, $port, $key, $file] = $argv;
$counts = ['served' => 0, 'cut' => 0, 'refused' => 0];
$head = "GET /app/{$key}?protocol=7 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    ."Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
while (! file_exists($file)) {
    $socket = @stream_socket_client("tcp://127.0.0.1:{$port}", $errno, $why, 60);
    if ($socket === false) {
        $counts['refused']++;

        continue;
    }
    stream_set_timeout($socket, 60);
    @fwrite($socket, $head);
    $counts[str_starts_with((string) @fgets($socket), 'HTTP/1.1 101 ') ? 'served' : 'cut']++;
    fclose($socket);
    // As many at a time as a machine has that does other things, too.
    usleep(5000);
}
echo "served {$counts['served']} cut {$counts['cut']} refused {$counts['refused']}\n";
