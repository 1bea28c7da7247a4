--TEST--
A path that cannot be right fails at once and tells what to do; a socket that is only gone is waited for
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
$path = sys_get_temp_dir() . '/ff' . getmypid() . '-0';
mkdir($path);

// no such directory, a directory that is a file, a socket that is a directory: nobody will come
$start = microtime(true);
touch("$path/file");
foreach (["$path/no/s", "$path/file/s", $path, '/s/s'] as $wrong) {
    try {
        (new Fanfare\Client('app', 'secret', $wrong, 30.0))->publish('a', 'e');
    } catch (Fanfare\ConnectException $e) {
        echo $e->getCode(), ' ', str_replace($path, '', $e->getMessage()), "\n";
    }
}
var_dump(microtime(true) - $start < 5);

// a socket file that nobody listens on, and none in a directory that is there: a daemon that is being restarted, for
// three quarters of the time; it does not come, so nobody waits for it again
$client = new Fanfare\Client('app', 'secret', "$path/s", 0.4);
$start = microtime(true);
fails(fn () => $client->publish('a', 'e'));
$took = microtime(true) - $start;
var_dump($took >= 0.28);
$server = stream_socket_server("unix://$path/s");
fclose($server);
$client = new Fanfare\Client('app', 'secret', "$path/s", 30.0);
$start = microtime(true);
for ($i = 0; $i < 10; $i++) {
    try {
        $client->publish('a', 'e');
    } catch (Fanfare\ConnectException $e) {
    }
}
report($e);
var_dump($e->getCode(), microtime(true) - $start < 5, str_contains(print_r($client, true), '[state] => disconnected'));
unlink("$path/s");
unlink("$path/file");
rmdir($path);
?>
--EXPECT--
2 Cannot reach fanfared at /no/s: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
20 Cannot reach fanfared at /file/s: Not a directory
111 Cannot reach fanfared at : Connection refused (is fanfared running, and is fanfare.socket its socket?)
2 Cannot reach fanfared at /s/s: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
bool(true)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
bool(true)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: Connection refused (is fanfared running, and is fanfare.socket its socket?)
int(111)
bool(true)
bool(true)
