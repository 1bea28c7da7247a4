--TEST--
Listening: max_execution_time ends a wait
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept(); hello($c);
    listening($c, frame($c)[1]);
    show(frame($c));
');
// PHP without threads counts the time of the processor, of which a wait takes none: its signal comes from outside then
$start = hrtime(true);
echo preg_replace('~ in \S+ .*~s', '', trim(child('
    $l = (new Fanfare\Client("app", "secret", $argv[1], 10.0))->listen([], "g");
    $parent = getmypid();
    if (!PHP_ZTS && pcntl_fork() === 0) {
        usleep(100000);
        exec("kill -PROF $parent");
        exec("kill -KILL " . getmypid());
    }
    set_time_limit(1);
    $l->receive(60);
    for (;;) {
        $more = 1;
    }
', [$fake->socket], $status))), "\n";
echo hrtime(true) - $start < 30e9 ? "soon\n" : "late\n", $fake->finish();
?>
--EXPECT--
Fatal error: Maximum execution time of 1 second exceeded
soon
null
