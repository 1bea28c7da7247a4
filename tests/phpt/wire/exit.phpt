--TEST--
exit() in the middle of a call: nothing of it is sent, what was deferred before still is, and shutdown functions publish
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$code = '
    require "%s/fake.inc";
    final class Leaves implements JsonSerializable { public function jsonSerialize(): mixed { exit(3); } }
    $client = new Fanfare\Client("app", "secret", "%s", 10.0);
    register_shutdown_function(fn () => receipt($client->publish("a", "shutdown")));
    $client->publishAsync("a", "before");
    try {
        %s;
    } catch (Throwable $e) {
        echo "caught\n";
    } finally {
        echo "finally\n";
    }
    echo "went on\n";
';
foreach ([
    '$client->publish("a", "never", new Leaves)',
    '$client->publish("a", "never", [[1, ["x" => new Leaves]], 2])',
    '$client->publishAsync("a", "never", new Leaves)',
    '$client->publishMany([new Fanfare\Message("a", "never", "x"), new Fanfare\Message("a", "never", new Leaves)])',
    '$client->sendToUser("7", "never", new Leaves)',
] as $call) {
    $fake = new Fake('
        $c = accept();
        hello($c);
        while (($f = frame($c)) !== null) {
            ack($c, show($f));
        }
    ');
    echo child(sprintf($code, __DIR__, $fake->socket, $call), status: $status, ini: ['fanfare.shutdown_flush' => '10']), "status $status\n", $fake->finish();
}
?>
--EXPECT--
receipt id-2 0
status 3
[2,1,["a"],"before",null,null,"[]"]
[2,2,["a"],"shutdown",null,null,"[]"]
receipt id-2 0
status 3
[2,1,["a"],"before",null,null,"[]"]
[2,2,["a"],"shutdown",null,null,"[]"]
receipt id-2 0
status 3
[2,1,["a"],"before",null,null,"[]"]
[2,2,["a"],"shutdown",null,null,"[]"]
receipt id-2 0
status 3
[2,1,["a"],"before",null,null,"[]"]
[2,2,["a"],"shutdown",null,null,"[]"]
receipt id-2 0
status 3
[2,1,["a"],"before",null,null,"[]"]
[2,2,["a"],"shutdown",null,null,"[]"]
