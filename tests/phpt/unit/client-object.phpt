--TEST--
A client is neither cloned, serialized, extended nor constructed twice, and equals itself only
--EXTENSIONS--
fanfare
--FILE--
<?php
$client = new Fanfare\Client('a', 'b');
foreach ([
    fn () => clone $client,
    fn () => serialize($client),
    fn () => unserialize('O:14:"Fanfare\Client":0:{}'),
    fn () => $client->__construct('c', 'd'),
    fn () => $client->other = 1,
    fn () => (new ReflectionClass($client))->newInstanceWithoutConstructor(),
] as $try) {
    try {
        $try();
        echo "allowed\n";
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
var_dump($client instanceof Fanfare\Gateway, (new ReflectionClass($client))->isFinal());
$twin = new Fanfare\Client('a', 'b');
var_dump($client == $client, $client == $twin, $client <=> $twin, in_array($twin, [$client]), $client == true, $client == null);
?>
--EXPECT--
Error: Trying to clone an uncloneable object of class Fanfare\Client
Exception: Serialization of 'Fanfare\Client' is not allowed
Exception: Unserialization of 'Fanfare\Client' is not allowed
Error: Cannot construct Fanfare\Client twice
Error: Cannot create dynamic property Fanfare\Client::$other
ReflectionException: Class Fanfare\Client is an internal class marked as final that cannot be instantiated without invoking its constructor
bool(true)
bool(true)
bool(true)
bool(false)
int(1)
bool(false)
bool(true)
bool(false)
