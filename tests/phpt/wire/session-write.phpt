--TEST--
What a session handler publishes when PHP writes the session, after everything else of the request, is sent too
--EXTENSIONS--
fanfare
--SKIPIF--
<?php if (!extension_loaded('session')) die('skip no sessions'); ?>
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    while (($f = frame($c)) !== null) {
        ack($c, show($f));
    }
');
echo child('
    final class Tells extends SessionHandler
    {
        public function __construct(private Fanfare\Client $client) {}
        public function write(string $id, string $data): bool
        {
            $this->client->publish("a", "written");
            $this->client->publishAsync("a", "written, deferred");
            return true;
        }
    }
    $client = new Fanfare\Client("app", "secret", $argv[1], 10.0);
    session_set_save_handler(new Tells($client), false);
    session_start();
    $_SESSION["x"] = 1;
    $client->publishAsync("a", "request");
', [$fake->socket], ini: ['fanfare.shutdown_flush' => '10', 'session.use_cookies' => '0', 'session.cache_limiter' => '', 'session.save_path' => $fake->dir]);
foreach (glob("$fake->dir/sess_*") as $file) {
    unlink($file);
}
echo $fake->finish();
?>
--EXPECT--
[2,1,["a"],"request",null,null,"[]"]
[2,2,["a"],"written",null,null,"[]"]
[2,3,["a"],"written, deferred",null,null,"[]"]
