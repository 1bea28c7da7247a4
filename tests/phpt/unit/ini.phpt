--TEST--
Ini settings: defaults, what is refused, what takes effect
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
$show = fn () => print(json_encode(array_map(fn ($v) => $v['local_value'], ini_get_all('fanfare')), JSON_UNESCAPED_SLASHES) . "\n");
$show();
set_error_handler(fn (int $level, string $text) => print("Warning: $text\n"), E_WARNING);
foreach (['timeout' => ['0', '-1', 'abc', '2s', '', '0.5', '10'], 'shutdown_flush' => ['-1', 'x', '0', '1.5'],
    'async_buffer' => ['-1', '64Q', '', '0', '1M'], 'breaker' => ['-1', 'x', '0', '5'],
    'ack' => ['', 'Cluster', 'redis', 'cluster']] as $key => $values) {
    foreach ($values as $value) {
        $set = ini_set("fanfare.$key", $value);
        echo "$key=$value ", $set === false ? 'refused' : 'taken', "\n";
    }
}
$show();
// at the start as well: told, and not silently the default
echo trim(child('var_dump(ini_get("fanfare.timeout"), ini_get("fanfare.breaker"), ini_get("fanfare.ack"));', ini: ['fanfare.timeout' => '500ms', 'fanfare.breaker' => '-3', 'fanfare.ack' => 'all'])), "\n";
ini_set('fanfare.socket', '/one');
$client = new Fanfare\Client('a', 'b');
var_dump($client);
ini_set('fanfare.socket', '/two');
ini_set('fanfare.timeout', '3');
var_dump($client);
?>
--EXPECT--
{"fanfare.ack":"local","fanfare.app_id":"","fanfare.app_secret":"","fanfare.async_buffer":"64K","fanfare.breaker":"3","fanfare.shutdown_flush":"0.25","fanfare.socket":"/run/fanfare/fanfare.sock","fanfare.timeout":"2.0"}
Warning: fanfare.timeout must be a number of seconds from 0.001 to 86400, "0" is refused
timeout=0 refused
Warning: fanfare.timeout must be a number of seconds from 0.001 to 86400, "-1" is refused
timeout=-1 refused
Warning: fanfare.timeout must be a number of seconds from 0.001 to 86400, "abc" is refused
timeout=abc refused
Warning: fanfare.timeout must be a number of seconds from 0.001 to 86400, "2s" is refused
timeout=2s refused
Warning: fanfare.timeout must be a number of seconds from 0.001 to 86400, "" is refused
timeout= refused
timeout=0.5 taken
timeout=10 taken
Warning: fanfare.shutdown_flush must be a number of seconds from 0 to 86400, "-1" is refused
shutdown_flush=-1 refused
Warning: fanfare.shutdown_flush must be a number of seconds from 0 to 86400, "x" is refused
shutdown_flush=x refused
shutdown_flush=0 taken
shutdown_flush=1.5 taken
Warning: fanfare.async_buffer must be a whole number and not negative, "-1" is refused
async_buffer=-1 refused
Warning: fanfare.async_buffer must be a whole number and not negative, "64Q" is refused
async_buffer=64Q refused
Warning: fanfare.async_buffer must be a whole number and not negative, "" is refused
async_buffer= refused
async_buffer=0 taken
async_buffer=1M taken
Warning: fanfare.breaker must be a whole number and not negative, "-1" is refused
breaker=-1 refused
Warning: fanfare.breaker must be a whole number and not negative, "x" is refused
breaker=x refused
breaker=0 taken
breaker=5 taken
Warning: fanfare.ack must be local or cluster, "" is refused
ack= refused
Warning: fanfare.ack must be local or cluster, "Cluster" is refused
ack=Cluster refused
Warning: fanfare.ack must be local or cluster, "redis" is refused
ack=redis refused
ack=cluster taken
{"fanfare.ack":"cluster","fanfare.app_id":"","fanfare.app_secret":"","fanfare.async_buffer":"1M","fanfare.breaker":"5","fanfare.shutdown_flush":"1.5","fanfare.socket":"/run/fanfare/fanfare.sock","fanfare.timeout":"10"}
Warning: fanfare.ack must be local or cluster, "all" is refused in Unknown on line 0

Warning: fanfare.timeout must be a number of seconds from 0.001 to 86400, "500ms" is refused in Unknown on line 0

Warning: fanfare.breaker must be a whole number and not negative, "-3" is refused in Unknown on line 0
string(3) "2.0"
string(1) "3"
string(5) "local"
object(Fanfare\Client)#3 (6) {
  ["app"]=>
  string(1) "a"
  ["socket"]=>
  string(4) "/one"
  ["timeout"]=>
  float(10)
  ["ack"]=>
  string(7) "cluster"
  ["state"]=>
  string(3) "new"
  ["pending"]=>
  int(0)
}
object(Fanfare\Client)#3 (6) {
  ["app"]=>
  string(1) "a"
  ["socket"]=>
  string(4) "/two"
  ["timeout"]=>
  float(3)
  ["ack"]=>
  string(7) "cluster"
  ["state"]=>
  string(3) "new"
  ["pending"]=>
  int(0)
}
