--TEST--
A request that ends in a fatal error leaves its successor in the same process a working connection
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/memory-limit.inc'; ?>
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $first = hello($c);
    $last = 0;
    while (($f = frame($c)) !== null) {
        if ($f[3] === "stop") {
            ack($c, $f);
            break;
        }
        echo "$f[1] $f[3]\n";
        ack($c, $f);
    }
');
$root = $fake->dir . '/www';
mkdir($root);
file_put_contents("$root/index.php", '<?php
    $c = new Fanfare\Client("app", "secret", getenv("FAKE_SOCKET"));
    final class Hungry implements JsonSerializable { public function jsonSerialize(): mixed { return str_repeat("x", 512 << 20); } }
    ini_set("memory_limit", "8M");
    $c->publishAsync("a", "deferred " . $_GET["n"]);
    if ($_GET["n"] === "2") {
        $c->publish("a", "never", new Hungry);
    }
    if ($_GET["n"] === "3") {
        $c->publishAsync("a", "never", new Hungry);
    }
    echo $c->publish("a", $_GET["n"] === "4" ? "stop" : "sync " . $_GET["n"])->id, "\n";
');
$server = new Server($root, ['FAKE_SOCKET' => $fake->socket]);
foreach ([1, 2, 3, 4] as $n) {
    $body = (string) $server->get("/?n=$n");
    echo "$n: ", str_contains($body, 'Allowed memory size') ? "fatal\n" : $body;
}
$server->stop();
unlink("$root/index.php");
rmdir($root);
echo $fake->finish();
?>
--EXPECT--
1: id-2
2: fatal
3: fatal
4: id-6
1 deferred 1
2 sync 1
3 deferred 2
4 deferred 3
5 deferred 4
