--TEST--
A refused hello is told with its reason, and tried again at the next call
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    foreach (["unauthorized", "unknown_app", "app_disabled", "protocol"] as $reason) {
        $c = accept();
        frame($c);
        frame($c);
        error($c, 0, $reason, "no, $reason");
        fclose($c);
    }
    // refused before the first frame is read
    $c = accept();
    error($c, 0, "unauthorized", "early");
    stream_socket_shutdown($c, STREAM_SHUT_WR);
    stream_get_contents($c);
    $c = accept();
    echo hello($c) !== "" ? "again\n" : "";
    ack($c, frame($c));
');
$client = $fake->client();
for ($i = 0; $i < 5; $i++) {
    fails(fn () => $client->publish('a', 'e'));
}
receipt($client->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
Fanfare\RejectedException Unauthorized: fanfared rejected it: no, unauthorized
Fanfare\RejectedException UnknownApp: fanfared rejected it: no, unknown_app
Fanfare\RejectedException AppDisabled: fanfared rejected it: no, app_disabled
Fanfare\ProtocolException ack never: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: no, protocol
Fanfare\RejectedException Unauthorized: fanfared rejected it: early
receipt id-6 0
again
