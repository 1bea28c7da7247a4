--TEST--
A request is sent again on a new connection, with its number, and in the end given up
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    show(frame($c));
    fclose($c);
    $c = accept();
    hello($c);
    show(frame($c));
    send($c, "\x93\x46\x01\x03");
    for ($i = 0; $i < 4; $i++) {
        show(frame($c));
        fclose($c);
        $c = accept();
        hello($c);
    }
    show(frame($c));
    wait();
');
var_dump($fake->client()->terminateUser('u'));
fails(fn () => $fake->client()->connectionCount());
fails(fn () => $fake->client(timeout: 0.05)->members('presence-a'));
$fake->go();
echo $fake->finish();
?>
--EXPECT--
int(3)
Fanfare\ConnectionLostException ack maybe: fanfared at SOCKET closed the connection before it answered
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
[6,1,"u"]
[6,1,"u"]
[11,2]
[11,2]
[11,2]
[11,2]
[10,3,"presence-a"]
