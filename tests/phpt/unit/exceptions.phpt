--TEST--
Exceptions can be made by applications, with named arguments and defaults
--EXTENSIONS--
fanfare
--FILE--
<?php
$previous = new LogicException('cause');
$e = new Fanfare\TimeoutException('slow', maybeDelivered: true, phase: Fanfare\Phase::Ack, code: 5, previous: $previous);
var_dump($e->getMessage(), $e->maybeDelivered, $e->phase, $e->getCode(), $e->getPrevious() === $previous, $e->getLine());
$e = new Fanfare\ConnectException();
var_dump($e->getMessage(), $e->maybeDelivered, $e->phase, $e->getCode(), $e->getPrevious());
$e = new Fanfare\RejectedException('no', Fanfare\Reason::TooLarge, index: 3);
var_dump($e->reason, $e->index);
$e = $rejected = new Fanfare\RejectedException();
var_dump($e->reason, $e->index);
$e = new Fanfare\PayloadException('bad', JSON_ERROR_UTF8);
var_dump($e->getCode(), $e instanceof InvalidArgumentException, $e instanceof Fanfare\Exception);
var_dump(new Fanfare\ConfigurationException('x') instanceof Fanfare\Exception);
foreach ([
    fn () => new Fanfare\TransportException('abstract'),
    fn () => new Fanfare\TimeoutException('x', phase: 'ack'),
    fn () => $rejected->reason = Fanfare\Reason::Other,
    fn () => (new Fanfare\ProtocolException('x'))->__construct('y'),
    fn () => (new Fanfare\RejectedException('x'))->__construct('y'),
] as $try) {
    try {
        $try();
        echo "allowed\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
string(4) "slow"
bool(true)
enum(Fanfare\Phase::Ack)
int(5)
bool(true)
int(3)
string(0) ""
bool(false)
enum(Fanfare\Phase::Connect)
int(0)
NULL
enum(Fanfare\Reason::TooLarge)
int(3)
enum(Fanfare\Reason::Other)
NULL
int(5)
bool(true)
bool(true)
bool(true)
Error: Cannot instantiate abstract class Fanfare\TransportException
TypeError: Fanfare\TransportException::__construct(): Argument #3 ($phase) must be of type Fanfare\Phase, string given
Error: Cannot modify readonly property Fanfare\RejectedException::$reason
Error: Cannot modify readonly property Fanfare\TransportException::$maybeDelivered
Error: Cannot modify readonly property Fanfare\RejectedException::$index
