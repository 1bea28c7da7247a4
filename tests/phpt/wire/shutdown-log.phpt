--TEST--
What is not confirmed at the end of a request is logged once, within fanfare.shutdown_flush
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $f = frame($c);
    error($c, frame($c)[1], "invalid_event", "bad event");
    wait();
');
$code = 'ini_set("error_log", $argv[2]);
    $c = new Fanfare\Client("app", "secret", $argv[1]);
    $c->publishAsync("a", "one");
    $c->publishAsync("a", "two");
    $n = new Fanfare\Client("other", "hidden", "/nowhere/at/all");
    $n->publishAsync("a", "three");';
$log = $fake->dir . '/log';
$start = microtime(true);
echo child($code, [$fake->socket, $log], $status), $status, "\n";
var_dump(microtime(true) - $start < 5);
echo preg_replace('~^\[.*?\] ~m', '', str_replace($fake->socket, 'SOCKET', file_get_contents($log)));
unlink($log);
echo $fake->finish();
?>
--EXPECT--
0
bool(true)
fanfare: messages of application app at the end of the request: 0 not sent, 1 without an answer (maybe delivered), 1 rejected: fanfared rejected it: bad event
fanfare: messages of application other at the end of the request: 1 not sent, 0 without an answer (maybe delivered), 0 rejected: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
