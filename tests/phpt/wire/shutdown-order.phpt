--TEST--
Whatever publishes while a request ends is sent: shutdown functions, destructors, output callbacks, generators; what they throw harms nothing
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 3; $i++) {
        $c = accept();
        hello($c);
        $all = "";
        while (($f = frame($c)) !== null) {
            ack($c, $f);
            $all .= "$f[1] $f[3]\n";
        }
        $seen[] = $all;
        echo "--\n";
    }
    echo implode("--\n", $seen);
');
file_put_contents("$fake->dir/run.php", '<?php
    require $argv[2] . "/fake.inc";
    final class Last
    {
        public function __construct(private string $name, private Fanfare\Client $client, private bool $throws = false) {}
        public function __destruct()
        {
            $this->client->publishAsync("a", "destructor, deferred: $this->name");
            receipt($this->client->publish("a", "destructor: $this->name"));
            if ($this->throws) {
                throw new LogicException("from a destructor");
            }
        }
    }
    function leave(Fanfare\Client $client): void
    {
        static $last = [];
        $last[] = new Last("static", $client);
    }
    $throws = $argv[3] === "throws";
    $client = new Fanfare\Client("app", "secret", $argv[1], 10.0);
    ob_start(function (string $text) use ($client): string {
        $client->publishAsync("a", "output callback");
        return $text;
    });
    register_shutdown_function(function () use ($client, $throws) {
        $client->publishAsync("a", "shutdown function, deferred");
        register_shutdown_function(function () use ($client, $throws) {
            receipt($client->publish("a", "shutdown function of a shutdown function"));
            if ($throws) {
                throw new LogicException("from a shutdown function");
            }
        });
    });
    $generator = (function () use ($client) { try { yield 1; } finally { $client->publishAsync("a", "generator"); } })();
    $generator->current();
    $cycle = new stdClass;
    $cycle->self = $cycle;
    $cycle->last = new Last("in a cycle", $client);
    unset($cycle);
    leave($client);
    $first = new Last("first", $client, $throws);
    // With a handler versions of PHP go on differently after what a destructor throws.
    if ($argv[3] === "handler") {
        set_exception_handler(function (Throwable $e) use ($client) {
            receipt($client->publish("a", "handler: " . $e->getMessage()));
        });
    }
    if ($throws || $argv[3] === "handler") {
        throw new LogicException("uncaught");
    }
');
foreach (['returns', 'handler', 'throws'] as $how) {
    $process = proc_open([PHP_BINARY, '-n', '-d', 'display_errors=0', '-d', 'log_errors=0', '-d', 'fanfare.shutdown_flush=10', '-d', 'extension_dir=' . ini_get('extension_dir'),
        '-d', 'extension=' . (getenv('FANFARE_SO') ?: 'fanfare'), "$fake->dir/run.php", $fake->socket, __DIR__, $how], [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    echo stream_get_contents($pipes[1]), 'status ', proc_close($process), "\n";
    echo $fake->line();
}
unlink("$fake->dir/run.php");
echo $fake->finish();
?>
--EXPECT--
receipt id-2 0
receipt id-4 0
receipt id-7 0
receipt id-9 0
status 0
--
receipt id-1 0
receipt id-3 0
receipt id-5 0
receipt id-8 0
receipt id-10 0
status 0
--
receipt id-2 0
receipt id-4 0
status 255
--
1 shutdown function, deferred
2 shutdown function of a shutdown function
3 destructor, deferred: first
4 destructor: first
5 generator
6 destructor, deferred: in a cycle
7 destructor: in a cycle
8 destructor, deferred: static
9 destructor: static
10 output callback
--
1 handler: uncaught
2 shutdown function, deferred
3 shutdown function of a shutdown function
4 destructor, deferred: first
5 destructor: first
6 generator
7 destructor, deferred: in a cycle
8 destructor: in a cycle
9 destructor, deferred: static
10 destructor: static
11 output callback
--
1 shutdown function, deferred
2 shutdown function of a shutdown function
3 destructor, deferred: first
4 destructor: first
5 output callback
