--TEST--
What can be a socket's address, and what cannot
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
foreach (['', 'relative/path', '/', '@', 'tcp://127.0.0.1:80', 'unix://relative', '/' . str_repeat('x', 106),
    '/' . str_repeat('x', 107), '@' . str_repeat('y', 200), 'unix:///nowhere/at/all'] as $socket) {
    fails(fn () => (new Fanfare\Client('app', 'secret', $socket))->publish('a', 'e'));
}
fails(fn () => new Fanfare\Client('app', 'secret', "/a\0b"));
?>
--EXPECT--
Fanfare\ConfigurationException: The socket "" must be an absolute path, unix:///path or @name
Fanfare\ConfigurationException: The socket "relative/path" must be an absolute path, unix:///path or @name
Fanfare\ConfigurationException: The socket "/" must be an absolute path, unix:///path or @name
Fanfare\ConfigurationException: The socket "@" must be an absolute path, unix:///path or @name
Fanfare\ConfigurationException: The socket "tcp://127.0.0.1:80" must be an absolute path, unix:///path or @name
Fanfare\ConfigurationException: The socket "unix://relative" must be an absolute path, unix:///path or @name
Fanfare\ConnectException connect never: Cannot reach fanfared at /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
Fanfare\ConfigurationException: The socket "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is longer than the system allows for a Unix socket
Fanfare\ConfigurationException: The socket "@yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" is longer than the system allows for a Unix socket
Fanfare\ConnectException connect never: Cannot reach fanfared at unix:///nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
ValueError: Fanfare\Client::__construct(): Argument #3 ($socket) must not contain any null bytes
