--TEST--
Answers that leave nodes out say so
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $answers = [
        "\x94\x48\x01\x91\x95\xa1a\xc3\x02\xc0\xc0\xc3",
        "\x94\x48\x02\x91\x95\xa1a\xc3\x02\xc0\xc0\xc2",
        "\x94\x49\x03\x95\xa1a\xc3\x02\xc0\xc0\xc3",
        "\x92\x44\x04",
        "\x94\x4b\x05\x09\xc3",
        "\x93\x4b\x06\x09",
        "\x94\x4b\x07\x09\xc3",
        "\x94\x4b\x08\x09\x01",
    ];
    foreach ($answers as $answer) {
        frame($c);
        send($c, $answer);
    }
');
$client = $fake->client();
$other = $fake->client();
var_dump($client->channels()['a']->partial, $client->answerWasPartial());
var_dump($client->channels()['a']->partial, $client->answerWasPartial());
var_dump($client->channel('a')->partial, $client->answerWasPartial(), $other->answerWasPartial());
$client->ping();
var_dump($client->answerWasPartial());
var_dump($client->connectionCount(), $client->answerWasPartial());
var_dump($client->connectionCount(), $client->answerWasPartial()); // a daemon that knows of no other nodes
$client->connectionCount();
fails(fn () => $client->connectionCount());
var_dump($client->answerWasPartial()); // a question that failed has no answer
echo $fake->finish();
?>
--EXPECT--
bool(true)
bool(true)
bool(false)
bool(false)
bool(true)
bool(true)
bool(false)
bool(false)
int(9)
bool(true)
int(9)
bool(false)
Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: whether the answer is partial is no boolean
bool(false)
