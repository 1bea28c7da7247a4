--TEST--
Listening: a daemon that says no, is too old, is none, does not answer, or is not there; what came before is not lost
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept(); hello($c); frame($c);
    error($c, 1, "protocol", "the frame\'s type is unknown");
    $c = accept(); hello($c); frame($c);
    error($c, 0, "protocol", "the frame\'s type is unknown");
    $c = accept(); hello($c); frame($c);
    error($c, 0, "unauthorized", "the mac is wrong");
    $c = accept(); hello($c); frame($c);
    error($c, 1, "other", "too many groups");
    $c = accept(); hello($c); frame($c);
    fwrite($c, "HTTP/1.1 400 Bad Request\r\n\r\n");
    $c = accept(); hello($c); frame($c);
    ack($c, [2, 1]);
    $c = accept(); hello($c); frame($c);
    event($c, 1, "user_online", "a", ["user" => "1"]);
    $c = accept(); hello($c); frame($c);
    var_dump(frame($c));                        // says nothing
    $c = accept(); hello($c);
    listening($c, frame($c)[1]);
    event($c, 1, "user_online", "a", ["user" => "1"]);
    event($c, 2, "user_online", "b", ["user" => "2"]);
    fwrite($c, "garbage");
    show(frame($c));
    $c = accept(); hello($c);
    listening($c, frame($c)[1], false);
    event($c, 1, "user_online", "b", ["user" => "2"], 2);
    error($c, 0, "unknown_app", "it is gone");
    fclose($c);
    $c = accept(); hello($c); frame($c);
    error($c, 0, "unknown_app", "there is no application app");
    fclose($c);
    $c = accept(); hello($c);
    listening($c, frame($c)[1], false);
    event($c, 1, "user_online", "b", ["user" => "2"], 3);
    wait();
    unlink($GLOBALS["socket"]);
    fclose($GLOBALS["server"]);
    fclose($c);
    echo "gone\n";
    wait();
    $GLOBALS["server"] = listen();
    $c = accept(); hello($c);
    listening($c, frame($c)[1], false);
    echo "back\n";
    event($c, 1, "user_online", "c", ["user" => "2"]);
    wait();
');
for ($i = 0; $i < 7; $i++) {
    fails(fn () => $fake->client()->listen([]));
}
fails(fn () => $fake->client(0.3)->listen([], 'g'));

$listener = $fake->client(2.0)->listen([], 'g');
$a = show_event($listener->receive(10));
show_event($listener->receive(10));
$listener->ack($a);
fails(fn () => $listener->receive(10));
show_event($listener->receive(10));
fails(fn () => $listener->receive(10));
show_event($listener->receive(10));
$listener->ack();
// away: for a moment nobody is alarmed
$fake->go();
while ($fake->line() !== "gone\n") {
}
show_event($listener->receive(0.05));
show_event($listener->receive(0));
fails(fn () => $listener->receive(10));
fails(fn () => $listener->receive(0));
var_dump($listener);
$fake->go();
for ($i = 0; $i < 1000; $i++) {
    try {
        $event = $listener->receive(0.1);
        if ($event !== null) {
            show_event($event);
            break;
        }
    } catch (Fanfare\ConnectException) {
    }
}
echo $fake->finish();
?>
--EXPECTF--
Fanfare\ProtocolException ack never: fanfared at SOCKET is too old to tell of its events: update it and start it again
Fanfare\ProtocolException ack never: fanfared at SOCKET is too old to tell of its events: update it and start it again
Fanfare\RejectedException Unauthorized: fanfared rejected it: the mac is wrong
Fanfare\RejectedException Other: fanfared rejected it: too many groups
Fanfare\ProtocolException ack never: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: what it sends is not a frame
Fanfare\ProtocolException ack never: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: it sends what a listener is never told, or too early
Fanfare\ProtocolException ack never: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: it sends what a listener is never told, or too early
Fanfare\TimeoutException ack never: fanfared at SOCKET did not answer in time
UserOnline a attempt 1 userId=1
UserOnline b attempt 1 userId=2
Fanfare\ProtocolException ack never: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: what it sends is not a frame
UserOnline b attempt 2 userId=2
Fanfare\RejectedException UnknownApp: fanfared rejected it: there is no application app
UserOnline b attempt 3 userId=2
nothing
nothing
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
object(Fanfare\Listener)#%d (5) {
  ["app"]=>
  string(3) "app"
  ["socket"]=>
  string(%d) "%s/s"
  ["group"]=>
  string(1) "g"
  ["state"]=>
  string(4) "away"
  ["unacknowledged"]=>
  int(0)
}
UserOnline c attempt 1 userId=2
%a
