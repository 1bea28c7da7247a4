--TEST--
Value objects can be made by applications and stay as they are
--EXTENSIONS--
fanfare
--FILE--
<?php
$receipt = new Fanfare\Receipt(id: 'abc', recipients: 2, duplicate: true);
var_dump($receipt, new Fanfare\Receipt('x'));
$message = new Fanfare\Message(['a', 'b'], 'e', ['x' => 1], key: 'k');
var_dump($message, (new Fanfare\Message('a', 'e'))->payload);
var_dump(new Fanfare\FlushResult(error: new Fanfare\PayloadException('bad')) instanceof Fanfare\FlushResult);
var_dump(new Fanfare\Stats(version: '1', connections: 7, draining: true));
foreach ([
    fn () => $receipt->id = 'other',
    fn () => $receipt->new = 1,
    fn () => $receipt->__construct('again'),
    fn () => $message->__construct('again', 'e'),
    fn () => new Fanfare\Receipt(),
    fn () => new Fanfare\Message(1.5, []),
] as $try) {
    try {
        $try();
        echo "allowed\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
$copy = clone $receipt;
var_dump($copy == $receipt, unserialize(serialize($message)) == $message);
?>
--EXPECT--
object(Fanfare\Receipt)#1 (3) {
  ["id"]=>
  string(3) "abc"
  ["recipients"]=>
  int(2)
  ["duplicate"]=>
  bool(true)
}
object(Fanfare\Receipt)#2 (3) {
  ["id"]=>
  string(1) "x"
  ["recipients"]=>
  int(0)
  ["duplicate"]=>
  bool(false)
}
object(Fanfare\Message)#2 (6) {
  ["channels"]=>
  array(2) {
    [0]=>
    string(1) "a"
    [1]=>
    string(1) "b"
  }
  ["event"]=>
  string(1) "e"
  ["payload"]=>
  array(1) {
    ["x"]=>
    int(1)
  }
  ["except"]=>
  NULL
  ["key"]=>
  string(1) "k"
  ["traceparent"]=>
  NULL
}
array(0) {
}
bool(true)
object(Fanfare\Stats)#3 (11) {
  ["version"]=>
  string(1) "1"
  ["pid"]=>
  int(0)
  ["uptime"]=>
  int(0)
  ["connections"]=>
  int(7)
  ["channels"]=>
  int(0)
  ["messagesIn"]=>
  int(0)
  ["messagesOut"]=>
  int(0)
  ["bytesOut"]=>
  int(0)
  ["dropped"]=>
  int(0)
  ["draining"]=>
  bool(true)
  ["extra"]=>
  array(0) {
  }
}
Error: Cannot modify readonly property Fanfare\Receipt::$id
Error: Cannot create dynamic property Fanfare\Receipt::$new
Error: Cannot construct Fanfare\Receipt twice
Error: Cannot construct Fanfare\Message twice
ArgumentCountError: Fanfare\Receipt::__construct() expects at least 1 argument, 0 given
TypeError: Fanfare\Message::__construct(): Argument #2 ($event) must be of type string, array given
bool(true)
bool(true)
