--TEST--
Listening: a lost connection is replaced; what was acknowledged meanwhile is not handed out again; a group that is new lost its events
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    listening($c, listen_frame($c)[1]);
    event($c, 1, "user_online", "a", ["user" => "1"]);
    event($c, 2, "user_online", "b", ["user" => "2"]);
    event($c, 3, "user_online", "c", ["user" => "3"]);
    event($c, 4, "user_online", "d", ["user" => "4"]);
    show(frame($c));
    fclose($c);
    echo "closed\n";
    wait();
    // the group lived on: b and c come again, d is with another listener
    $c = accept();
    hello($c);
    listening($c, listen_frame($c)[1], false);
    event($c, 1, "user_online", "b", ["user" => "2"], 2);
    event($c, 2, "user_online", "c", ["user" => "3"], 2);
    show(frame($c));
    show(frame($c));
    fclose($c);
    // a restart: twice nobody who answers, then one that has a new group
    restart();
    $c = accept();
    fclose($c);
    $c = accept();
    hello($c);
    listen_frame($c);
    fclose($c);
    $c = accept();
    hello($c);
    listening($c, listen_frame($c)[1], true);
    event($c, 1, "user_online", "new", ["user" => "4"]);
    show(frame($c));
    show(frame($c));
');
$listener = $fake->client()->listen([], 'g');
$a = show_event($listener->receive(10));
$b = show_event($listener->receive(10));
$c = show_event($listener->receive(10));
$d = show_event($listener->receive(10));
$listener->ack($a);
for ($i = 0; $i < 3; $i++) {
    if (($line = $fake->line()) === "closed\n") {
        break;
    }
    echo $line;
}
show_event($listener->receive(0));              // notices it, and finds somebody who takes the connection and says nothing
$listener->ack($b);
$listener->release($d);
var_dump($listener->snapshot());
$fake->go();
$again = show_event($listener->receive(10));    // not b
$listener->ack();
show_event($listener->receive(10));             // the group is lost
$new = show_event($listener->receive(10));
$listener->ack($again);
$listener->ack($new);
$listener->close();
echo $fake->finish();
?>
--EXPECT--
UserOnline a attempt 1 userId=1
UserOnline b attempt 1 userId=2
UserOnline c attempt 1 userId=3
UserOnline d attempt 1 userId=4
[14,1,[],"g",16,30000,false]
[15,2,[1],true]
nothing
NULL
UserOnline c attempt 2 userId=3
EventsLost - attempt 1
UserOnline new attempt 1 userId=4
[14,1,[],"g",16,30000,false]
[15,2,[1],true]
[15,3,[2],true]
[14,1,[],"g",16,30000,false]
[14,1,[],"g",16,30000,false]
[15,2,[1],true]
null
