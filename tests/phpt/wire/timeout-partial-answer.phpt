--TEST--
An answer that comes byte by byte is an answer; one that never ends is not
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $f = frame($c);
    $answer = "\x95\x42\x01\xa4id-1\x05\xc2";
    foreach (str_split(pack("N", strlen($answer)) . $answer) as $byte) {
        fwrite($c, $byte);
        fflush($c);
        usleep(2000);
    }
    frame($c);
    fwrite($c, "\0\0\0\x20\x95\x42");
    var_dump(frame($c));
');
receipt($fake->client()->publish('a', 'e'));
fails(fn () => $fake->client(0.2)->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 5
Fanfare\TimeoutException ack maybe: fanfared at SOCKET did not answer in time
NULL
