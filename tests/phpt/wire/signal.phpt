--TEST--
A signal while waiting for an answer disturbs nothing; its handler runs afterwards
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $f = frame($c);
    echo "waiting\n";
    wait();
    ack($c, $f);
');
pcntl_async_signals(true);
$handled = 0;
pcntl_signal(SIGUSR1, function () use (&$handled) { $handled++; }, false);
$parent = getmypid();
$pid = pcntl_fork();
if ($pid === 0) {
    // once the frame has arrived, the parent waits for its answer
    $fake->line();
    for ($i = 0; $i < 5; $i++) {
        exec("kill -USR1 $parent");
        usleep(20000);
    }
    $fake->go();
    exec("kill -KILL " . getmypid());
}
receipt($fake->client()->publish('a', 'e'));
var_dump($handled > 0);
pcntl_waitpid($pid, $status);
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
bool(true)
