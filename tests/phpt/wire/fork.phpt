--TEST--
A forked child leaves its parent's connection alone and is a producer of its own
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    $parent = hello($c);
    ack($c, show(frame($c)));
    $d = accept();
    $child = hello($d);
    var_dump($parent !== $child);
    ack($d, show(frame($d)));
    var_dump(frame($d));
    // the parent goes on where it was
    ack($c, show(frame($c)));
    ack($c, show(frame($c)));
');
$client = $fake->client();
receipt($client->publish('a', 'parent'));
$client->publishAsync('a', 'parent waits');
$pid = pcntl_fork();
if ($pid === 0) {
    echo $client->pending(), " pending in the child\n";
    receipt($client->publish('a', 'child'));
    exit(7);
}
pcntl_waitpid($pid, $status);
echo pcntl_wexitstatus($status), "\n", $client->pending(), "\n";
receipt($client->publish('a', 'parent again'));
outcome($client->flush());
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
0 pending in the child
receipt id-1 0
7
1
receipt id-3 0
acknowledged 1 rejected 0 unanswered 0
[2,1,["a"],"parent",null,null,"[]"]
bool(true)
[2,1,["a"],"child",null,null,"[]"]
NULL
[2,2,["a"],"parent waits",null,null,"[]"]
[2,3,["a"],"parent again",null,null,"[]"]
