--TEST--
Listening: what is asked, what is told, what is settled
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    listening($c, listen_frame($c)[1], true, 0, 7);
    event($c, 1, "client_event", "a-1", ["channel" => "room", "user" => "7", "socket" => "1.2", "event" => "client-x", "data" => "{}"], 1, 8);
    event($c, 2, "subscription_count", "a-2", ["channel" => "room", "count" => 3], 2, 9);
    event($c, 3, "member_added", "a-3", ["channel" => "presence-r", "user" => "8"], 1, 10);
    event($c, 4, "events_lost", "a-4", ["count" => 12], 1, 11);
    show(frame($c));
    show(frame($c));
    show(frame($c));
    event($c, 5, "member_added", "a-3", ["channel" => "presence-r", "user" => "8"], 2, 10);
    show(frame($c));
    event($c, 6, "of_the_future", "a-5", [], 1, 12);
    show(frame($c));
    event($c, 7, "user_offline", "a-6", ["user" => "9"], 1, 13);
    show(frame($c));
    // a second listener of the same process has a connection of its own
    $d = accept();
    hello($d);
    listening($d, listen_frame($d)[1]);
    event($d, 1, "channel_occupied", "b-1", ["channel" => "other"]);
    event($c, 8, "channel_vacated", "a-7", ["channel" => "room"]);
    var_dump(frame($c));
    show(frame($d));
    var_dump(frame($d));
');
$client = $fake->client();
$listener = $client->listen(Fanfare\EventType::cases(), 'workers.a_b-1', window: 3, ackTimeout: 2.5);
var_dump($listener);
$first = $listener->receive(10);
var_dump($first);
$second = show_event($listener->receive(10));
$third = show_event($listener->receive(10));
$listener->ack($second);
$listener->ack($second);                        // settled already
$listener->ack(new Fanfare\Event('x', Fanfare\EventType::CacheMiss));
$listener->release($third);
show_event($listener->receive(10));
$listener->ack();
$listener->ack();
$listener->release(show_event($listener->receive(10)));
show_event($listener->receive(10));             // the one of a later version is settled and left out
$listener->ack();
var_dump($listener->snapshot());
$other = $client->listen([Fanfare\EventType::ChannelOccupied, 'user_online', 'channel_occupied']);
$e = show_event($other->receive(10));
show_event($listener->receive(10));
$listener->close();
$listener->close();
$other->ack($e);
unset($other);
echo $fake->finish();
foreach ([fn () => $listener->receive(1), fn () => $listener->ack(), fn () => $listener->release(), fn () => $listener->snapshot()] as $try) {
    fails($try);
}
var_dump($listener);
?>
--EXPECTF--
object(Fanfare\Listener)#%d (5) {
  ["app"]=>
  string(3) "app"
  ["socket"]=>
  string(%d) "%s/s"
  ["group"]=>
  string(13) "workers.a_b-1"
  ["state"]=>
  string(9) "listening"
  ["unacknowledged"]=>
  int(0)
}
object(Fanfare\Event)#%d (11) {
  ["id"]=>
  string(3) "a-1"
  ["type"]=>
  enum(Fanfare\EventType::ClientEvent)
  ["time"]=>
  float(1700000000.5)
  ["attempt"]=>
  int(1)
  ["order"]=>
  int(8)
  ["channel"]=>
  string(4) "room"
  ["userId"]=>
  string(1) "7"
  ["socketId"]=>
  string(3) "1.2"
  ["event"]=>
  string(8) "client-x"
  ["data"]=>
  string(2) "{}"
  ["count"]=>
  NULL
}
SubscriptionCount a-2 attempt 2 channel=room count=3
MemberAdded a-3 attempt 1 channel=presence-r userId=8
EventsLost a-4 attempt 1 count=12
MemberAdded a-3 attempt 2 channel=presence-r userId=8
UserOffline a-6 attempt 1 userId=9
NULL
ChannelOccupied b-1 attempt 1 channel=other
ChannelVacated a-7 attempt 1 channel=room
[14,1,[],"workers.a_b-1",3,2500,false]
[15,2,[2],true]
[15,3,[3],false]
[15,4,[1,4],true]
[15,5,[5],false]
[15,6,[6],true]
[15,7,[7],true]
[14,1,["channel_occupied","user_online"],null,16,30000,false]
NULL
[15,2,[1],true]
NULL
Error: This Fanfare\Listener is closed: ask Fanfare\Client::listen() for another
Error: This Fanfare\Listener is closed: ask Fanfare\Client::listen() for another
Error: This Fanfare\Listener is closed: ask Fanfare\Client::listen() for another
Error: This Fanfare\Listener is closed: ask Fanfare\Client::listen() for another
object(Fanfare\Listener)#%d (1) {
  ["state"]=>
  string(6) "closed"
}
