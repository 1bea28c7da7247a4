--TEST--
close() collects what is outstanding, ends the connection for all handles, and the next call opens it again
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $first = hello($c);
    ack($c, show(frame($c)));
    ack($c, show(frame($c)));
    var_dump(frame($c));
    $c = accept();
    echo hello($c) === $first ? "same producer\n" : "other producer\n";
    ack($c, show(frame($c)));
    error($c, show(frame($c))[1], "invalid_event", "bad event");
    var_dump(frame($c));
');
$client = $fake->client();
$other = $fake->client(1.0);
$client->close(); // nothing to close yet
receipt($client->publish('a', 'one'));
$other->publishAsync('a', 'two');
$client->close();
var_dump($client->pending(), str_contains(print_r($other, true), '[state] => disconnected'));
outcome($other->flush());
receipt($other->publish('a', 'three'));
$log = $fake->dir . '/log';
ini_set('error_log', $log);
ini_set('log_errors', '1');
$client->publishAsync('a', '');
$other->close();
$other->close();
echo preg_replace('~^\[.*?\] ~m', '', file_get_contents($log));
unlink($log);
(new Fanfare\Client())->close(); // no application: nothing to close either
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
int(0)
bool(true)
acknowledged 0 rejected 0 unanswered 0
receipt id-3 0
fanfare: messages of application app at the end of the connection: 0 not sent, 0 without an answer (maybe delivered), 1 rejected: fanfared rejected it: bad event
[2,1,["a"],"one",null,null,"[]"]
[2,2,["a"],"two",null,null,"[]"]
NULL
same producer
[2,3,["a"],"three",null,null,"[]"]
[2,4,["a"],"",null,null,"[]"]
NULL
