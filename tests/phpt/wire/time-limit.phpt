--TEST--
The time limit ends a wait wherever it waits; a shutdown function still publishes, on a new connection
--EXTENSIONS--
fanfare
pcntl
--SKIPIF--
<?php
if (PHP_ZTS) {
    die('skip with threads the limit has a timer of its own, whose signal cannot be sent from outside: see listen-time.phpt');
}
?>
--INI--
max_execution_time=600
--FILE--
<?php
require __DIR__ . '/fake.inc';
// Where PHP counts the time of the processor a wait costs none of it: what the kernel would send then is sent.
const LIMIT = '<?php
    require $argv[2] . "/fake.inc";
    $client = new Fanfare\Client("app", "secret", $argv[1], 30.0);
    register_shutdown_function(function () use ($client) {
        try {
            receipt($client->publish("a", "shutdown function"));
        } catch (Throwable $e) {
            report($e);
        }
    });
    echo "begins\n";
    try {
        match ($argv[3]) {
            "publish" => $client->publish("a", "e"),
            "batch" => $client->publishMany([new Fanfare\Message("a", "e")]),
            "flush" => [$client->publishAsync("a", "e"), $client->flush()],
            "ping" => $client->ping(),
            "connect" => $client->publish("a", "e"),
        };
        echo "went on\n";
    } finally {
        echo "finally\n";
    }
';
foreach (['publish', 'batch', 'flush', 'ping'] as $what) {
    $fake = new Fake('
        $c = accept();
        hello($c);
        $first = show(frame($c));
        echo "limit\n";
        $f = frame($c);
        if ($f === null) {
            echo "closed\n";
            $c = accept();
            hello($c);
            $f = frame($c);
        } else {
            ack($c, $first);
        }
        do {
            ack($c, show($f));
        } while (($f = frame($c)) !== null);
    ');
    run($what, $fake);
}
// a daemon that is away, so that the call sleeps
$fake = new Fake('
    global $server, $socket;
    fclose($server);
    echo "limit\n";
    wait();
    unlink($socket);
    $server = listen();
    echo "back\n";
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
');
run('connect', $fake);

function run(string $what, Fake $fake): void
{
    file_put_contents("$fake->dir/run.php", LIMIT);
    $process = proc_open([PHP_BINARY, '-n', '-d', 'max_execution_time=600', '-d', 'html_errors=0', '-d', 'log_errors=0',
        '-d', 'extension_dir=' . ini_get('extension_dir'), '-d', 'extension=' . (getenv('FANFARE_SO') ?: 'fanfare'),
        "$fake->dir/run.php", $fake->socket, __DIR__, $what], [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    while (($line = $fake->line()) !== "limit\n") {
        echo $line;
    }
    fgets($pipes[1]);
    // it waits, or a moment later at the latest
    $pid = proc_get_status($process)['pid'];
    for ($i = 0; $i < 5000 && !preg_match('/^State:\s+S/m', (string) file_get_contents("/proc/$pid/status")); $i++) {
        usleep(1000);
    }
    exec("kill -PROF $pid");
    if ($what === 'connect') {
        // not before it has given up, or it would find the daemon again
        echo fgets($pipes[1]);
        $fake->go();
        $fake->line();
    }
    // Some versions tell of the exception that the fatal error overtook, others do not.
    preg_match_all('/^(Fatal error: Maximum execution time|receipt|went on|finally|Fanfare).*$/m', stream_get_contents($pipes[1]), $lines);
    echo preg_replace('/ in \S+ on line \d+/', '', implode("\n", $lines[0])), "\n";
    proc_close($process);
    unlink("$fake->dir/run.php");
    echo $fake->finish(), "--\n";
}
?>
--EXPECT--
[2,1,["a"],"e",null,null,"[]"]
Fatal error: Maximum execution time of 600 seconds exceeded
receipt id-2 0
closed
[2,2,["a"],"shutdown function",null,null,"[]"]
--
[3,1,[[["a"],"e",null,null,"[]"]]]
Fatal error: Maximum execution time of 600 seconds exceeded
receipt id-2 0
closed
[2,2,["a"],"shutdown function",null,null,"[]"]
--
[2,1,["a"],"e",null,null,"[]"]
Fatal error: Maximum execution time of 600 seconds exceeded
receipt id-2 0
[2,2,["a"],"shutdown function",null,null,"[]"]
--
[4,1]
Fatal error: Maximum execution time of 600 seconds exceeded
receipt id-2 0
closed
[2,2,["a"],"shutdown function",null,null,"[]"]
--

Fatal error: Maximum execution time of 600 seconds exceeded
receipt id-1 0
[2,1,["a"],"shutdown function",null,null,"[]"]
--
