--TEST--
ping() and stats()
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    show(frame($c));
    send($c, "\x92\x44\x01");
    show(frame($c));
    $pairs = ["version" => str("0.1.0"), "pid" => num(123), "uptime" => num(4), "connections" => num(100000), "channels" => num(7),
        "messages_in" => num(1), "messages_out" => num(2), "bytes_out" => "\xcf\0\0\0\x10\0\0\0\0", "dropped" => num(0),
        "draining" => "\xc3", "from_the_future" => "\x91\xc0", "state" => str("ready"), "workers" => num(3), "watchlist" => "\xc2",
        "uid" => str("not a number, but kept")];
    $body = "\x93\x45\x02\xde\0" . chr(count($pairs));
    foreach ($pairs as $name => $value) {
        $body .= str($name) . $value;
    }
    send($c, $body);
    show(frame($c));
    send($c, "\x95\x42\x03\xa1i\x02\xc2");
');
$client = $fake->client();
$seconds = $client->ping();
var_dump($seconds > 0 && $seconds < 10);
var_dump($client->stats());
fails(fn () => $client->ping());
echo $fake->finish();
?>
--EXPECT--
bool(true)
object(Fanfare\Stats)#4 (11) {
  ["version"]=>
  string(5) "0.1.0"
  ["pid"]=>
  int(123)
  ["uptime"]=>
  int(4)
  ["connections"]=>
  int(100000)
  ["channels"]=>
  int(7)
  ["messagesIn"]=>
  int(1)
  ["messagesOut"]=>
  int(2)
  ["bytesOut"]=>
  int(68719476736)
  ["dropped"]=>
  int(0)
  ["draining"]=>
  bool(true)
  ["extra"]=>
  array(4) {
    ["state"]=>
    string(5) "ready"
    ["workers"]=>
    int(3)
    ["watchlist"]=>
    bool(false)
    ["uid"]=>
    string(22) "not a number, but kept"
  }
}
Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the answer is not of the kind that was asked for
[4,1]
[5,2]
[4,3]
