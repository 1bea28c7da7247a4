--TEST--
Encoding leaves json_last_error() to the script
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
$c = new Fanfare\Client('app', 'secret', '/nowhere/at/all');
json_decode('{');
fails(fn () => $c->publish('a', 'e', ['fine' => 1]));
var_dump(json_last_error_msg());
json_encode(1);
fails(fn () => $c->publish('a', 'e', NAN));
var_dump(json_last_error_msg());
?>
--EXPECT--
Fanfare\ConnectException connect never: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
string(12) "Syntax error"
Fanfare\PayloadException: The payload cannot be encoded: Inf and NaN cannot be JSON encoded
string(8) "No error"
