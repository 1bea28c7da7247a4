--TEST--
Event and Snapshot can be made by applications and stay as they are
--EXTENSIONS--
fanfare
--FILE--
<?php
use Fanfare\Event;
use Fanfare\EventType;
use Fanfare\Snapshot;

$event = new Event('e-1', EventType::ClientEvent, time: 1.5, attempt: 2, order: 9, channel: 'room', userId: '7',
    socketId: '1.2', event: 'client-typing', data: '{}', count: 3);
var_dump($event, new Event(id: '', type: EventType::EventsLost));
$snapshot = new Snapshot(5, ['presence-a' => 2], ['presence-a' => [new Fanfare\Member('7')]]);
var_dump($snapshot, new Snapshot());
foreach ([
    fn () => $event->id = 'other',
    fn () => $event->more = 1,
    fn () => $event->__construct('again', EventType::ClientEvent),
    fn () => $snapshot->order = 1,
    fn () => $snapshot->channels[] = 1,
    fn () => $snapshot->__construct(),
    fn () => new Event('x'),
    fn () => new Event('x', 'client_event'),
    fn () => new Snapshot(channels: 'none'),
] as $try) {
    try {
        $try();
        echo "allowed\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
var_dump(clone $event == $event, unserialize(serialize($event)) == $event, unserialize(serialize($snapshot)) == $snapshot);
?>
--EXPECTF--
object(Fanfare\Event)#%d (11) {
  ["id"]=>
  string(3) "e-1"
  ["type"]=>
  enum(Fanfare\EventType::ClientEvent)
  ["time"]=>
  float(1.5)
  ["attempt"]=>
  int(2)
  ["order"]=>
  int(9)
  ["channel"]=>
  string(4) "room"
  ["userId"]=>
  string(1) "7"
  ["socketId"]=>
  string(3) "1.2"
  ["event"]=>
  string(13) "client-typing"
  ["data"]=>
  string(2) "{}"
  ["count"]=>
  int(3)
}
object(Fanfare\Event)#%d (11) {
  ["id"]=>
  string(0) ""
  ["type"]=>
  enum(Fanfare\EventType::EventsLost)
  ["time"]=>
  float(0)
  ["attempt"]=>
  int(1)
  ["order"]=>
  int(0)
  ["channel"]=>
  NULL
  ["userId"]=>
  NULL
  ["socketId"]=>
  NULL
  ["event"]=>
  NULL
  ["data"]=>
  NULL
  ["count"]=>
  NULL
}
object(Fanfare\Snapshot)#%d (3) {
  ["order"]=>
  int(5)
  ["channels"]=>
  array(1) {
    ["presence-a"]=>
    int(2)
  }
  ["members"]=>
  array(1) {
    ["presence-a"]=>
    array(1) {
      [0]=>
      object(Fanfare\Member)#%d (2) {
        ["id"]=>
        string(1) "7"
        ["info"]=>
        NULL
      }
    }
  }
}
object(Fanfare\Snapshot)#%d (3) {
  ["order"]=>
  int(0)
  ["channels"]=>
  array(0) {
  }
  ["members"]=>
  array(0) {
  }
}
Error: Cannot modify readonly property Fanfare\Event::$id
Error: Cannot create dynamic property Fanfare\Event::$more
Error: Cannot construct Fanfare\Event twice
Error: Cannot modify readonly property Fanfare\Snapshot::$order
Error: Cannot %Smodify readonly property Fanfare\Snapshot::$channels
Error: Cannot construct Fanfare\Snapshot twice
ArgumentCountError: Fanfare\Event::__construct() expects at least 2 arguments, 1 given
TypeError: Fanfare\Event::__construct(): Argument #%d ($type) must be of type Fanfare\EventType, string given
TypeError: Fanfare\Snapshot::__construct(): Argument #%d ($channels) must be of type array, string given
bool(true)
bool(true)
bool(true)
