--TEST--
Questions on the wire, their answers, and answers that are none
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $answers = [
        "\x93\x46\x01\x05",
        "\x93\x47\x02\x01",
        "\x93\x48\x03\x92\x95\xa1a\xc3\x02\xc0\xc0\x96\xa1b\xc2\xc0\x07\x92\xa1x\x09\xc0",
        "\x93\x49\x04\x95\xa1a\xc3\xc0\xc0\xc0",
        "\x93\x4a\x05\x92\x92\xa17\xa7{\"a\":1}\x92\xa18\xc0",
        "\x93\x4b\x06\xce\x00\x01\x00\x00",
        "\x93\x46\x07\xc3",
    ];
    foreach ($answers as $answer) {
        show(frame($c));
        send($c, $answer);
    }
');
$client = $fake->client();
var_dump($client->terminateUser('u'), $client->terminateConnection('1.2'));
echo json_encode($client->channels('p', true)), "\n";
echo json_encode($client->channel('a')), "\n";
echo json_encode($client->members('presence-a')), "\n";
var_dump($client->connectionCount());
fails(fn () => $client->terminateUser('u'));
echo $fake->finish();
?>
--EXPECT--
int(5)
bool(true)
{"a":{"name":"a","occupied":true,"subscriptions":2,"members":null,"cache":null,"partial":false},"b":{"name":"b","occupied":false,"subscriptions":0,"members":7,"cache":{"data":"x","ttl":9},"partial":false}}
{"name":"a","occupied":true,"subscriptions":0,"members":null,"cache":null,"partial":false}
[{"id":"7","info":{"a":1}},{"id":"8","info":null}]
int(65536)
Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the number is missing
[6,1,"u"]
[7,2,"1.2"]
[8,3,"p",["subscription_count","user_count","cache"]]
[9,4,"a",["subscription_count","user_count"]]
[10,5,"presence-a"]
[11,6]
[6,7,"u"]
