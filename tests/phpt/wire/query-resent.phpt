--TEST--
A question is asked once more on a new connection, with its number, and then given up
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
    show(frame($c));
    fclose($c);
    $c = accept();
    hello($c);
    show(frame($c));
    fclose($c);
    $c = accept();
    hello($c);
    show(frame($c));
    sleep(5);
');
var_dump($fake->client()->terminateUser('u'));
fails(fn () => $fake->client()->connections());
fails(fn () => $fake->client(timeout: 0.05)->members('presence-a'));
echo "done\n";
?>
--EXPECT--
int(3)
Fanfare\ConnectionLostException ack maybe: fanfared at SOCKET closed the connection before it answered
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
done
