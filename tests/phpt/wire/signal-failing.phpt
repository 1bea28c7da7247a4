--TEST--
A signal while a call waits that then fails: its handler runs before the exception, for PHP would forget the signal on the way up
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
namespace Elsewhere;
require __DIR__ . '/fake.inc';
// Frames pass from the call through the engine's own call of a function, as in every pipeline and container.
foreach (['counts', 'throws', 'publishes', 'exits'] as $what) {
    $fake = new \Fake('
        $c = accept();
        hello($c);
        frame($c);
        echo "waiting\n";
        frame($c);
        // The first call has given up, and the next one connects again, if there is one.
        $read = [$server, STDIN];
        $none = null;
        stream_select($read, $none, $none, 30);
        if (in_array($server, $read, true)) {
            $c = accept();
            hello($c);
            while (($f = frame($c)) !== null) {
                ack($c, show($f));
            }
        }
    ');
    if (($pid = pcntl_fork()) === 0) {
        $client = $fake->client(0.6);
        pcntl_async_signals(true);
        pcntl_signal(SIGUSR1, function () use ($what, $client): void {
            echo "handler\n";
            match ($what) {
                'counts' => null,
                'throws' => throw new \DomainException('of the handler'),
                'publishes' => \receipt($client->publish('a', 'handler')),
                'exits' => exit(4),
            };
        });
        $parent = getmypid();
        if (pcntl_fork() === 0) {
            $fake->line();
            exec("kill -USR1 $parent");
            exec('kill -KILL ' . getmypid());
        }
        try {
            call_user_func_array(fn () => call_user_func_array([$client, 'publish'], ['a', 'e']), []);
        } catch (\Throwable $e) {
            echo 'caught ', get_class($e), ', before it ', $e->getPrevious() === null ? 'nothing' : get_class($e->getPrevious()), "\n";
        }
        echo "went on\n";
        \receipt($client->publish('a', 'after'));
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    echo $what, ' ', pcntl_wexitstatus($status), "\n", $fake->finish();
}
?>
--EXPECT--
handler
caught Fanfare\TimeoutException, before it nothing
went on
receipt id-2 0
counts 0
[2,2,["a"],"after",null,null,"[]"]
handler
caught DomainException, before it Fanfare\TimeoutException
went on
receipt id-2 0
throws 0
[2,2,["a"],"after",null,null,"[]"]
handler
receipt id-2 0
caught Fanfare\TimeoutException, before it nothing
went on
receipt id-3 0
publishes 0
[2,2,["a"],"handler",null,null,"[]"]
[2,3,["a"],"after",null,null,"[]"]
handler
exits 4
