--TEST--
The hello proves the secret, names application and client, and one producer numbers its frames from 1
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 2; $i++) {
        $c = accept();
        $f = frame($c);
        echo "$f[0] $f[1] $f[2] $f[3] ", strlen($f[4]), " ", abs($f[5] - microtime(true) * 1000) < 60000 ? "now" : "off", " ",
            $f[6] === hash_hmac("sha256", "fanfare-ipc-1\n$f[3]\n" . bin2hex($f[4]) . "\n$f[5]", SECRETS[$f[3]], true) ? "proven" : "wrong",
            " ", preg_match("~^ext-fanfare/[\d.]+ php/[\w.+-]+ \(\w+\)$~", $f[7]) ? "named" : $f[7], "\n";
        $producers[] = $f[4];
        ack($c, show(frame($c)));
    }
    var_dump($producers[0] === $producers[1]);
');
$fake->client()->publish('a', 'e');
$fake->client(app: 'other', secret: 'hidden')->publish('a', 'e');
echo $fake->finish();
?>
--EXPECT--
1 0 1 app 16 now proven named
[2,1,["a"],"e",null,null,"[]"]
1 0 1 other 16 now proven named
[2,1,["a"],"e",null,null,"[]"]
bool(false)
