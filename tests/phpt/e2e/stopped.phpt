--TEST--
A daemon that is stopped during each kind of call: one time-out, no more; whatever comes after it goes on is right
--EXTENSIONS--
fanfare
pcntl
--INI--
fanfare.breaker=0
fanfare.timeout=0.15
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$subscriber = new Subscriber($daemon, 'room');
$client = $daemon->client(0.15);
$patient = $daemon->client();
$calls = [
    'publish' => fn () => $client->publish('room', 'e', 'publish'),
    'publishMany' => fn () => $client->publishMany([new Fanfare\Message('room', 'e', 'batch'), new Fanfare\Message('room', 'e', 'batch')]),
    'sendToUser' => fn () => $client->sendToUser('7', 'e'),
    'terminateUser' => fn () => $client->terminateUser('7'),
    'channels' => fn () => $client->channels(),
    'members' => fn () => $client->members('presence-x'),
    'connectionCount' => fn () => $client->connectionCount(),
    'ping' => fn () => $client->ping(),
    'stats' => fn () => $client->stats(),
    'a new connection' => fn () => $client->publish('room', 'e', 'new'),
    'large' => fn () => $client->publish('room', 'e', str_repeat('x', 4 << 20)),
    'publishAsync' => fn () => $client->publishAsync('room', 'e', 'deferred'),
    'flush' => fn () => $client->flush(),
    'close' => fn () => $client->close(),
];
foreach ($calls as $name => $call) {
    match ($name) {
        'a new connection' => $client->close(),
        'flush', 'close' => $client->publishAsync('room', 'e', "before $name"),
        default => $patient->ping(),
    };
    $daemon->signal('STOP');
    $start = microtime(true);
    try {
        $got = $call();
        $said = $got instanceof Fanfare\FlushResult ? "$got->unanswered unanswered, maybe " . var_export($got->error->maybeDelivered, true) : get_debug_type($got);
    } catch (Fanfare\TimeoutException $e) {
        $said = $e->phase->value . ($e->maybeDelivered ? ' maybe' : ' never');
    }
    $took = microtime(true) - $start;
    echo $name, ': ', $said, $took < 2 ? '' : " after $took s", "\n";
    $daemon->signal('CONT');
    receipt_of($name, $patient->publish('room', 'after', $name));
}
echo json_encode((array) $patient->flush()), "\n";

/** The daemon works again; what it says of the messages before is in their order. */
function receipt_of(string $name, Fanfare\Receipt $receipt): void
{
    $receipt->recipients === 1 && !$receipt->duplicate || print("$name: $receipt->recipients\n");
}
// What was maybe delivered was, once; what was certainly not delivered was not.
$seen = [];
do {
    $next = $subscriber->next();
    $next['event'] === 'e' && $seen[] = strlen($next['data']) > 50 ? 'large' : $next['data'];
} while ($next['data'] !== 'close');
echo implode(', ', $seen), "\n";

// The end of a request waits as long as it may, and says what is lost.
$daemon->signal('STOP');
$start = microtime(true);
echo preg_replace('~/\S*/ff\d+-\w+/s~', 'SOCKET', child('
    $client = new Fanfare\Client("app", "secret", $argv[1], 0.3);
    $client->publishAsync("room", "e", "last");
', [$daemon->socket]));
echo microtime(true) - $start < 2 ? "in time\n" : "late\n";
$daemon->signal('CONT');
?>
--EXPECTF--
publish: ack maybe
publishMany: ack maybe
sendToUser: ack maybe
terminateUser: ack maybe
channels: ack maybe
members: ack maybe
connectionCount: ack maybe
ping: ack maybe
stats: ack maybe
a new connection: ack maybe
large: write never
publishAsync: int
flush: 1 unanswered, maybe true
fanfare: messages of application app at the end of the connection: 0 not sent, 1 without an answer (maybe delivered), 0 rejected: fanfared at %s did not answer in time
close: null
{"acknowledged":0,"rejected":0,"unanswered":0,"error":null,"unconfirmed":0}
publish, batch, batch, new, deferred, before flush, before close
fanfare: messages of application app at the end of the request: 0 not sent, 1 without an answer (maybe delivered), 0 rejected: fanfared at SOCKET did not answer in time
in time
