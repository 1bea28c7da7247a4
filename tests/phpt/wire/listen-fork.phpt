--TEST--
Listening: a forked child leaves its parent's connection alone and is another listener of the group; the parent's close() is seen although the child has the socket
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $parent = hello($c);
    listening($c, listen_frame($c)[1]);
    event($c, 1, "user_online", "a", ["user" => "1"]);
    event($c, 2, "user_online", "b", ["user" => "2"]);
    $d = accept();
    var_dump(hello($d) !== $parent);
    listening($d, listen_frame($d)[1], true);
    event($d, 1, "user_online", "of the child", ["user" => "3"]);
    show(frame($d));
    var_dump(frame($d));
    show(frame($c));
    // closed while another child has the socket open
    var_dump(frame($c));
    echo "hung up\n";
');
$listener = $fake->client()->listen([], 'g');
$a = show_event($listener->receive(10));
$pid = pcntl_fork();
if ($pid === 0) {
    $listener->ack($a);                 // the parent's
    var_dump($listener);
    $listener->ack(show_event($listener->receive(10)));
    exit(3);
}
pcntl_waitpid($pid, $status);
echo pcntl_wexitstatus($status), "\n";
// a child that never looks at it and ends
$pid = pcntl_fork();
if ($pid === 0) {
    exit(4);
}
pcntl_waitpid($pid, $status);
echo pcntl_wexitstatus($status), "\n";
$listener->ack($a);
show_event($listener->receive(10));
$pid = pcntl_fork();
if ($pid === 0) {
    sleep(60);
    exec('kill -KILL ' . getmypid());
}
$listener->close();
for ($i = 0; $i < 10 && ($line = $fake->line()) !== "hung up\n"; $i++) {
    echo $line;
}
echo $line;
exec("kill -KILL $pid");
pcntl_waitpid($pid, $status);
echo $fake->finish();
?>
--EXPECTF--
UserOnline a attempt 1 userId=1
object(Fanfare\Listener)#%d (5) {
  ["app"]=>
  string(3) "app"
  ["socket"]=>
  string(%d) "%s/s"
  ["group"]=>
  string(1) "g"
  ["state"]=>
  string(4) "away"
  ["unacknowledged"]=>
  int(0)
}
UserOnline of the child attempt 1 userId=3
3
4
UserOnline b attempt 1 userId=2
[14,1,[],"g",16,30000,false]
bool(true)
[14,1,[],"g",16,30000,false]
[15,2,[1],true]
NULL
[15,2,[1],true]
NULL
hung up
