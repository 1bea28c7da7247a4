--TEST--
Missing application or secret is an exception of the first call, not of the constructor
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/../wire/fake.inc';
$none = new Fanfare\Client();
$no_secret = new Fanfare\Client('some-app');
fails(fn () => $none->publish('a', 'e'));
fails(fn () => $none->publishAsync('a', 'e'));
fails(fn () => $none->publishMany([new Fanfare\Message('a', 'e')]));
fails(fn () => $none->ping());
fails(fn () => $none->stats());
fails(fn () => $no_secret->publish('a', 'e'));
fails(fn () => Fanfare\publish('a', 'e'));
fails(fn () => Fanfare\publish_async('a', 'e'));
fails(fn () => Fanfare\publish_many([new Fanfare\Message('a', 'e')]));
outcome($none->flush());
outcome(Fanfare\flush());
var_dump($none->pending(), $none->publishMany([]));

ini_set('fanfare.app_id', 'ini-app');
ini_set('fanfare.app_secret', 'ini-secret');
ini_set('fanfare.socket', '/nowhere/at/all');
fails(fn () => $none->publish('a', 'e'));
fails(fn () => $no_secret->publish('a', 'e'));
fails(fn () => (new Fanfare\Client('ini-app'))->publish('a', 'e'));
ini_restore('fanfare.app_id');
fails(fn () => $none->publish('a', 'e'));
?>
--EXPECT--
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No secret for the application "some-app": set fanfare.app_secret together with fanfare.app_id, or give the secret to Fanfare\Client
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
acknowledged 0 rejected 0 unanswered 0
acknowledged 0 rejected 0 unanswered 0
int(0)
array(0) {
}
Fanfare\ConnectException connect never: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
Fanfare\ConfigurationException: No secret for the application "some-app": set fanfare.app_secret together with fanfare.app_id, or give the secret to Fanfare\Client
Fanfare\ConnectException connect never: Cannot reach fanfared at /nowhere/at/all: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
