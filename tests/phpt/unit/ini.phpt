--TEST--
Ini settings: defaults, what is refused, what takes effect
--EXTENSIONS--
fanfare
--FILE--
<?php
$show = fn () => print(json_encode(array_map(fn ($v) => $v['local_value'], ini_get_all('fanfare')), JSON_UNESCAPED_SLASHES) . "\n");
$show();
foreach (['timeout' => ['0', '-1', 'abc', '2s', '', '0.5', '10'], 'shutdown_flush' => ['-1', 'x', '0', '1.5'],
    'async_buffer' => ['-1', '0', '1M'], 'breaker' => ['-1', '0', '5']] as $key => $values) {
    foreach ($values as $value) {
        echo "$key=$value ", ini_set("fanfare.$key", $value) === false ? 'refused' : 'taken', "\n";
    }
}
$show();
ini_set('fanfare.socket', '/one');
$client = new Fanfare\Client('a', 'b');
var_dump($client);
ini_set('fanfare.socket', '/two');
ini_set('fanfare.timeout', '3');
var_dump($client);
?>
--EXPECT--
{"fanfare.app_id":"","fanfare.app_secret":"","fanfare.async_buffer":"64K","fanfare.breaker":"3","fanfare.shutdown_flush":"0.25","fanfare.socket":"/run/fanfare/fanfare.sock","fanfare.timeout":"2.0"}
timeout=0 refused
timeout=-1 refused
timeout=abc refused
timeout=2s refused
timeout= refused
timeout=0.5 taken
timeout=10 taken
shutdown_flush=-1 refused
shutdown_flush=x refused
shutdown_flush=0 taken
shutdown_flush=1.5 taken
async_buffer=-1 refused
async_buffer=0 taken
async_buffer=1M taken
breaker=-1 refused
breaker=0 taken
breaker=5 taken
{"fanfare.app_id":"","fanfare.app_secret":"","fanfare.async_buffer":"1M","fanfare.breaker":"5","fanfare.shutdown_flush":"1.5","fanfare.socket":"/run/fanfare/fanfare.sock","fanfare.timeout":"10"}
object(Fanfare\Client)#2 (5) {
  ["app"]=>
  string(1) "a"
  ["socket"]=>
  string(4) "/one"
  ["timeout"]=>
  float(10)
  ["state"]=>
  string(3) "new"
  ["pending"]=>
  int(0)
}
object(Fanfare\Client)#2 (5) {
  ["app"]=>
  string(1) "a"
  ["socket"]=>
  string(4) "/two"
  ["timeout"]=>
  float(3)
  ["state"]=>
  string(3) "new"
  ["pending"]=>
  int(0)
}
