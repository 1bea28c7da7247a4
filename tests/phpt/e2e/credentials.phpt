--TEST--
Wrong credentials are refused with the reason, each time anew
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
foreach ([['app', 'wrong'], ['nobody', 'secret'], ['off', 'secret'], ['app', 'secret']] as [$app, $secret]) {
    $client = $daemon->client(app: $app, secret: $secret);
    for ($i = 0; $i < 2; $i++) {
        try {
            echo $client->publish('a', 'e')->recipients, "\n";
        } catch (Fanfare\RejectedException $e) {
            echo $e->reason->name, "\n";
        }
    }
}
?>
--EXPECT--
Unauthorized
Unauthorized
UnknownApp
UnknownApp
AppDisabled
AppDisabled
0
0
