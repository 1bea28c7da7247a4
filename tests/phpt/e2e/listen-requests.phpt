--TEST--
Listening in a process that serves many requests: nothing of one is left in the next
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$client = $daemon->client();
$client->listen(['channel_occupied'], 'requests')->close();
$held = [];
for ($i = 0; $i < 3; $i++) {
    $held[] = new Subscriber($daemon, "room-$i");
}
$root = "$daemon->dir/root";
mkdir($root);
file_put_contents("$root/index.php", '<?php
    final class Keeps { public static $listener; public $self; }
    $client = new Fanfare\Client("app", "secret", getenv("SOCKET"), 10.0);
    Keeps::$listener = $client->listen(["channel_occupied"], "requests", true, 2);
    $cycle = new Keeps();
    $cycle->self = $cycle;
    $GLOBALS["other"] = $client->listen([]);
    $event = Keeps::$listener->receive(10.0);
    $state = print_r(Keeps::$listener, true);
    echo $event->channel, " ", $event->attempt, " ", preg_match("/=> listening/", $state), " ", count(scandir("/proc/self/fd")), "\n";
    if (isset($_GET["fatal"])) {
        undefined_function();
    }
    exit;
');
$server = new Server($root, ['SOCKET' => $daemon->socket]);
$files = [];
for ($i = 1; $i <= 20; $i++) {
    $answer = $server->get($i % 5 === 0 ? '/index.php?fatal=1' : '/index.php');
    [$channel, $attempt, $listening, $open] = explode(' ', strtok($answer, "\n"));
    if ($listening !== '1' || (int) $attempt > $i) {
        echo "request $i: $answer\n";
    }
    $files[$i] = (int) $open;
}
// the first request opens what stays
var_dump(max(array_slice($files, 1)) === min(array_slice($files, 1)));
$server->stop();
unlink("$root/index.php");
rmdir($root);
// all of them are the group's still; the window was 2
$last = $client->listen(['channel_occupied'], 'requests');
$got = [];
while (count($got) < 3 && ($event = $last->receive(10)) !== null) {
    $got[$event->channel] = $event->attempt;
    $last->ack($event);
}
ksort($got);
var_dump($got);
?>
--EXPECT--
bool(true)
array(3) {
  ["room-0"]=>
  int(21)
  ["room-1"]=>
  int(21)
  ["room-2"]=>
  int(1)
}
