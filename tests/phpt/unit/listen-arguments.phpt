--TEST--
listen(): every argument that cannot be is named with what is allowed
--EXTENSIONS--
fanfare
--FILE--
<?php
use Fanfare\EventType;

$client = new Fanfare\Client('app', 'secret', '/nowhere/socket', 0.1);
foreach ([
    fn () => $client->listen(['channel_occupied', 'nothing']),
    fn () => $client->listen([EventType::ClientEvent, 7]),
    fn () => $client->listen([new stdClass()]),
    fn () => $client->listen([EventType::EventsLost]),
    fn () => $client->listen(['']),
    fn () => $client->listen([str_repeat('x', 100)]),
    fn () => $client->listen('client_event'),
    fn () => $client->listen([], ''),
    fn () => $client->listen([], str_repeat('g', 65)),
    fn () => $client->listen([], 'with space'),
    fn () => $client->listen([], "nul\0"),
    fn () => $client->listen([], 'ünicode'),
    fn () => $client->listen([], window: 0),
    fn () => $client->listen([], window: 1001),
    fn () => $client->listen([], ackTimeout: 0.0999),
    fn () => $client->listen([], ackTimeout: 3600.1),
    fn () => $client->listen([], ackTimeout: NAN),
    fn () => (new Fanfare\Client())->listen([]),
    fn () => (new Fanfare\Client('app'))->listen([]),
    fn () => (new Fanfare\Client('app', 'secret', 'relative'))->listen([]),
    // what is allowed comes as far as the socket
    fn () => $client->listen(EventType::cases(), 'A-z_0.9', true, 1000, 3600),
    fn () => $client->listen(['user_online'], str_repeat('g', 64), window: 1, ackTimeout: 0.1),
    fn () => new Fanfare\Listener(),
    fn () => (new ReflectionClass(Fanfare\Listener::class))->newInstanceWithoutConstructor(),
    fn () => unserialize('O:16:"Fanfare\Listener":0:{}'),
] as $try) {
    try {
        $try();
        echo "allowed\n";
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
ValueError: Fanfare\Client::listen(): Argument #1 ($types) must name types of events, "nothing" is none: channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss, subscription_count, connection_opened, connection_closed, user_online or user_offline
TypeError: Fanfare\Client::listen(): Argument #1 ($types) must be an array of Fanfare\EventType or string, int given
TypeError: Fanfare\Client::listen(): Argument #1 ($types) must be an array of Fanfare\EventType or string, stdClass given
ValueError: Fanfare\Client::listen(): Argument #1 ($types) must name something beside events_lost, which comes in any case
ValueError: Fanfare\Client::listen(): Argument #1 ($types) must name types of events, "" is none: channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss, subscription_count, connection_opened, connection_closed, user_online or user_offline
ValueError: Fanfare\Client::listen(): Argument #1 ($types) must name types of events, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is none: channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss, subscription_count, connection_opened, connection_closed, user_online or user_offline
TypeError: Fanfare\Client::listen(): Argument #1 ($types) must be of type array, string given
ValueError: Fanfare\Client::listen(): Argument #2 ($group) must be 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", or null
ValueError: Fanfare\Client::listen(): Argument #2 ($group) must be 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", or null
ValueError: Fanfare\Client::listen(): Argument #2 ($group) must be 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", or null
ValueError: Fanfare\Client::listen(): Argument #2 ($group) must be 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", or null
ValueError: Fanfare\Client::listen(): Argument #2 ($group) must be 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", or null
ValueError: Fanfare\Client::listen(): Argument #4 ($window) must be between 1 and 1000
ValueError: Fanfare\Client::listen(): Argument #4 ($window) must be between 1 and 1000
ValueError: Fanfare\Client::listen(): Argument #5 ($ackTimeout) must be between 0.1 and 3600 seconds
ValueError: Fanfare\Client::listen(): Argument #5 ($ackTimeout) must be between 0.1 and 3600 seconds
ValueError: Fanfare\Client::listen(): Argument #5 ($ackTimeout) must be between 0.1 and 3600 seconds
Fanfare\ConfigurationException: No application: set fanfare.app_id or give the app to Fanfare\Client
Fanfare\ConfigurationException: No secret for the application "app": set fanfare.app_secret together with fanfare.app_id, or give the secret to Fanfare\Client
Fanfare\ConfigurationException: The socket "relative" must be an absolute path, unix:///path or @name
Fanfare\ConnectException: Cannot reach fanfared at /nowhere/socket: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
Fanfare\ConnectException: Cannot reach fanfared at /nowhere/socket: No such file or directory (is fanfared running, and is fanfare.socket its socket?)
Error: Call to private Fanfare\Listener::__construct() from global scope
ReflectionException: Class Fanfare\Listener is an internal class marked as final that cannot be instantiated without invoking its constructor
Exception: Unserialization of 'Fanfare\Listener' is not allowed
