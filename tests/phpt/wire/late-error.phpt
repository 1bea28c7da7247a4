--TEST--
An error about a connection that has worked is a reason to connect again, not to fail
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    ack($c, frame($c));
    error($c, 0, "draining", "restarting");
    echo "drained\n";
    $d = accept();
    hello($d);
    ack($d, show(frame($d)));
    $f = frame($d);
    error($d, 0, "app_disabled", "switched off");
    fclose($d);
    $e = accept();
    hello($e);
    frame($e);
    error($e, 0, "app_disabled", "switched off");
');
$client = $fake->client();
receipt($client->publish('a', 'e'));
echo $fake->line();
receipt($client->publish('a', 'e'));
fails(fn () => $client->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
drained
receipt id-2 0
Fanfare\RejectedException AppDisabled: fanfared rejected it: switched off
[2,2,["a"],"e",null,null,"[]"]
