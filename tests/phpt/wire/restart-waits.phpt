--TEST--
A daemon that comes back in time costs a wait: before a call, in the middle of one, and for deferred publishes
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
// Nothing happens that the daemon's return could wait for: being away for a while is what is tested.
$fake = new Fake('
    function away(): void
    {
        global $server, $socket;
        fclose($server);
        unlink($socket);
        echo "away\n";
        usleep(300000);
        $server = listen();
    }
    away();
    $c = accept();
    $first = hello($c);
    ack($c, show(frame($c)));
    // with a frame in its hands
    show(frame($c));
    fclose($c);
    away();
    $c = accept();
    echo hello($c) === $first ? "same producer\n" : "other producer\n";
    ack($c, show(frame($c)));
    wait();
    fclose($c);
    // a file that nobody listens on
    fclose($server);
    echo "refused\n";
    usleep(300000);
    unlink($socket);
    $server = listen();
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
    ack($c, show(frame($c)));
');
$client = $fake->client(30.0);
echo $fake->line();
$start = microtime(true);
receipt($client->publish('a', 'before'));
var_dump(microtime(true) - $start > 0.2);
receipt($client->publish('a', 'during'));
for ($i = 0; $i < 5; $i++) {
    echo $fake->line();
}
$client->publishAsync('a', 'deferred');
$fake->go();
echo $fake->line();
receipt($client->publish('a', 'refused'));
outcome($client->flush());
echo $fake->finish();
?>
--EXPECT--
away
receipt id-1 0
bool(true)
receipt id-2 0
[2,1,["a"],"before",null,null,"[]"]
[2,2,["a"],"during",null,null,"[]"]
away
same producer
[2,2,["a"],"during",null,null,"[]"]
refused
receipt id-4 0
acknowledged 1 rejected 0 unanswered 0
[2,3,["a"],"deferred",null,null,"[]"]
[2,4,["a"],"refused",null,null,"[]"]
