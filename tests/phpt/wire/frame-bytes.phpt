--TEST--
The exact bytes of hello, publish, batch, ping and stats
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $hello = raw($c);
    echo implode(" ", array_map(fn ($at) => bin2hex(substr($hello, $at[0], $at[1])), [[0, 10], [26, 1], [35, 2], [69, 1]])), "\n";
    echo bin2hex(raw($c)), "\n";
    send($c, "\x95\x42\x01\xa1i\x02\xc2");
    echo bin2hex(raw($c)), "\n";
    send($c, "\x93\x43\x02\x92\x93\xa1i\x00\xc2\x93\xa1j\xcd\x01\x00\xc3");
    echo bin2hex(raw($c)), "\n";
    send($c, "\x92\x44\x03");
    echo bin2hex(raw($c)), "\n";
    send($c, "\x93\x45\x04\x82\xa7version\xa11\xa3pid\x07");
');
$client = $fake->client();
receipt($client->publish(['ch', 'ch2'], 'ev', ['k' => 'v'], '1.2', 'id'));
array_map('receipt', $client->publishMany([new Fanfare\Message('ch', 'ev', 'x'), new Fanfare\Message(['a', 'b'], 'e2', 5, '3.4', 'k')]));
var_dump($client->ping() > 0, $client->stats()->pid);
echo $fake->finish();
?>
--EXPECT--
receipt i 2
receipt i 0
receipt j 256 duplicate
bool(true)
int(7)
98010001a3617070c410 cf c420 d9
97020192a26368a3636832a26576a3312e32a26964a97b226b223a2276227d
930302929591a26368a26576c0c0a1789592a161a162a26532a3332e34a16ba135
920403
920504
