--TEST--
Connections, reload, restart and stop of the real daemon; a publish waits through the restart
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon("user_authentication = yes\n");
$client = $daemon->client();
$clients = [];
for ($i = 0; $i < 5; $i++) {
    $clients[$i] = new Subscriber($daemon, 'a', 'b');
}
$clients[1]->signIn('seven');
$clients[2]->subscribe('presence-x', ['user_id' => 'eight']);

$page = $client->connections(3);
$rest = $client->connections(3, end($page)->socketId);
$all = [...$page, ...$rest];
var_dump(count($page), count($rest), $client->answerWasPartial());
$ids = array_map(fn ($c) => $c->socketId, $all);
sort($ids);
$known = array_map(fn ($c) => $c->socketId, $clients);
sort($known);
var_dump($ids === $known);
foreach ($all as $c) {
    $at = array_search($c->socketId, array_map(fn ($s) => $s->socketId, $clients), true);
    $lines[$at] = "$at $c->address " . json_encode($c->userId) . " $c->subscriptions " . (abs($c->openedAt - time()) < 30 ? 'now' : $c->openedAt);
}
ksort($lines);
echo implode("\n", $lines), "\n";
var_dump($client->connections(10, end($all)->socketId));

$change = fn (string $from, string $to) => file_put_contents("$daemon->dir/conf", str_replace($from, $to, file_get_contents("$daemon->dir/conf")));
$change("[ipc]\n", "max_evnt_size = 1\n[ipc]\n");
foreach (['reload', 'restart'] as $order) {
    try {
        $client->$order();
    } catch (Fanfare\RejectedException $e) {
        echo $order, ' ', $e->reason->name, ': ', str_replace($daemon->dir, 'DIR', strstr($e->getMessage(), ': Allowed', true)), "\n";
    }
}
$change("max_evnt_size = 1\n", "[limits]\nmax_event_size = 50K\n");
$client->reload();
var_dump($client->stats()->extra['max_event_size']);

$clients = []; // who does not answer when it is closed would be waited for
$before = $client->stats();
$client->restart();
// the daemon that begins anew counts anew
for ($published = 0; $client->stats()->extra['published'] === $before->extra['published'] + $published; $published++) {
    $client->publish('a', 'e', $published);
}
$after = $client->stats();
var_dump($published > 0, $after->pid === $before->pid, $after->extra['published'] < $published, $after->connections);
$subscriber = new Subscriber($daemon, 'a');
$client->publish('a', 'e', 'after');
$subscriber->show();
$subscriber = null;

$client->stop();
for ($i = 0; $i < 2000; $i++) {
    $last = file_get_contents("$daemon->dir/log");
    if (str_ends_with($last, "info server: ended\n")) {
        break;
    }
    usleep(5000);
}
echo substr($last, -20);
?>
--EXPECT--
int(3)
int(2)
bool(false)
bool(true)
0 127.0.0.1 null 2 now
1 127.0.0.1 "seven" 2 now
2 127.0.0.1 "eight" 3 now
3 127.0.0.1 null 2 now
4 127.0.0.1 null 2 now
array(0) {
}
reload Other: fanfared rejected it: the reload failed and nothing changed: DIR/conf:4: unknown key "max_evnt_size" in this section
restart Other: fanfared rejected it: it would not start again, and goes on as it is: DIR/conf:4: unknown key "max_evnt_size" in this section
int(51200)
bool(true)
bool(true)
bool(true)
int(0)
a e after
 info server: ended
