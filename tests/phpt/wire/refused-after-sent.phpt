--TEST--
A frame that left on a lost connection is maybe delivered, even if the next connection is refused; one that a daemon said it would not take is not
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, frame($c));
    frame($c);
    fclose($c);
    $c = accept();
    frame($c);
    frame($c);
    error($c, 0, "unauthorized", "another secret");
    fclose($c);
    $c = accept();
    hello($c);
    ack($c, frame($c));
    frame($c);
    error($c, 0, "unauthorized", "it has changed");
    fclose($c);
    $c = accept();
    frame($c);
    frame($c);
    error($c, 0, "unauthorized", "another secret");
    fclose($c);
');
$client = $fake->client();
receipt($client->publish('a', 'e'));
fails(fn () => $client->publish('a', 'e'));
receipt($client->publish('a', 'e'));
fails(fn () => $client->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
Fanfare\ConnectionLostException ack maybe: fanfared at SOCKET closed the connection before it answered, and refused the next one: another secret
receipt id-3 0
Fanfare\RejectedException Unauthorized: fanfared rejected it: another secret
