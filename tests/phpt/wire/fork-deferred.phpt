--TEST--
Children that leave with deferred messages, by exit, by an exception, by a fatal error, and in the middle of a payload
--EXTENSIONS--
fanfare
pcntl
--INI--
fanfare.shutdown_flush=10
display_errors=0
log_errors=0
--FILE--
<?php
require __DIR__ . '/fake.inc';
// One connection after the other; the parent's is the first and stays.
$fake = new Fake('
    $parent = accept();
    hello($parent);
    ack($parent, show(frame($parent)));
    for ($i = 0; $i < 5; $i++) {
        $c = accept();
        hello($c);
        while (($f = frame($c)) !== null) {
            ack($c, show($f));
        }
        echo "--\n";
    }
    while (($f = frame($parent)) !== null) {
        ack($parent, show($f));
    }
');
final class Forks implements JsonSerializable
{
    public static ?int $child = null;
    public function jsonSerialize(): mixed
    {
        self::$child = pcntl_fork();
        return self::$child === 0 ? 'in the child' : 'in the parent';
    }
}
$client = $fake->client();
receipt($client->publish('a', 'parent'));
$client->publishAsync('a', 'deferred by the parent');
foreach (['exit', 'exception', 'fatal', 'grandchild'] as $end) {
    if (($pid = pcntl_fork()) === 0) {
        $client->publishAsync('a', "$end, deferred 1");
        $client->publishAsync('a', "$end, deferred 2");
        match ($end) {
            'exit' => exit(0),
            'exception' => throw new LogicException('uncaught'),
            'fatal' => trigger_error('fatal', E_USER_ERROR),
            'grandchild' => null,
        };
        // what this one deferred it sends itself, the grandchild leaves it alone
        if (($pid = pcntl_fork()) === 0) {
            exit($client->pending());
        }
        pcntl_waitpid($pid, $status);
        exit(pcntl_wexitstatus($status));
    }
    pcntl_waitpid($pid, $status);
    echo "$end ", pcntl_wexitstatus($status), "\n";
    while (($line = $fake->line()) !== "--\n") {
        echo $line;
    }
}
// The process is another one when the payload is complete.
$async = $client->publish('a', 'forked within', new Forks);
if (Forks::$child === 0) {
    exit(0);
}
pcntl_waitpid(Forks::$child, $status);
receipt($async);
outcome($client->flush());
$client->close();
echo $fake->finish();
?>
--EXPECT--
receipt id-1 0
exit 0
[2,1,["a"],"parent",null,null,"[]"]
[2,1,["a"],"exit, deferred 1",null,null,"[]"]
[2,2,["a"],"exit, deferred 2",null,null,"[]"]
exception 255
[2,1,["a"],"exception, deferred 1",null,null,"[]"]
[2,2,["a"],"exception, deferred 2",null,null,"[]"]
fatal 255
[2,1,["a"],"fatal, deferred 1",null,null,"[]"]
[2,2,["a"],"fatal, deferred 2",null,null,"[]"]
grandchild 0
[2,1,["a"],"grandchild, deferred 1",null,null,"[]"]
[2,2,["a"],"grandchild, deferred 2",null,null,"[]"]
receipt id-3 0
acknowledged 1 rejected 0 unanswered 0
[2,1,["a"],"forked within",null,null,"\"in the child\""]
--
[2,2,["a"],"deferred by the parent",null,null,"[]"]
[2,3,["a"],"forked within",null,null,"\"in the parent\""]
