--TEST--
Payloads far larger than a socket's buffer, both ways waiting
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 4; $i++) {
        $f = frame($c);
        echo $f[0] === 3 ? count($f[2]) . " " . md5($f[2][0][3] . $f[2][0][4]) : strlen($f[6]) . " " . md5($f[6]), "\n";
        ack($c, $f);
    }
');
$client = $fake->client(30.0);
foreach ([90 << 10, 1 << 20, 15 << 20] as $size) {
    $payload = str_repeat('é', $size >> 1);
    receipt($client->publish('a', 'e', $payload));
    echo strlen($payload), ' ', md5($payload), "\n";
}
echo count($client->publishMany(array_fill(0, 10, new Fanfare\Message('a', 'e', str_repeat('x', 1 << 20))))), "\n";
fails(fn () => $client->publishMany(array_fill(0, 17, new Fanfare\Message('a', 'e', str_repeat('x', 1 << 20)))));
fails(fn () => $client->publish('a', 'e', str_repeat('x', (16 << 20) - 10)));
fails(fn () => $client->publishAsync('a', 'e', str_repeat('x', (16 << 20) - 10)));
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
92160 ce0ba790d81e243e89fdc5d18be05726
receipt id-2 0
1048576 a44e56b7f9cc48007439b40bd68183d1
receipt id-3 0
15728640 a5e9fa4c7b7df6e34e927b576ac7a75d
10
Fanfare\PayloadException: The message is larger than one frame may be (16 MiB)
Fanfare\PayloadException: The message is larger than one frame may be (16 MiB)
Fanfare\PayloadException: The message is larger than one frame may be (16 MiB)
92160 ce0ba790d81e243e89fdc5d18be05726
1048576 a44e56b7f9cc48007439b40bd68183d1
15728640 a5e9fa4c7b7df6e34e927b576ac7a75d
10 b561f87202d04959e37588ee05cf5b10
