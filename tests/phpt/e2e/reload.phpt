--TEST--
A reload of the daemon between two calls: secret changed, application disabled, removed, and back each time
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$client = $daemon->client();
$app = "[app \"app\"]\nkey = key\nsecret = secret\n";

function calls(Fanfare\Client $client): void
{
    $client->publishAsync('a', 'E');
    $flushed = $client->flush();
    echo $flushed->acknowledged, ' acknowledged, ', $flushed->rejected, ' rejected';
    foreach (['connectionCount' => [], 'channels' => [], 'publish' => ['a', 'E'], 'terminateUser' => ['7']] as $method => $arguments) {
        try {
            $client->$method(...$arguments);
            echo ", $method ok";
        } catch (Fanfare\RejectedException $e) {
            echo ", $method {$e->reason->value}";
        }
    }
    echo "\n";
}

calls($client);
foreach ([str_replace('= secret', '= another', $app), "{$app}enabled = no\n", ''] as $changed) {
    $daemon->reload($app, "$changed# here\n");
    calls($client);
    $daemon->reload("$changed# here\n", $app);
    calls($client);
}
?>
--EXPECT--
1 acknowledged, 0 rejected, connectionCount ok, channels ok, publish ok, terminateUser ok
0 acknowledged, 1 rejected, connectionCount unauthorized, channels unauthorized, publish unauthorized, terminateUser unauthorized
1 acknowledged, 0 rejected, connectionCount ok, channels ok, publish ok, terminateUser ok
0 acknowledged, 1 rejected, connectionCount app_disabled, channels app_disabled, publish app_disabled, terminateUser app_disabled
1 acknowledged, 0 rejected, connectionCount ok, channels ok, publish ok, terminateUser ok
0 acknowledged, 1 rejected, connectionCount unknown_app, channels unknown_app, publish unknown_app, terminateUser unknown_app
1 acknowledged, 0 rejected, connectionCount ok, channels ok, publish ok, terminateUser ok
