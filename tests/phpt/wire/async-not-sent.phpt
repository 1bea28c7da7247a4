--TEST--
A flush tells "certainly not sent" from "maybe delivered", also after the connection is gone; so does the log
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
ini_set('error_log', '/dev/null'); // what is unanswered at the end of this script
$serve = '
    global $server, $socket;
    $c = accept();
    hello($c);
    frame($c);
    frame($c);
    fclose($server);
    unlink($socket);
    fclose($c);
    echo "gone\n";
    wait();
';
$fake = new Fake($serve);
ini_set('fanfare.breaker', '3');
$client = $fake->client(0.3);
ini_set('fanfare.async_buffer', '0');
$client->publishAsync('a', 'one');
$client->publishAsync('a', 'two');
echo $fake->line();
ini_set('fanfare.async_buffer', '64K');
// the first two left on a connection that is no more, the third never did
$client->publishAsync('a', 'three');
outcome($client->flush(0.3));
outcome($client->flush(0));
$fake->go();
$fake->finish();

$nobody = new Fanfare\Client('app', 'secret', '/nowhere/at/all');
$nobody->publishAsync('a', 'e');
outcome($nobody->flush());

$fake = new Fake($serve);
$log = $fake->dir . '/log';
echo child('ini_set("error_log", $argv[2]);
    ini_set("fanfare.async_buffer", "0");
    $c = new Fanfare\Client("app", "secret", $argv[1], 0.3);
    $c->publishAsync("a", "one");
    $c->publishAsync("a", "two");
    ini_set("fanfare.async_buffer", "64K");
    $c->publishAsync("a", "three");', [$fake->socket, $log]);
echo preg_replace(['~^\[.*?\] ~m', '~: (Cannot reach|fanfared at).*~'], ['', ': ...'], file_get_contents($log));
unlink($log);
$fake->go();
$fake->finish();
?>
--EXPECT--
gone
acknowledged 0 rejected 0 unanswered 3
Fanfare\ConnectException connect maybe: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
acknowledged 0 rejected 0 unanswered 3
Fanfare\ConnectException connect maybe: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
acknowledged 0 rejected 0 unanswered 1
Fanfare\ConnectException connect never: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
fanfare: messages of application app at the end of the request: 1 not sent, 2 without an answer (maybe delivered), 0 rejected: ...
