--TEST--
Listening to a real daemon: every type of event, a snapshot, groups
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
use Fanfare\EventType;

$daemon = new Daemon();
$client = $daemon->client();

function all_of(Fanfare\Listener $listener, int $n): array
{
    $lines = [];
    for ($i = 0; $i < $n; $i++) {
        $event = $listener->receive(10) ?? exit("only $i events\n" . implode("\n", $lines));
        abs($event->time - time()) < 60 || print("time $event->time\n");
        $line = $event->type->name . ($event->attempt === 1 ? '' : " attempt $event->attempt");
        foreach (['channel', 'userId', 'socketId', 'event', 'data', 'count'] as $name) {
            $line .= $event->$name === null ? '' : " $name=" . ($name === 'socketId' ? 'socket' : $event->$name);
        }
        $lines[] = $line;
        $listener->ack($event);
    }
    return $lines;
}

$listener = $client->listen([], 'all');
$members = $client->listen([EventType::MemberAdded, 'member_removed'], 'members');
$one = new Subscriber($daemon, 'room');
$one->subscribe('presence-a', ['user_id' => '7', 'user_info' => ['name' => 'Ann']]);
$one->say('presence-a', 'client-hello', '{"a":1}');
$one->signIn('7');
new Subscriber($daemon, 'cache-x');             // gone at once, as nobody holds it
$two = new Subscriber($daemon);
$two->subscribe('presence-a', ['user_id' => '7']);
$two->subscribe('presence-a2', ['user_id' => '8', 'user_info' => [1, 2]]);

// the sockets' events do not wait for each other: by the order of their names
$lines = all_of($listener, 17);
sort($lines);
echo implode("\n", $lines), "\n\nmembers\n", implode("\n", all_of($members, 2)), "\n";

$snapshot = $client->listen([], snapshot: true)->snapshot();
$channels = $snapshot->channels;
$members_of = $snapshot->members;
ksort($channels);
ksort($members_of);
echo json_encode([$channels, $members_of]), "\n";
var_dump($snapshot->order > 0);

$two->leave('presence-a2');
$one->gone();
echo "\n", implode("\n", all_of($members, 1)), "\n";
$lines = all_of($listener, 6);
sort($lines);
echo "\n", implode("\n", $lines), "\n";
var_dump($members->receive(0), $listener->receive(0));
?>
--EXPECT--
CacheMiss channel=cache-x
ChannelOccupied channel=cache-x
ChannelOccupied channel=presence-a
ChannelOccupied channel=presence-a2
ChannelOccupied channel=room
ChannelVacated channel=cache-x
ClientEvent channel=presence-a userId=7 socketId=socket event=client-hello data={"a":1}
ConnectionClosed socketId=socket
ConnectionOpened socketId=socket
ConnectionOpened socketId=socket
ConnectionOpened socketId=socket
MemberAdded channel=presence-a userId=7 data={"name":"Ann"}
MemberAdded channel=presence-a2 userId=8 data=[1,2]
SubscriptionCount channel=cache-x count=0
SubscriptionCount channel=cache-x count=1
SubscriptionCount channel=room count=1
UserOnline userId=7

members
MemberAdded channel=presence-a userId=7 data={"name":"Ann"}
MemberAdded channel=presence-a2 userId=8 data=[1,2]
[{"presence-a":2,"presence-a2":1,"room":1},{"presence-a":[{"id":"7","info":{"name":"Ann"}}],"presence-a2":[{"id":"8","info":[1,2]}]}]
bool(true)

MemberRemoved channel=presence-a2 userId=8

ChannelVacated channel=presence-a2
ChannelVacated channel=room
ConnectionClosed userId=7 socketId=socket
MemberRemoved channel=presence-a2 userId=8
SubscriptionCount channel=room count=0
UserOffline userId=7
NULL
NULL
