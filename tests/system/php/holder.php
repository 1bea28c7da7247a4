<?php

declare(strict_types=1);

/*
 * Holds a Unix socket and starts a program with it, as systemd does with a socket unit, as often as it is told.
 *
 *   php holder.php SOCKET NAMES PROGRAM ARGUMENT...
 *
 * NAMES go to LISTEN_FDNAMES; for each name behind the first, a TCP socket is passed as well, on the port in NAME=PORT. Each line on standard input starts
 * the program; "pid N" and, when it has ended, "ended STATUS" come on standard output. It ends with its input.
 */

[$path, $names] = array_slice($argv, 1, 2);
$program = array_slice($argv, 3);

// The one for publishers comes last: where it is, all are.
$sockets = [];
foreach (array_slice(explode(':', $names), 1) as $name) {
    $sockets[] = stream_socket_server('tcp://127.0.0.1:'.(explode('=', $name)[1] ?? 0));
}
array_unshift($sockets, stream_socket_server("unix://{$path}"));
$names = preg_replace('/=\d+/', '', $names);

while (fgets(STDIN) !== false) {
    // The number of a process is known to itself only.
    $process = proc_open(
        ['sh', '-c', 'export LISTEN_PID=$$; exec "$0" "$@"', ...$program],
        [0 => ['file', '/dev/null', 'r'], 1 => STDERR, 2 => STDERR, ...array_combine(range(3, 2 + count($sockets)), $sockets)],
        $pipes,
        null,
        ['LISTEN_FDS' => (string) count($sockets), 'LISTEN_FDNAMES' => $names] + getenv(),
    );
    echo 'pid ', proc_get_status($process)['pid'], "\n";
    echo 'ended ', proc_close($process), "\n";
}
