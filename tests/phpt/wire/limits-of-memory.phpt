--TEST--
The memory limit wherever it strikes: in a payload, in a receipt, in a large answer, in an exception; the next request of the process is whole
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/memory-limit.inc'; ?>
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for (;;) {
        $read = [$server, STDIN];
        $none = null;
        stream_select($read, $none, $none, 30);
        if (!in_array($server, $read, true)) {
            break;
        }
        $c = accept();
        hello($c);
        while (($f = frame($c)) !== null) {
            if ($f[0] === 8) {
                // 2,000 channels
                $list = "";
                for ($i = 0; $i < 2000; $i++) {
                    $list .= "\x95" . str("channel-$i") . "\xc3" . num($i) . "\xc0\xc0";
                }
                send($c, "\x94" . num(72) . num($f[1]) . "\xdc" . pack("n", 2000) . $list . "\xc2");
            } elseif (($f[3] ?? null) === "refused") {
                error($c, $f[1], "invalid_channel", str_repeat("refused ", 20));
            } else {
                ack($c, $f);
            }
        }
    }
');
$root = $fake->dir . '/www';
mkdir($root);
file_put_contents("$root/index.php", '<?php
    $c = new Fanfare\Client("app", "secret", getenv("FAKE_SOCKET"), 10.0);
    if (!isset($_GET["left"])) {
        exit($c->publish("a", "whole", ["n" => 1])->recipients === 0 ? "whole" : "no");
    }
    $messages = [];
    for ($i = 0; $i < 400; $i++) {
        $messages[] = new Fanfare\Message("a", "e", [$i]);
    }
    $c->publishAsync("a", "deferred");
    ini_set("memory_limit", (string) memory_get_usage(true));
    // all that is left of the chunks the process has, but so much
    // takes all that is left of the memory that PHP has, but for so much
    // takes what PHP has, but for so much
    $held = array_fill(0, 4096, null);
    register_shutdown_function(function () { $GLOBALS["held"] = null; });
    for ($i = 0; memory_get_usage() + (int) $_GET["left"] < memory_get_usage(true); $i++) {
        $held[$i] = str_repeat("x", 3040);
    }
    echo "begins ";
    match ($_GET["what"]) {
        "publish" => $c->publish("a", "e", ["x" => range(1, 5000)]),
        "batch" => $c->publishMany($messages),
        "channels" => $c->channels(),
        "refused" => $c->publish("a", "refused", "x"),
        "async" => $c->publishAsync("a", "e", ["x" => range(1, 5000)]),
    };
    echo "done";
');
$server = new Server($root, ['FAKE_SOCKET' => $fake->socket]);
$struck = [];
foreach (['publish', 'batch', 'channels', 'refused', 'async'] as $what) {
    foreach (range(100000, 1000000, 18000) as $left) {
        $body = (string) $server->get("/?what=$what&left=$left");
        $how = str_contains($body, 'Allowed memory size') ? 'fatal' : (str_contains($body, 'done') ? 'done' : (str_contains($body, 'RejectedException') ? 'refused' : $body));
        $struck[$what][str_contains($body, 'begins') ? $how : 'before'] = true;
        if (($whole = (string) $server->get('/')) !== 'whole') {
            echo "after $what with $left left: $whole\n";
        }
    }
    unset($struck[$what]['before'], $struck['refused']['fatal']);
    ksort($struck[$what]);
    echo $what, ': ', implode(' ', array_keys($struck[$what])), "\n";
}
$server->stop();
unlink("$root/index.php");
rmdir($root);
echo $fake->finish();
?>
--EXPECT--
publish: done fatal
batch: done fatal
channels: done fatal
refused: refused
async: done fatal
