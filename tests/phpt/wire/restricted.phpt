--TEST--
open_basedir, disabled functions and classes, opcache with JIT: publishing goes on, as PHP's own clients of sockets do
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$serve = '
    $c = accept();
    hello($c);
    for ($n = 0; ($f = frame($c)) !== null; $n++) {
        ack($c, $f);
    }
    echo "$n frames\n";
';
$code = '
    $client = new Fanfare\Client("app", "secret", $argv[1], 10.0);
    echo $client->publish("a", "e", ["x" => 1.5])->id, "\n";
';
$fake = new Fake($serve);
echo child($code, [$fake->socket], ini: ['open_basedir' => '/nonexistent']), $fake->finish();

$fake = new Fake($serve);
echo child($code, [$fake->socket], ini: ['disable_functions' => 'json_encode,hash_hmac,fsockopen,stream_socket_client,random_bytes,getmypid', 'disable_classes' => 'JsonException']), $fake->finish();

echo child('
    var_dump(function_exists("Fanfare\publish"), function_exists("Fanfare\publish_async"));
', ini: ['disable_functions' => 'fanfare\publish']);

// Loops that the JIT compiles, with exceptions out of calls and payloads that are code of the script.
$opcache = is_file(ini_get('extension_dir') . '/opcache.so') ? ['zend_extension' => 'opcache'] : [];
foreach (['tracing', 'function'] as $jit) {
    $fake = new Fake('
        $c = accept();
        hello($c);
        for ($n = 0; ($f = frame($c)) !== null; $n++) {
            if (($f[3] ?? null) === "refused") {
                error($c, $f[1], "invalid_channel", "refused");
            } else {
                ack($c, $f);
            }
        }
        echo "$n frames\n";
    ');
    echo child('
        final class Part implements JsonSerializable
        {
            public function __construct(private int $i) {}
            public function jsonSerialize(): mixed { return $this->i % 10 === 9 ? throw new DomainException : [$this->i]; }
        }
        function loop(Fanfare\Client $client): array
        {
            $sum = [0, 0, 0];
            for ($i = 0; $i < 2000; $i++) {
                try {
                    $receipt = $client->publish("a", $i % 7 === 0 ? "refused" : "e", new Part($i));
                    $sum[0] += strlen($receipt->id) > 0 ? 1 : 0;
                } catch (Fanfare\RejectedException $e) {
                    $sum[1] += $e->reason === Fanfare\Reason::InvalidChannel ? 1 : 0;
                } catch (DomainException) {
                    $sum[2]++;
                }
            }
            return $sum;
        }
        echo json_encode(loop(new Fanfare\Client("app", "secret", $argv[1], 10.0))), "\n";
    ', [$fake->socket], ini: $opcache + ['opcache.enable_cli' => '1', 'opcache.jit' => $jit, 'opcache.jit_buffer_size' => '16M']), $fake->finish();
}
?>
--EXPECT--
id-1
1 frames
id-1
1 frames
bool(false)
bool(true)
[1542,258,200]
1800 frames
[1542,258,200]
1800 frames
