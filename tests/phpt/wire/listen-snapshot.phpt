--TEST--
Listening: a snapshot in several frames, and another one from the connection that takes its place
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    listening($c, listen_frame($c)[1], true, 0, 5);
    snapshot($c, ["room" => [3, null], "presence-a" => [2, ["1" => "{\"name\":\"Ann\"}", "2" => null]]], false, 5);
    snapshot($c, ["presence-a" => [4, ["3" => "[1]"]], "7" => [1, null], "presence-b" => [0, []]], true, 5);
    event($c, 1, "channel_vacated", "x", ["channel" => "room"], 1, 6);
    wait();
    // half a snapshot, then the whole
    fclose($c);
    $c = accept();
    hello($c);
    listening($c, listen_frame($c)[1], true);
    snapshot($c, ["half" => [1, null]], false, 1);
    fclose($c);
    $c = accept();
    hello($c);
    listening($c, listen_frame($c)[1], true);
    snapshot($c, [], true, 2);
    wait();
');
$listener = $fake->client()->listen(['channel_vacated'], 'g', true);
$snapshot = $listener->snapshot();
var_dump($snapshot, $snapshot === $listener->snapshot());
show_event($listener->receive(10));
$fake->go();
$lost = show_event($listener->receive(10));
var_dump($listener->snapshot());
$listener->ack($lost);
unset($listener);
echo $fake->finish();
?>
--EXPECTF--
object(Fanfare\Snapshot)#%d (3) {
  ["order"]=>
  int(5)
  ["channels"]=>
  array(4) {
    ["room"]=>
    int(3)
    ["presence-a"]=>
    int(4)
    [7]=>
    int(1)
    ["presence-b"]=>
    int(0)
  }
  ["members"]=>
  array(2) {
    ["presence-a"]=>
    array(3) {
      [0]=>
      object(Fanfare\Member)#%d (2) {
        ["id"]=>
        string(1) "1"
        ["info"]=>
        array(1) {
          ["name"]=>
          string(3) "Ann"
        }
      }
      [1]=>
      object(Fanfare\Member)#%d (2) {
        ["id"]=>
        string(1) "2"
        ["info"]=>
        NULL
      }
      [2]=>
      object(Fanfare\Member)#%d (2) {
        ["id"]=>
        string(1) "3"
        ["info"]=>
        array(1) {
          [0]=>
          int(1)
        }
      }
    }
    ["presence-b"]=>
    array(0) {
    }
  }
}
bool(true)
ChannelVacated x attempt 1 channel=room
EventsLost - attempt 1
object(Fanfare\Snapshot)#%d (3) {
  ["order"]=>
  int(2)
  ["channels"]=>
  array(0) {
  }
  ["members"]=>
  array(0) {
  }
}
[14,1,["channel_vacated"],"g",16,30000,true]
[14,1,["channel_vacated"],"g",16,30000,true]
[14,1,["channel_vacated"],"g",16,30000,true]
