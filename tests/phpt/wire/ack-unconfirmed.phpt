--TEST--
What the cluster has not acknowledged, and a daemon that cannot ask it
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $f = show_ack(frame($c), 8500, 9000);
    fclose($c); // in the middle of it: the same frame again, with less time
    $c = accept();
    hello($c);
    $again = show_ack(frame($c), 8000, 9000);
    echo $again[2] <= $f[2] ? "no more time than before\n" : "more time\n";
    error($c, $again[1], "unconfirmed", "Redis has not confirmed it within the time given; it was delivered on this node and is kept for the others");
    $f = show_ack(frame($c), 8500, 9000);
    error($c, $f[1], "unconfirmed", "gone");
    // on the same connection
    ack($c, show(frame($c)));
    // a daemon of before answers so and closes
    $f = show_ack(frame($c), 8500, 9000);
    error($c, $f[1], "protocol", "the frame\'s type is unknown");
    fclose($c);
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
');
$client = $fake->client();
$cluster = Fanfare\Ack::Cluster;
fails(fn () => $client->publish('a', 'e', 1, key: 'k', ack: $cluster));
fails(fn () => $client->publishMany([new Fanfare\Message('a', 'e')], $cluster));
receipt($client->publish('a', 'after'));
fails(fn () => $client->publish('a', 'e', ack: $cluster));
receipt($client->publish('a', 'after'));
echo $fake->finish();
?>
--EXPECT--
Fanfare\UnconfirmedException ack maybe: The cluster has not acknowledged it: Redis has not confirmed it within the time given; it was delivered on this node and is kept for the others (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
Fanfare\UnconfirmedException ack maybe: The cluster has not acknowledged it: gone (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
receipt id-3 0
Fanfare\ProtocolException ack never: fanfared at SOCKET is too old to acknowledge for the cluster: update it, or set fanfare.ack to local
receipt id-5 0
[12,1,"in time",["a"],"e",null,"k","1"]
[12,1,"in time",["a"],"e",null,"k","1"]
no more time than before
[13,2,"in time",[[["a"],"e",null,null,"[]"]]]
[2,3,["a"],"after",null,null,"[]"]
[12,4,"in time",["a"],"e",null,null,"[]"]
[2,5,["a"],"after",null,null,"[]"]
