--TEST--
With no daemon, messages wait in the buffer until it is full; flush() tells and keeps them
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    global $server, $socket;
    fclose($server);
    unlink($socket);
    echo "gone\n";
    wait();
    $server = listen();
    echo "back\n";
    $c = accept();
    hello($c);
    ack($c, show(frame($c)));
    ack($c, show(frame($c)));
    serve($c);
');
echo $fake->line();
ini_set('fanfare.async_buffer', '200');
$client = $fake->client();
var_dump($client->publishAsync('a', 'e', 1), $client->publishAsync('a', 'e', 2));
fails(fn () => $client->publishAsync('a', 'e', str_repeat('x', 200)));
var_dump($client->pending());
outcome($client->flush());
outcome(Fanfare\flush(0.5));
$fake->go();
echo $fake->line();
outcome($client->flush());
var_dump($client->pending());
echo $fake->finish();
?>
--EXPECT--
gone
int(1)
int(2)
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
int(2)
acknowledged 0 rejected 0 unanswered 2
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
acknowledged 0 rejected 0 unanswered 2
Fanfare\ConnectException connect never: Cannot reach fanfared at SOCKET: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
back
acknowledged 2 rejected 0 unanswered 0
int(0)
[2,1,["a"],"e",null,null,"1"]
[2,2,["a"],"e",null,null,"2"]
