--TEST--
Listening to a real daemon: shared events, redelivery, what overflows, a restart in the middle, and the end of a request
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
use Fanfare\EventType;

$daemon = new Daemon("[limits]\nlisten_queue = 5\n");
$client = $daemon->client();
$types = [EventType::ChannelOccupied];
$occupy = fn (string $channel) => new Subscriber($daemon, $channel);
$held = [];

echo "two listeners of a process share a group, another group has all\n";
$a = $client->listen($types, 'shared', window: 1);
$b = $client->listen($types, 'shared', window: 1);
$c = $client->listen($types, 'other');
array_push($held, $occupy('one'), $occupy('two'));
$x = $a->receive(10);
$y = $b->receive(10);
$got = [$x->channel, $y->channel];
sort($got);
echo implode(' ', $got), ', other: ', $c->receive(10)->channel, ' ', $c->receive(10)->channel, "\n";

echo "given back, it comes again\n";
$b->ack($y);
$a->release($x);
$again = $a->receive(0.5) ?? $b->receive(10);
var_dump($again->id === $x->id, $again->attempt);
$a->ack();
$b->ack();

echo "not acknowledged in time, or its listener gone, it goes to the other one\n";
$slow = $client->listen($types, 'timed', window: 1, ackTimeout: 0.2);
$held[] = $occupy('three');
$first = $slow->receive(10);
$other = $client->listen($types, 'timed', window: 5, ackTimeout: 20);
$second = $other->receive(10);
var_dump($second->id === $first->id, $second->attempt);
$slow->close();
$other->close();
$third = $client->listen($types, 'timed');
$event = $third->receive(10);
var_dump($event->id === $first->id, $event->attempt);
$third->ack($event);
$third->close();

echo "the end of a request gives back what it had\n";
$held[] = $occupy('four');
echo child('
    $l = (new Fanfare\Client("app", "secret", $argv[1], 10.0))->listen(["channel_occupied"], "timed");
    echo $l->receive(10)?->channel, " in the child\n";
', [$daemon->socket]);
$third = $client->listen($types, 'timed');
$event = $third->receive(10);
echo $event->channel, ' ', $event->attempt, "\n";
$third->ack();
unset($third);

echo "a group that is away keeps so many, and hears how many it lost\n";
for ($i = 1; $i <= 8; $i++) {
    $held[] = $occupy("many-$i");
}
$back = $client->listen($types, 'timed');
for ($i = 0; $i < 6; $i++) {
    $event = $back->receive(10);
    echo $event->type->name, ' ', $event->channel ?? $event->count, "\n";
    $back->ack($event);
}
var_dump($back->receive(0.1));

echo "a restart in the middle of a wait\n";
$process = proc_open(
    [PHP_BINARY, '-n', '-d', 'extension_dir=' . ini_get('extension_dir'), '-d', 'extension=' . (getenv('FANFARE_SO') ?: 'fanfare'), '-r', '
        $l = (new Fanfare\Client("app", "secret", $argv[1], 60.0))->listen(["channel_occupied"], "new");
        echo "listening\n";
        for ($i = 0; $i < 2; $i++) {
            $event = $l->receive(60);
            echo $event?->type->name, " ", $event?->channel, "\n";
            $l->ack();
        }', '--', $daemon->socket],
    [['file', '/dev/null', 'r'], ['pipe', 'w']],
    $pipes,
);
echo fgets($pipes[1]);
$daemon->kill();
$daemon->again();
echo fgets($pipes[1]);                  // it is there again, and has a new group
$held = [$occupy('after')];
echo stream_get_contents($pipes[1]);
proc_close($process);
?>
--EXPECT--
two listeners of a process share a group, another group has all
one two, other: one two
given back, it comes again
bool(true)
int(2)
not acknowledged in time, or its listener gone, it goes to the other one
bool(true)
int(2)
bool(true)
int(3)
the end of a request gives back what it had
four in the child
four 2
a group that is away keeps so many, and hears how many it lost
EventsLost 3
ChannelOccupied many-4
ChannelOccupied many-5
ChannelOccupied many-6
ChannelOccupied many-7
ChannelOccupied many-8
NULL
a restart in the middle of a wait
listening
EventsLost 
ChannelOccupied after
