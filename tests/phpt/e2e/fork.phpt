--TEST--
Parent and children publish at the same time, each with its own connection
--EXTENSIONS--
fanfare
pcntl
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$subscriber = new Subscriber($daemon, 'room');
$client = $daemon->client();
$client->publish('room', 'e', 'parent');
$children = [];
for ($i = 0; $i < 4; $i++) {
    if (($pid = pcntl_fork()) === 0) {
        for ($n = 0; $n < 50; $n++) {
            if ($client->publish('room', 'e', "child $i")->duplicate) {
                exit(1);
            }
        }
        exit(0);
    }
    $children[] = $pid;
}
for ($n = 0; $n < 50; $n++) {
    $client->publish('room', 'e', 'parent');
}
foreach ($children as $pid) {
    pcntl_waitpid($pid, $status);
    echo pcntl_wexitstatus($status), "\n";
}
$count = [];
for ($n = 0; $n < 251; $n++) {
    $who = $subscriber->next()['data'];
    $count[$who] = ($count[$who] ?? 0) + 1;
}
ksort($count);
echo json_encode($count), "\n";
?>
--EXPECT--
0
0
0
0
{"child 0":50,"child 1":50,"child 2":50,"child 3":50,"parent":51}
