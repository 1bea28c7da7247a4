--TEST--
Closed standard descriptors, none that are free, children and pcntl_exec(): a connection is on none of 0 to 2, and nobody inherits it
--EXTENSIONS--
fanfare
pcntl
--SKIPIF--
<?php if (!is_dir('/proc/self/fd')) die('skip no /proc'); ?>
--FILE--
<?php
require __DIR__ . '/fake.inc';
const SERVES = '
    for (;;) {
        $read = [$server, STDIN];
        $none = null;
        stream_select($read, $none, $none, 30);
        if (!in_array($server, $read, true)) {
            break;
        }
        $c = accept();
        hello($c);
        while (($f = frame($c)) !== null) {
            ack($c, show($f));
        }
        echo "closed\n";
    }
';
$fake = new Fake(SERVES);
$command = [PHP_BINARY, '-n', '-d', 'extension_dir=' . ini_get('extension_dir'), '-d', 'log_errors=0'];
if (!in_array('pcntl', explode("\n", (string) shell_exec(escapeshellarg(PHP_BINARY) . ' -n -m')), true)) {
    array_push($command, '-d', 'extension=pcntl');
}
array_push($command, '-d', 'extension=' . (getenv('FANFARE_SO') ?: 'fanfare'));
$php = implode(' ', array_map('escapeshellarg', $command));
file_put_contents("$fake->dir/run.php", '<?php
    /** @return list<int> */
    function sockets(): array
    {
        $all = [];
        foreach (scandir("/proc/self/fd") as $fd) {
            if (str_starts_with((string) @readlink("/proc/self/fd/$fd"), "socket:")) {
                $all[] = (int) $fd;
            }
        }
        return $all;
    }
    ignore_user_abort(true); // without standard output PHP would end at the first thing printed
    $client = new Fanfare\Client("app", "secret", $argv[1], 10.0);
    $before = sockets();
    $id = $client->publish("a", $argv[2])->id;
    $own = array_values(array_diff(sockets(), $before));
    // would go into the connection if it were one of these
    @file_put_contents("php://output", str_repeat("x", 100));
    foreach (["php://fd/0", "php://fd/1", "php://fd/2"] as $to) {
        @file_put_contents($to, str_repeat("z", 100));
    }
    $second = $client->publish("a", "again")->id;
    file_put_contents($argv[3], "$id $second: " . (count($own) === 1 && $own[0] > 2 ? "apart" : json_encode($own)) . "\n");
');
foreach (['', '0<&-', '1>&-', '2>&-', '0<&- 1>&- 2>&-'] as $closed) {
    exec("$php $fake->dir/run.php $fake->socket " . escapeshellarg("with $closed") . " $fake->dir/out </dev/null >/dev/null 2>/dev/null $closed");
    echo file_get_contents("$fake->dir/out");
    unlink("$fake->dir/out");
}
unlink("$fake->dir/run.php");
echo $fake->finish();

// Whoever is started inherits nothing.
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
    $d = accept();
    hello($d);
    while (($f = frame($d)) !== null) {
        ack($d, show($f));
    }
    echo "closed\n";
    while (($f = frame($c)) !== null) {
        ack($c, show($f));
    }
');
$client = $fake->client();
$own = fn () => array_filter(array_map(fn ($fd) => (string) @readlink("/proc/self/fd/$fd"), scandir('/proc/self/fd')), fn ($to) => str_starts_with($to, 'socket:'));
$before = $own();
receipt($client->publish('a', 'parent'));
$connection = array_values(array_diff($own(), $before));
echo count($connection), "\n";
$process = proc_open(['ls', '-l', '/proc/self/fd'], [1 => ['pipe', 'w']], $pipes);
$seen = stream_get_contents($pipes[1]);
proc_close($process);
var_dump(strlen($seen) > 0, str_contains($seen, $connection[0]), str_contains((string) shell_exec('ls -l /proc/self/fd'), $connection[0]));

// pcntl_exec() ends the connection; what was deferred goes with the process, unless it was flushed.
if (($pid = pcntl_fork()) === 0) {
    receipt($client->publish('a', 'child'));
    $client->publishAsync('a', 'flushed before exec');
    outcome($client->flush());
    pcntl_exec('/bin/sh', ['-c', 'ls -l /proc/$$/fd | grep "' . $connection[0] . '"; exit 5']);
}
pcntl_waitpid($pid, $status);
echo pcntl_wexitstatus($status), "\n";
receipt($client->publish('a', 'parent again'));
$client->close();
echo $fake->finish();

// No descriptor is free.
$fake = new Fake(SERVES);
echo shell_exec('ulimit -n 24; ' . $php . ' -r ' . escapeshellarg('
    require "' . __DIR__ . '/fake.inc";
    $client = new Fanfare\Client("app", "secret", "' . $fake->socket . '", 10.0);
    $held = [];
    while (($one = @fopen("/dev/null", "r")) !== false) {
        $held[] = $one;
    }
    $start = microtime(true);
    fails(fn () => $client->publish("a", "never"));
    echo microtime(true) - $start < 1 ? "at once\n" : "late\n";
    var_dump($client->publishAsync("a", "deferred"));
    outcome($client->flush(1));
    unset($held, $one);
    // It was not taken for a daemon that is away: one that is restarted now is waited for.
    $socket = "' . $fake->socket . '";
    rename($socket, "$socket.away");
    exec("(sleep 0.2; mv $socket.away $socket) >/dev/null 2>&1 &");
    receipt($client->publish("a", "descriptors are free"));
') . ' 2>&1');
echo $fake->finish();
?>
--EXPECT--
id-1 id-2: apart
id-1 id-2: apart
id-1 id-2: apart
id-1 id-2: apart
id-1 id-2: apart
[2,1,["a"],"with ",null,null,"[]"]
[2,2,["a"],"again",null,null,"[]"]
closed
[2,1,["a"],"with 0<&-",null,null,"[]"]
[2,2,["a"],"again",null,null,"[]"]
closed
[2,1,["a"],"with 1>&-",null,null,"[]"]
[2,2,["a"],"again",null,null,"[]"]
closed
[2,1,["a"],"with 2>&-",null,null,"[]"]
[2,2,["a"],"again",null,null,"[]"]
closed
[2,1,["a"],"with 0<&- 1>&- 2>&-",null,null,"[]"]
[2,2,["a"],"again",null,null,"[]"]
closed
receipt id-1 0
1
bool(true)
bool(false)
bool(false)
receipt id-1 0
acknowledged 1 rejected 0 unanswered 0
5
receipt id-2 0
[2,1,["a"],"parent",null,null,"[]"]
[2,1,["a"],"child",null,null,"[]"]
[2,2,["a"],"flushed before exec",null,null,"[]"]
closed
[2,2,["a"],"parent again",null,null,"[]"]
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: Too many open files (this process has none left: raise its limit, "ulimit -n" or LimitNOFILE, or look for what it leaves open)
at once
int(1)
acknowledged 0 rejected 0 unanswered 1
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: Too many open files (this process has none left: raise its limit, "ulimit -n" or LimitNOFILE, or look for what it leaves open)
receipt id-2 0
[2,1,["a"],"deferred",null,null,"[]"]
[2,2,["a"],"descriptors are free",null,null,"[]"]
closed
