--TEST--
Listening: the end of a request closes the connection, however it ends; nothing is acknowledged by that
--EXTENSIONS--
fanfare
--SKIPIF--
<?php require __DIR__ . '/memory-limit.inc'; ?>
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    set_error_handler(fn () => true);       // who has ended does not take the rest
    for ($i = 0; $i < 7; $i++) {
        $c = accept(); hello($c);
        listening($c, frame($c)[1], true);
        snapshot($c, ["room" => [1, null], "presence-a" => [1, ["1" => "{\"a\":[1,2,3]}"]]], true);
        event($c, 1, "client_event", "a", ["channel" => "room", "data" => "x"]);
        event($c, 2, "client_event", "b", ["channel" => "room", "data" => "y"]);
        show(frame($c));
    }
    $c = accept(); hello($c);
    listening($c, frame($c)[1], true);
    $many = [];
    for ($i = 0; $i < 60000; $i++) {
        $many["channel-$i"] = [1, null];
    }
    snapshot($c, $many, false);
    snapshot($c, $many, true);
    show(frame($c));
');
$begin = '$l = (new Fanfare\Client("app", "secret", $argv[1], 10.0))->listen([], "g", true); $l->receive(10); ';
foreach ([
    'the end' => $begin,
    'exit' => $begin . 'exit(0);',
    'an exception' => $begin . 'throw new Exception("uncaught");',
    'a cycle' => $begin . '$o = new stdClass(); $o->o = $o; $o->l = $l; unset($o, $l);',
    'a fatal error' => $begin . 'eval("class A extends B {} function A() {} class A {}");',
    'memory' => $begin . 'ini_set("memory_limit", "16M"); $s = []; for (;;) { $s[] = str_repeat("x", 1 << 20) . count($s); }',
    'a static one in a destructor' => 'class D { public static $l; public $m; function __destruct() { var_dump(self::$l->receive(10)?->id); } } '
        . $begin . 'D::$l = $l; $d = new D(); unset($l);',
    'memory in the middle of a snapshot' => 'ini_set("memory_limit", "4M"); ' . $begin . 'echo "enough\n";',
] as $how => $code) {
    $out = child($code, [$fake->socket], $status);
    echo "$how: ", preg_replace('~ in \S+ on line .*|PHP Fatal.*|Stack trace.*~s', '', trim($out)), " ($status)\n";
}
echo $fake->finish();
?>
--EXPECTF--
the end:  (0)
exit:  (0)
an exception: Fatal error: Uncaught Exception: uncaught in Command line code:1
 (255)
a cycle:  (0)
a fatal error: Fatal error: %s (255)
memory: Fatal error: Allowed memory size of 16777216 bytes exhausted%s(tried to allocate %d bytes) in Command line code on line 1 (255)
a static one in a destructor: string(1) "b" (0)
memory in the middle of a snapshot: Fatal error: Allowed memory size of 4194304 bytes exhausted%s(tried to allocate %d bytes) in Command line code on line 1 (255)
null
null
null
null
null
null
null
null
