--TEST--
A forked child that publishes nothing does not touch the parent's answers at its end
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    $f = frame($c);
    wait();
    ack($c, $f);
    ack($c, frame($c));
');
ini_set('fanfare.async_buffer', '0');
$client = $fake->client();
$client->publishAsync('a', 'parent');
$pid = pcntl_fork();
if ($pid === 0) {
    exit(0);
}
pcntl_waitpid($pid, $status);
echo pcntl_wexitstatus($status), "\n";
$fake->go();
outcome($client->flush());
receipt($client->publish('a', 'parent'));
echo $fake->finish();
?>
--EXPECT--
0
acknowledged 1 rejected 0 unanswered 0
receipt id-2 0
