--TEST--
A missing or refused socket fails at once, tells what to do, and never opens the breaker
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
$path = sys_get_temp_dir() . '/ff' . getmypid() . '-0';
mkdir($path);
$client = new Fanfare\Client('app', 'secret', "$path/s", 30.0);
$start = microtime(true);
for ($i = 0; $i < 10; $i++) {
    try {
        $client->publish('a', 'e');
    } catch (Fanfare\ConnectException $e) {
    }
}
report($e);
var_dump($e->getCode());

// a socket file that nobody listens on
$server = stream_socket_server("unix://$path/s");
fclose($server);
fails(fn () => $client->publish('a', 'e'));
unlink("$path/s");
file_put_contents("$path/s", '');
fails(fn () => $client->publish('a', 'e'));
unlink("$path/s");
rmdir($path);
var_dump(microtime(true) - $start < 10);
?>
--EXPECT--
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
int(2)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: Connection refused (is fanfared running, and is fanfare.socket its socket?)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: Connection refused (is fanfared running, and is fanfare.socket its socket?)
bool(true)
