--TEST--
sendToUser(), terminateUser() and terminateConnection() with the real daemon
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon("[app \"two\"]\nkey = two\nsecret = secret\n");
$client = $daemon->client();
$other = $daemon->client(app: 'two');
[$one, $two, $three, $four] = [new Subscriber($daemon), new Subscriber($daemon), new Subscriber($daemon), new Subscriber($daemon)];
$one->signIn('7');
$two->signIn('7');
$three->subscribe('presence-room', ['user_id' => 7]);
$four->signIn('üser "8"');

$receipt = $client->sendToUser('7', 'Hello', ['a' => 1]);
var_dump($receipt instanceof Fanfare\Receipt, $receipt->recipients);
$one->show();
$two->show();
var_dump($client->sendToUser(userId: '7', event: 'Second', payload: 'text', except: $one->socketId, key: 'k')->recipients);
$two->show();
var_dump($client->sendToUser('7', 'Second', 'text', key: 'k')->duplicate);
var_dump($client->sendToUser('üser "8"', 'e')->recipients);
$four->show();
var_dump($client->sendToUser('9', 'e')->recipients, $other->sendToUser('7', 'e')->recipients);

var_dump($other->terminateUser('7'), $client->terminateUser('7'), $client->terminateUser('7'));
foreach ([$one, $two, $three] as $ended) {
    $ended->show();
}
var_dump($other->terminateConnection($four->socketId), $client->terminateConnection('1.1'), $client->terminateConnection($four->socketId));
$four->show();
var_dump($client->terminateConnection($four->socketId), $client->connectionCount());
foreach ([
    fn () => $client->sendToUser('', 'e'),
    fn () => $client->sendToUser(str_repeat('x', 129), 'e'),
    fn () => $client->sendToUser("\xff", 'e'),
    fn () => $client->sendToUser('7', 'pusher:e'),
    fn () => $client->terminateUser("\xff"),
    fn () => $client->terminateConnection('undefined'),
    fn () => $client->terminateConnection(''),
] as $try) {
    fails($try);
}
?>
--EXPECT--
bool(true)
int(2)
#server-to-user-7 Hello {"a":1}
#server-to-user-7 Hello {"a":1}
int(1)
#server-to-user-7 Second text
bool(true)
int(1)
#server-to-user-üser "8" e []
int(0)
int(0)
int(0)
int(3)
int(0)
- pusher:error {"code":4009,"message":"Terminated by the application"}
- pusher:error {"code":4009,"message":"Terminated by the application"}
- pusher:error {"code":4009,"message":"Terminated by the application"}
bool(false)
bool(false)
bool(true)
- pusher:error {"code":4009,"message":"Terminated by the application"}
bool(false)
int(0)
ValueError: Fanfare\Client::sendToUser(): Argument #1 ($userId) must have between 1 and 128 bytes of valid UTF-8
ValueError: Fanfare\Client::sendToUser(): Argument #1 ($userId) must have between 1 and 128 bytes of valid UTF-8
ValueError: Fanfare\Client::sendToUser(): Argument #1 ($userId) must have between 1 and 128 bytes of valid UTF-8
Fanfare\RejectedException InvalidEvent: fanfared rejected it: event names that start with pusher: or pusher_internal: are reserved
ValueError: Fanfare\Client::terminateUser(): Argument #1 ($userId) must have between 1 and 128 bytes of valid UTF-8
Fanfare\RejectedException Other: fanfared rejected it: the socket id must be digits, a dot and digits
Fanfare\RejectedException Other: fanfared rejected it: the socket id must be digits, a dot and digits
