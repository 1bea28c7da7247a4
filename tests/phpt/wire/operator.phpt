--TEST--
Orders and lists of connections on the wire
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $answers = [
        "\x95\x51\x01\x92\x95\xa34.5\xa17\xa9192.0.2.1\xcf\0\0\x01\x9b\x76\xda\xa8\0\x02\x95\xa34.6\xc0\xa0\0\0\xa34.6\xc3",
        "\x95\x51\x02\x90\xc0\xc2",
        "\x92\x50\x03",
        "\x92\x50\x04",
        "\x92\x50\x05",
        "\x95\x40\x06" . str("forbidden") . str("stop is for root") . "\xc0",
        "\x95\x40\x07" . str("draining") . str("the daemon is shutting down") . "\xc0",
        "\x95\x40\x08" . str("other") . str("nothing changed: f.conf:1: no") . "\xc0",
        "\x95\x51\x09\x91\x94\xa34.5\xa17\xa0\0\xc0\xc2",
    ];
    foreach ($answers as $answer) {
        show(frame($c));
        send($c, $answer);
    }
    $c = accept();
    hello($c);
    show(frame($c));
    fclose($c);
    $c = accept();
    hello($c);
    show(frame($c));
    send($c, "\x92\x44\x0b");
');
$client = $fake->client();
echo json_encode($client->connections()), ' ', json_encode($client->answerWasPartial()), "\n";
echo json_encode($client->connections(2, '4.6')), ' ', json_encode($client->answerWasPartial()), "\n";
var_dump($client->stop(), $client->restart(), $client->reload());
fails(fn () => $client->stop());
fails(fn () => $client->restart());
fails(fn () => $client->reload());
fails(fn () => $client->connections());
fails(fn () => $client->connections(0));
fails(fn () => $client->connections(10001));
// an order is not given twice
fails(fn () => $client->restart());
var_dump($client->ping() > 0);
echo $fake->finish();
$connection = new Fanfare\Connection('1.2', subscriptions: 3);
fails(fn () => $connection->__construct('3.4'));
var_dump($connection, $client instanceof Fanfare\Operator);
?>
--EXPECT--
[{"socketId":"4.5","userId":"7","address":"192.0.2.1","openedAt":1767225600,"subscriptions":2},{"socketId":"4.6","userId":null,"address":"","openedAt":0,"subscriptions":0}] true
[] false
NULL
NULL
NULL
Fanfare\RejectedException Forbidden: fanfared rejected it: stop is for root
Fanfare\RejectedException Draining: fanfared rejected it: the daemon is shutting down
Fanfare\RejectedException Other: fanfared rejected it: nothing changed: f.conf:1: no
Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: a connection is not three texts and two numbers
ValueError: Fanfare\Client::connections(): Argument #1 ($limit) must be between 1 and 10000
ValueError: Fanfare\Client::connections(): Argument #1 ($limit) must be between 1 and 10000
Fanfare\ConnectionLostException ack maybe: fanfared at SOCKET closed the connection before it answered
bool(true)
[17,1,null,100]
[17,2,"4.6",2]
[16,3,"stop"]
[16,4,"restart"]
[16,5,"reload"]
[16,6,"stop"]
[16,7,"restart"]
[16,8,"reload"]
[17,9,null,100]
[16,10,"restart"]
[4,11]
Error: Cannot construct Fanfare\Connection twice
object(Fanfare\Connection)#4 (5) {
  ["socketId"]=>
  string(3) "1.2"
  ["userId"]=>
  NULL
  ["address"]=>
  string(0) ""
  ["openedAt"]=>
  float(0)
  ["subscriptions"]=>
  int(3)
}
bool(true)
