--TEST--
The end of a request writes what is buffered and collects the answers
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    for ($i = 0; $i < 3; $i++) {
        ack($c, show(frame($c)));
    }
    var_dump(frame($c));
');
$code = '$c = new Fanfare\Client("app", "secret", $argv[1]);
    $c->publishAsync("a", "one");
    register_shutdown_function(fn () => $c->publishAsync("a", "two"));
    final class Last { public function __construct(private $c) {} public function __destruct() { $this->c->publishAsync("a", "three"); } }
    $last = new Last($c);
    exit(3);';
echo child($code, [$fake->socket], $status), $status, "\n";
echo $fake->finish();
?>
--EXPECT--
3
[2,1,["a"],"one",null,null,"[]"]
[2,2,["a"],"two",null,null,"[]"]
[2,3,["a"],"three",null,null,"[]"]
NULL
