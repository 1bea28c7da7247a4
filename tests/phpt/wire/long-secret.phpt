--TEST--
Secrets and application ids of any length
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    foreach ([[64, 3], [65, 40], [1000, 900], [1, 1]] as [$secret, $app]) {
        $c = accept();
        $f = frame($c);
        echo strlen($f[3]), " ", $f[6] === hash_hmac("sha256", "fanfare-ipc-1\n$f[3]\n" . bin2hex($f[4]) . "\n$f[5]", str_repeat("s", $secret), true) ? "proven" : "wrong", "\n";
        ack($c, frame($c));
    }
');
foreach ([[64, 3], [65, 40], [1000, 900], [1, 1]] as [$secret, $app]) {
    $fake->client(app: str_repeat('a', $app), secret: str_repeat('s', $secret))->publish('a', 'e');
}
fails(fn () => $fake->client(app: str_repeat('a', 1025))->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
Fanfare\ConfigurationException: The application id is longer than 1024 bytes
3 proven
40 proven
900 proven
1 proven
