--TEST--
publishAsync() with the cluster's acknowledgement: counted apart, and logged at the end
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 4; $i++) {
        $f[] = show_ack(frame($c), 9000, 9000);
    }
    ack($c, $f[0]);
    error($c, $f[1][1], "unconfirmed", "late");
    error($c, $f[2][1], "invalid_event", "bad event");
    ack($c, $f[3]);
    ack($c, show(frame($c)));
    $c = accept();
    hello($c);
    $f = show_ack(frame($c), 1800, 1800);
    error($c, $f[1], "unconfirmed", "late");
    wait();
');
$client = $fake->client();
$cluster = Fanfare\Ack::Cluster;
$client->publishAsync('a', 'one', ack: $cluster);
$client->publishAsync('a', 'two', ack: $cluster);
$client->publishAsync('a', 'three', ack: $cluster);
$client->publishAsync('a', 'four');
outcome($client->flush());
outcome($client->flush());
receipt($client->publish('a', 'after'));

$log = $fake->dir . '/log';
echo child('ini_set("error_log", $argv[2]);
    $c = new Fanfare\Client("app", "secret", $argv[1], ack: Fanfare\Ack::Cluster);
    $c->publishAsync("a", "five");', [$fake->socket, $log]);
echo preg_replace('~^\[.*?\] ~m', '', str_replace($fake->socket, 'SOCKET', file_get_contents($log)));
unlink($log);
echo $fake->finish();
?>
--EXPECT--
acknowledged 2 rejected 1 unanswered 0 unconfirmed 1
Fanfare\UnconfirmedException ack maybe: The cluster has not acknowledged it: late (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
acknowledged 0 rejected 0 unanswered 0
receipt id-5 0
fanfare: messages of application app at the end of the request: 0 not sent, 0 without an answer (maybe delivered), 0 rejected, 1 not acknowledged by the cluster: The cluster has not acknowledged it: late (publish it again with the same key to be sure, nothing is delivered twice; if this lasts, see what the log of fanfared at SOCKET says of redis)
[12,1,"in time",["a"],"one",null,null,"[]"]
[12,2,"in time",["a"],"two",null,null,"[]"]
[12,3,"in time",["a"],"three",null,null,"[]"]
[2,4,["a"],"four",null,null,"[]"]
[2,5,["a"],"after",null,null,"[]"]
[12,1,"in time",["a"],"five",null,null,"[]"]
