--TEST--
Resent three times, not for ever: then ConnectionLostException, maybe delivered
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 4; $i++) {
        $c = accept();
        hello($c);
        show(frame($c));
        fclose($c);
    }
    $c = accept();
    hello($c);
    show(frame($c));
    global $server, $socket;
    fclose($server);
    unlink($socket);
    fclose($c);
');
$client = $fake->client(1.0);
fails(fn () => $client->publish('a', 'first'));
// nobody takes its place
fails(fn () => $client->publish('a', 'second'));
fails(fn () => $client->publish('a', 'third'));
echo $fake->finish();
?>
--EXPECT--
Fanfare\ConnectionLostException ack maybe: fanfared at SOCKET closed the connection before it answered
Fanfare\ConnectionLostException ack maybe: fanfared at SOCKET closed the connection before it answered: No such file or directory
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
[2,1,["a"],"first",null,null,"[]"]
[2,1,["a"],"first",null,null,"[]"]
[2,1,["a"],"first",null,null,"[]"]
[2,1,["a"],"first",null,null,"[]"]
[2,2,["a"],"second",null,null,"[]"]
