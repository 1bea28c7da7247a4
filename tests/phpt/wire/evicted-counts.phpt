--TEST--
flush() of a client whose connection had to make room still tells what became of its messages; a forked child does not tell them again
--EXTENSIONS--
fanfare
pcntl
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    for ($i = 0; $i < 20; $i++) {
        $c[$i] = accept();
        frame($c[$i]);
        while (($f = frame($c[$i]))[3] === "deferred") {
            ack($c[$i], $f);
        }
        ack($c[$i], $f);
    }
');
function others(Fake $fake, int $from, int $to): void
{
    for ($i = $from; $i < $to; $i++) {
        $fake->client(app: "app-$i")->publish('a', 'sync');
    }
}
$one = $fake->client(app: 'one');
$one->publishAsync('a', 'deferred');
$one->publishAsync('a', 'deferred');
$one->publish('a', 'sync');
$two = $fake->client(app: 'two');
$two->publishAsync('a', 'deferred');
$two->publish('a', 'sync');
others($fake, 0, 16);
if (($pid = pcntl_fork()) === 0) {
    outcome($one->flush());
    outcome(Fanfare\flush());
    exit(0);
}
pcntl_waitpid($pid, $status);
outcome($one->flush());
outcome($one->flush());
// one that comes back takes its counts along, and evicts another
$two->publishAsync('a', 'deferred');
$two->publish('a', 'sync');
outcome($two->flush());
$one->publishAsync('a', 'deferred');
$one->publish('a', 'sync');
outcome(Fanfare\flush());
outcome(Fanfare\flush());
echo $fake->finish();
?>
--EXPECT--
acknowledged 0 rejected 0 unanswered 0
acknowledged 0 rejected 0 unanswered 0
acknowledged 2 rejected 0 unanswered 0
acknowledged 0 rejected 0 unanswered 0
acknowledged 2 rejected 0 unanswered 0
acknowledged 1 rejected 0 unanswered 0
acknowledged 0 rejected 0 unanswered 0
