--TEST--
A loop that includes, makes clients, publishes, fails and forgets keeps its memory, in PHP and in the process
--EXTENSIONS--
fanfare
--SKIPIF--
<?php if (!is_file('/proc/self/statm') || getenv('USE_ZEND_ALLOC') === '0') die('skip no /proc, or another allocator'); ?>
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    while (($f = frame($c)) !== null) {
        if (($f[3] ?? null) === "refused") {
            error($c, $f[1], "invalid_channel", "refused");
        } else {
            ack($c, $f);
        }
    }
');
file_put_contents("$fake->dir/part.php", '<?php
    $client = $fake->client();
    $other = new Fanfare\Client("nobody");
    $client->publish(["a", "b"], "e", ["i" => $i, "text" => str_repeat("x", 1000)], key: "key $i");
    $client->publishMany([new Fanfare\Message("a", "e", [$i]), Fanfare\Message::toUser("7", "e", [$i])]);
    for ($n = 0; $n < 5; $n++) {
        $client->publishAsync("a", "e", [$i, $n]);
    }
    try { $client->publish("a", "refused"); } catch (Fanfare\RejectedException $e) {}
    try { $client->publish("a", "e", NAN); } catch (Fanfare\PayloadException $e) {}
    try { $other->ping(); } catch (Fanfare\ConfigurationException $e) {}
    $client->flush();
    return $client->pending();
');
/** @return array{int, int} bytes of PHP's heap, bytes of the process */
function used(): array
{
    gc_collect_cycles();
    return [memory_get_usage(), 4096 * (int) explode(' ', file_get_contents('/proc/self/statm'))[1]];
}
$rounds = function (int $n) use ($fake): void {
    for ($i = 0; $i < $n; $i++) {
        (include "$fake->dir/part.php") === 0 || print("pending\n");
    }
};
$rounds(50);
$before = used();
$rounds(500);
$after = used();
echo $after[0] - $before[0] < 1024 ? "same heap\n" : 'grew by ' . ($after[0] - $before[0]) . " bytes\n";
// a page or two may be touched for the first time
echo $after[1] - $before[1] < 262144 ? "same process\n" : 'the process grew by ' . ($after[1] - $before[1]) . " bytes\n";
unlink("$fake->dir/part.php");
$fake->client()->close();
echo $fake->finish();
?>
--EXPECT--
same heap
same process
