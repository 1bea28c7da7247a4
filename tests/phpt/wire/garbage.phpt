--TEST--
Answers that are none: ProtocolException, and a new connection for the next call
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$answers = [
    'HTTP' => "HTTP/1.1 400 Bad Request\r\n\r\n",
    'zero length' => "\0\0\0\0",
    'too long' => "\x7f\xff\xff\xff",
    'not an array' => "\0\0\0\x01\x05",
    'empty array' => "\0\0\0\x01\x90",
    'unknown type' => "\0\0\0\x03\x92\x63\x01",
    'a request' => "\0\0\0\x03\x92\x04\x01",
    'truncated' => "\0\0\0\x04\x95\x42\x01\xaa",
    'bytes behind' => "\0\0\0\x09\x95\x42\x01\xa1i\x02\xc2\xc0\xc0",
    'wrong field' => "\0\0\0\x08\x95\x42\x01\xa1i\xa1x\xc2",
    'future number' => "\0\0\0\x07\x95\x42\x7f\xa1i\x02\xc2",
    'number 0' => "\0\0\0\x07\x95\x42\x00\xa1i\x02\xc2",
    'huge array' => "\0\0\0\x05\xdd\xff\xff\xff\xff",
    'huge string' => "\0\0\0\x0a\x95\x42\x01\xdb\xff\xff\xff\xffab",
    'deep' => "\0\0\x03\xe8" . str_repeat("\x91", 1000),
];
$fake = new Fake('
    foreach (' . var_export(array_map('bin2hex', $answers), true) . ' as $hex) {
        $c = accept();
        hello($c);
        $f = frame($c);
        fwrite($c, hex2bin($hex));
        var_dump(frame($c));
    }
    $c = accept();
    hello($c);
    ack($c, frame($c));
');
foreach ($answers as $name => $_) {
    $client = $fake->client();
    echo "$name: ";
    fails(fn () => $client->publish('a', 'e'));
}
receipt($fake->client()->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
HTTP: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the answer is not a frame
zero length: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the answer is not a frame
too long: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the answer is not a frame
not an array: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the frame is not an array
empty array: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the frame does not start with a type and a sequence number
unknown type: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the frame's type is unknown
a request: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the answer is a request
truncated: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: not one complete msgpack value within the limits
bytes behind: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: not one complete msgpack value within the limits
wrong field: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: a receipt is not a string, a number and a boolean
future number: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the answer is to a frame that was never sent
number 0: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: the answer names no request
huge array: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: not one complete msgpack value within the limits
huge string: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: not one complete msgpack value within the limits
deep: Fanfare\ProtocolException ack maybe: Whatever listens at SOCKET does not speak version 1 of fanfared's protocol: not one complete msgpack value within the limits
receipt id-16 0
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
NULL
