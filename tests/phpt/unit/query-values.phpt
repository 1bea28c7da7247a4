--TEST--
Channel, CachedEvent and Member can be made by applications and stay as they are
--EXTENSIONS--
fanfare
--FILE--
<?php
$cache = new Fanfare\CachedEvent(data: '{}', ttl: 5);
$channel = new Fanfare\Channel(name: 'a', occupied: true, subscriptions: 2, members: 1, cache: $cache, partial: true);
$member = new Fanfare\Member(id: '7', info: ['name' => 'A']);
var_dump($channel, new Fanfare\Channel('b'), $member, new Fanfare\Member('8'), new Fanfare\CachedEvent('x'));
foreach ([
    fn () => $channel->name = 'other',
    fn () => $channel->new = 1,
    fn () => $channel->__construct('again'),
    fn () => $member->__construct('again'),
    fn () => $cache->__construct('again'),
    fn () => $member->info['name'] = 'B',
    fn () => new Fanfare\Member(),
    fn () => new Fanfare\Channel('a', cache: new stdClass),
] as $try) {
    try {
        $try();
        echo "allowed\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
$copy = clone $channel;
var_dump($copy == $channel, unserialize(serialize($channel)) == $channel, unserialize(serialize($member)) == $member);
?>
--EXPECTF--
object(Fanfare\Channel)#2 (6) {
  ["name"]=>
  string(1) "a"
  ["occupied"]=>
  bool(true)
  ["subscriptions"]=>
  int(2)
  ["members"]=>
  int(1)
  ["cache"]=>
  object(Fanfare\CachedEvent)#1 (2) {
    ["data"]=>
    string(2) "{}"
    ["ttl"]=>
    int(5)
  }
  ["partial"]=>
  bool(true)
}
object(Fanfare\Channel)#4 (6) {
  ["name"]=>
  string(1) "b"
  ["occupied"]=>
  bool(false)
  ["subscriptions"]=>
  int(0)
  ["members"]=>
  NULL
  ["cache"]=>
  NULL
  ["partial"]=>
  bool(false)
}
object(Fanfare\Member)#3 (2) {
  ["id"]=>
  string(1) "7"
  ["info"]=>
  array(1) {
    ["name"]=>
    string(1) "A"
  }
}
object(Fanfare\Member)#5 (2) {
  ["id"]=>
  string(1) "8"
  ["info"]=>
  NULL
}
object(Fanfare\CachedEvent)#6 (2) {
  ["data"]=>
  string(1) "x"
  ["ttl"]=>
  int(0)
}
Error: Cannot modify readonly property Fanfare\Channel::$name
Error: Cannot create dynamic property Fanfare\Channel::$new
Error: Cannot construct Fanfare\Channel twice
Error: Cannot construct Fanfare\Member twice
Error: Cannot construct Fanfare\CachedEvent twice
Error: Cannot %Smodify readonly property Fanfare\Member::$info
ArgumentCountError: Fanfare\Member::__construct() expects at least 1 argument, 0 given
TypeError: Fanfare\Channel::__construct(): Argument #5 ($cache) must be of type ?Fanfare\CachedEvent, stdClass given
bool(true)
bool(true)
bool(true)
