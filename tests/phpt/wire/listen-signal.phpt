--TEST--
Listening: a signal ends the wait at once, for events and for a daemon that is away; receive() stays within its time
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept(); hello($c);
    listening($c, frame($c)[1]);
    wait();
    event($c, 1, "user_online", "a", ["user" => "1"]);
    wait();
    unlink($GLOBALS["socket"]);
    fclose($GLOBALS["server"]);
    fclose($c);
    echo "gone\n";
');
$listener = $fake->client(60)->listen([], 'g');

/** Signals the parent for good after a while, as it cannot be seen from outside that it waits. */
function signal_me(int $signal): int
{
    $parent = getmypid();
    $pid = pcntl_fork();
    if ($pid === 0) {
        usleep(100000);
        exec("kill -$signal $parent");
        exec('kill -KILL ' . getmypid());
    }
    return $pid;
}
function timed(callable $call): float
{
    $start = hrtime(true);
    $call();
    return (hrtime(true) - $start) / 1e9;
}

$handled = 0;
pcntl_signal(SIGUSR1, function () use (&$handled) { $handled++; }, false);
pcntl_async_signals(true);
foreach (['events', 'away'] as $what) {
    $pid = signal_me(SIGUSR1);
    $took = timed(fn () => show_event($listener->receive(60)));
    echo "$what: ", $took < 20 ? 'soon' : $took, ", handled $handled\n";
    pcntl_waitpid($pid, $status);
    if ($what === 'events') {
        $fake->go();
        show_event($listener->receive(10));
        $fake->go();
        $fake->line();
    }
}

// without asynchronous signals it ends as well, and the script looks for itself
pcntl_async_signals(false);
$pid = signal_me(SIGUSR1);
$took = timed(fn () => show_event($listener->receive(60)));
pcntl_signal_dispatch();
echo $took < 20 ? 'soon' : $took, ", handled $handled\n";
pcntl_waitpid($pid, $status);

// an exception of the handler loses nothing that has arrived
$fake->finish();
$fake = new Fake('
    $c = accept(); hello($c);
    listening($c, frame($c)[1]);
    event($c, 1, "user_online", "a", ["user" => "1"]);
    event($c, 2, "user_online", "b", ["user" => "1"]);
    wait();
');
$listener = $fake->client()->listen([]);
pcntl_async_signals(true);
pcntl_signal(SIGUSR1, fn () => throw new Exception('from the handler'), false);
show_event($listener->receive(10));
try {
    exec('kill -USR1 ' . getmypid());
    for (;;) {
        $event = $listener->receive(1);
        echo "came\n";
        break;
    }
} catch (Exception $e) {
    echo $e->getMessage(), "\n";
}
pcntl_async_signals(false);
show_event($listener->receive(10));

// the time is kept, and 0 does not wait
$took = timed(fn () => show_event($listener->receive(0.2)));
echo $took >= 0.2 && $took < 5 ? 'in time' : $took, "\n";
$took = timed(fn () => show_event($listener->receive(0)));
echo $took < 5 ? 'at once' : $took, "\n";
foreach ([-0.1, NAN, INF, 86401.0] as $timeout) {
    fails(fn () => $listener->receive($timeout));
}
$fake->finish();
?>
--EXPECT--
nothing
events: soon, handled 1
UserOnline a attempt 1 userId=1
nothing
away: soon, handled 2
nothing
soon, handled 3
UserOnline a attempt 1 userId=1
from the handler
UserOnline b attempt 1 userId=1
nothing
in time
nothing
at once
ValueError: Fanfare\Listener::receive(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\Listener::receive(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\Listener::receive(): Argument #1 ($timeout) must be between 0 and 86400 seconds
ValueError: Fanfare\Listener::receive(): Argument #1 ($timeout) must be between 0 and 86400 seconds
