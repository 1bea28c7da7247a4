--TEST--
Signal handlers that publish, that throw and that exit, while a call waits
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
const DAEMON = '
    $c = accept();
    hello($c);
    $f = frame($c);
    echo "waiting\n";
    wait();
    ack($c, $f);
    for (;;) {
        while (($f = frame($c)) !== null) {
            ack($c, show($f));
        }
        $read = [$server, STDIN];
        $none = null;
        stream_select($read, $none, $none, 30);
        if (!in_array($server, $read, true)) {
            break;
        }
        echo "next connection\n";
        $c = accept();
        hello($c);
    }
';
const SCRIPT = '
    require "%s/fake.inc";
    $client = new Fanfare\Client("app", "secret", "%s", 20.0);
    pcntl_async_signals(true);
    pcntl_signal(SIGUSR1, %s);
    register_shutdown_function(function () use ($client) { receipt($client->publish("a", "shutdown")); });
    try {
        // not receipt(...) at once: PHP 8.2 frees too much when a handler throws between a call and the one it is an argument of
        $receipt = %s;
        receipt($receipt);
        receipt($client->publish("a", "second"));
    } catch (DomainException $e) {
        echo $e->getMessage(), "\n";
        receipt($client->publish("a", "third"));
    }
    outcome($client->flush());
';
foreach ([
    ['function () use ($client) { receipt($client->publish("a", "handler")); $client->publishAsync("a", "handler"); }', '$client->publish("a", "e")'],
    ['function () { throw new DomainException("thrown by the handler"); }', '$client->publish("a", "e")'],
    ['function () { exit(4); }', '$client->publish("a", "e")'],
    ['function () use ($client) { $client->publish("a", "handler"); throw new DomainException("thrown by the handler"); }', '$client->publishMany([new Fanfare\Message("a", "e")])[0]'],
    ['function () use ($client) { $client->close(); }', '$client->publish("a", "e")'],
] as [$handler, $call]) {
    $fake = new Fake(DAEMON);
    // a debug build would report what the engine itself leaks when a handler throws as a call returns: its result
    $settings = ['report_memleaks' => 0, 'extension_dir' => ini_get('extension_dir'), 'display_errors' => 1, 'log_errors' => 0, 'html_errors' => 0];
    $command = [PHP_BINARY, '-n'];
    foreach ($settings as $name => $value) {
        array_push($command, '-d', "$name=$value");
    }
    if (!in_array('pcntl', explode("\n", (string) shell_exec(escapeshellarg(PHP_BINARY) . ' -n -m')), true)) {
        array_push($command, '-d', 'extension=pcntl');
    }
    array_push($command, '-d', 'extension=' . (getenv('FANFARE_SO') ?: 'fanfare'), '-r', sprintf(SCRIPT, __DIR__, $fake->socket, $handler, $call));
    $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    $fake->line();
    exec('kill -USR1 ' . proc_get_status($process)['pid']);
    usleep(20000); // the signal is there before the answer is
    $fake->go();
    echo stream_get_contents($pipes[1]), 'status ', proc_close($process), "\n", $fake->finish(), "--\n";
}
?>
--EXPECT--
receipt id-2 0
receipt id-1 0
receipt id-4 0
acknowledged 1 rejected 0 unanswered 0
receipt id-5 0
status 0
[2,2,["a"],"handler",null,null,"[]"]
[2,3,["a"],"handler",null,null,"[]"]
[2,4,["a"],"second",null,null,"[]"]
[2,5,["a"],"shutdown",null,null,"[]"]
--
thrown by the handler
receipt id-2 0
acknowledged 0 rejected 0 unanswered 0
receipt id-3 0
status 0
[2,2,["a"],"third",null,null,"[]"]
[2,3,["a"],"shutdown",null,null,"[]"]
--
receipt id-2 0
status 4
[2,2,["a"],"shutdown",null,null,"[]"]
--
thrown by the handler
receipt id-3 0
acknowledged 0 rejected 0 unanswered 0
receipt id-4 0
status 0
[2,2,["a"],"handler",null,null,"[]"]
[2,3,["a"],"third",null,null,"[]"]
[2,4,["a"],"shutdown",null,null,"[]"]
--
receipt id-1 0
receipt id-2 0
acknowledged 0 rejected 0 unanswered 0
receipt id-3 0
status 0
next connection
[2,2,["a"],"second",null,null,"[]"]
[2,3,["a"],"shutdown",null,null,"[]"]
--
