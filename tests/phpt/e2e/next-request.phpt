--TEST--
Requests of one web server process share a connection; a fatal one spoils nothing
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/skip-memory.inc'; ?>
--FILE--
<?php
require __DIR__ . '/daemon.inc';
$daemon = new Daemon();
$subscriber = new Subscriber($daemon, 'room');
$root = "$daemon->dir/www";
mkdir($root);
file_put_contents("$root/index.php", '<?php
    final class Hungry implements JsonSerializable { public function jsonSerialize(): mixed { return str_repeat("x", 512 << 20); } }
    ini_set("memory_limit", "8M");
    $c = new Fanfare\Client("app", "secret", getenv("FAKE_SOCKET"));
    $c->publishAsync("room", "e", "deferred " . $_GET["n"]);
    if ($_GET["n"] === "2") {
        $c->publish("room", "never", new Hungry);
    }
    echo $c->publish("room", "e", "sync " . $_GET["n"])->recipients, "\n";
');
$server = new Server($root, ['FAKE_SOCKET' => $daemon->socket]);
foreach ([1, 2, 3] as $n) {
    $body = (string) $server->get("/?n=$n");
    echo str_contains($body, 'Allowed memory size') ? "fatal\n" : $body;
}
$server->stop();
unlink("$root/index.php");
rmdir($root);
for ($i = 0; $i < 5; $i++) {
    $subscriber->show();
}
?>
--EXPECT--
1
fatal
1
room e deferred 1
room e sync 1
room e deferred 2
room e deferred 3
room e sync 3
