--TEST--
The secret is in no dump, export or stack trace
--EXTENSIONS--
fanfare
--FILE--
<?php
// php.ini's own is there for every code of the process, as mysqli.default_pw is
ini_set('fanfare.app_secret', 'ini-s3cret');
$client = new Fanfare\Client('app', 'very-s3cret', '/nowhere/at/all', 1.5);
var_dump($client);
print_r($client);
var_export($client);
echo "\n", json_encode($client), "\n";
var_dump((array) $client, get_object_vars($client));
try {
    new Fanfare\Client('app', 'very-s3cret', '/nowhere', -1);
} catch (ValueError $e) {
    echo $e, "\n";
    var_dump($e->getTrace()[0]['args'][1] ?? null);
}
var_dump(ini_get('fanfare.app_secret'));
try {
    $client->publish('a', 'e');
} catch (Fanfare\Exception $e) {
    echo str_contains(print_r($e, true), 's3cret') ? 'leaked' : 'hidden', "\n";
}
?>
--EXPECTF--
object(Fanfare\Client)#1 (6) {
  ["app"]=>
  string(3) "app"
  ["socket"]=>
  string(15) "/nowhere/at/all"
  ["timeout"]=>
  float(1.5)
  ["ack"]=>
  string(5) "local"
  ["state"]=>
  string(3) "new"
  ["pending"]=>
  int(0)
}
Fanfare\Client Object
(
    [app] => app
    [socket] => /nowhere/at/all
    [timeout] => 1.5
    [ack] => local
    [state] => new
    [pending] => 0
)
\Fanfare\Client::__set_state(array(
))
{}
array(0) {
}
array(0) {
}
ValueError: Fanfare\Client::__construct(): Argument #4 ($timeout) must be greater than 0 and at most 86400 seconds in %s:11
Stack trace:
#0 %s(11): Fanfare\Client->__construct('app', Object(SensitiveParameterValue), '/nowhere', -1)
#1 {main}
object(SensitiveParameterValue)#4 (0) {
}
string(10) "ini-s3cret"
hidden
