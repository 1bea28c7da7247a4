--TEST--
The shape of the API: classes, interfaces, enums, signatures
--EXTENSIONS--
fanfare
--FILE--
<?php
foreach (['Exception', 'TransportException', 'ConnectException', 'TimeoutException', 'ConnectionLostException',
    'ProtocolException', 'UnconfirmedException', 'RejectedException', 'PayloadException', 'ConfigurationException', 'Receipt', 'Message',
    'FlushResult', 'Channel', 'CachedEvent', 'Member', 'Stats', 'Publisher', 'AsyncPublisher', 'Inspector',
    'Terminator', 'ClusterInspector', 'Gateway', 'Event', 'Snapshot', 'Listener', 'Listenable', 'Connection', 'Operator', 'Client', 'Phase', 'Reason', 'Ack',
    'EventType'] as $name) {
    $class = new ReflectionClass("Fanfare\\$name");
    echo implode(' ', Reflection::getModifierNames($class->getModifiers())), $class->isInterface() ? 'interface' : '',
        " $name";
    if ($class->getParentClass()) {
        echo ' extends ', $class->getParentClass()->getName();
    }
    $own = array_diff($class->getInterfaceNames(), ['Throwable', 'Stringable', 'UnitEnum', 'BackedEnum']);
    sort($own);
    echo $own ? ' implements ' . implode(', ', $own) : '', "\n";
    foreach ($class->getProperties() as $property) {
        if ($property->getDeclaringClass()->getName() === $class->getName() && $property->isPublic()) {
            echo '  ', $property->isReadOnly() ? 'readonly ' : '', $property->getType(), ' $', $property->getName(), "\n";
        }
    }
}
foreach (['Publisher', 'AsyncPublisher', 'Inspector', 'Terminator', 'ClusterInspector', 'Gateway', 'Listener', 'Listenable', 'Operator', 'Client'] as $name) {
    echo "$name: ", implode(' ', array_map(fn ($m) => $m->getName(), (new ReflectionClass("Fanfare\\$name"))->getMethods())), "\n";
}
foreach (array_merge(Fanfare\Phase::cases(), Fanfare\Reason::cases(), Fanfare\Ack::cases(), Fanfare\EventType::cases()) as $case) {
    echo "$case->name = $case->value\n";
}
foreach ((new ReflectionMethod(Fanfare\Client::class, '__construct'))->getParameters() as $parameter) {
    echo $parameter->getName(), ': ', implode(' ', array_map(fn ($a) => $a->getName(), $parameter->getAttributes())), "\n";
}
echo Fanfare\Client::VERSION === phpversion('fanfare') ? 'same version' : 'different', ' ', Fanfare\Client::PROTOCOL, "\n";
echo implode(' ', get_extension_funcs('fanfare')), "\n";
?>
--EXPECT--
interface Exception
abstract TransportException extends RuntimeException implements Fanfare\Exception
  readonly bool $maybeDelivered
  readonly Fanfare\Phase $phase
final ConnectException extends Fanfare\TransportException implements Fanfare\Exception
final TimeoutException extends Fanfare\TransportException implements Fanfare\Exception
final ConnectionLostException extends Fanfare\TransportException implements Fanfare\Exception
final ProtocolException extends Fanfare\TransportException implements Fanfare\Exception
final UnconfirmedException extends Fanfare\TransportException implements Fanfare\Exception
final RejectedException extends RuntimeException implements Fanfare\Exception
  readonly Fanfare\Reason $reason
  readonly ?int $index
final PayloadException extends InvalidArgumentException implements Fanfare\Exception
final ConfigurationException extends RuntimeException implements Fanfare\Exception
final Receipt
  readonly string $id
  readonly int $recipients
  readonly bool $duplicate
final Message
  readonly array|string $channels
  readonly string $event
  readonly mixed $payload
  readonly ?string $except
  readonly ?string $key
  readonly ?string $traceparent
final FlushResult
  readonly int $acknowledged
  readonly int $rejected
  readonly int $unanswered
  readonly ?Fanfare\Exception $error
  readonly int $unconfirmed
final Channel
  readonly string $name
  readonly bool $occupied
  readonly int $subscriptions
  readonly ?int $members
  readonly ?Fanfare\CachedEvent $cache
  readonly bool $partial
final CachedEvent
  readonly string $data
  readonly int $ttl
final Member
  readonly string $id
  readonly mixed $info
final Stats
  readonly string $version
  readonly int $pid
  readonly int $uptime
  readonly int $connections
  readonly int $channels
  readonly int $messagesIn
  readonly int $messagesOut
  readonly int $bytesOut
  readonly int $dropped
  readonly bool $draining
  readonly array $extra
interface Publisher
interface AsyncPublisher
interface Inspector
interface Terminator
interface ClusterInspector
interface Gateway implements Fanfare\AsyncPublisher, Fanfare\Inspector, Fanfare\Publisher, Fanfare\Terminator
final Event
  readonly string $id
  readonly Fanfare\EventType $type
  readonly float $time
  readonly int $attempt
  readonly int $order
  readonly ?string $channel
  readonly ?string $userId
  readonly ?string $socketId
  readonly ?string $event
  readonly ?string $data
  readonly ?int $count
final Snapshot
  readonly int $order
  readonly array $channels
  readonly array $members
final Listener
interface Listenable
final Connection
  readonly string $socketId
  readonly ?string $userId
  readonly string $address
  readonly float $openedAt
  readonly int $subscriptions
interface Operator
final Client implements Fanfare\AsyncPublisher, Fanfare\ClusterInspector, Fanfare\Gateway, Fanfare\Inspector, Fanfare\Listenable, Fanfare\Operator, Fanfare\Publisher, Fanfare\Terminator
 Phase
  readonly string $name
  readonly string $value
 Reason
  readonly string $name
  readonly string $value
 Ack
  readonly string $name
  readonly string $value
 EventType
  readonly string $name
  readonly string $value
Publisher: publish publishMany sendToUser
AsyncPublisher: publishAsync pending flush
Inspector: channels channel members connectionCount ping stats
Terminator: terminateUser terminateConnection
ClusterInspector: answerWasPartial
Gateway: publish publishMany sendToUser publishAsync pending flush channels channel members connectionCount ping stats terminateUser terminateConnection
Listener: receive ack release snapshot close __construct
Listenable: listen
Operator: connections stop restart reload
Client: __construct publish publishMany publishAsync pending flush sendToUser terminateUser terminateConnection channels channel members connectionCount ping stats answerWasPartial listen connections stop restart reload close
Connect = connect
Write = write
Ack = ack
UnknownApp = unknown_app
AppDisabled = app_disabled
Unauthorized = unauthorized
InvalidChannel = invalid_channel
InvalidEvent = invalid_event
InvalidPayload = invalid_payload
TooLarge = too_large
Forbidden = forbidden
Draining = draining
Internal = internal
Other = other
Local = local
Cluster = cluster
ChannelOccupied = channel_occupied
ChannelVacated = channel_vacated
MemberAdded = member_added
MemberRemoved = member_removed
ClientEvent = client_event
CacheMiss = cache_miss
SubscriptionCount = subscription_count
ConnectionOpened = connection_opened
ConnectionClosed = connection_closed
UserOnline = user_online
UserOffline = user_offline
EventsLost = events_lost
app: 
secret: SensitiveParameter
socket: 
timeout: 
jsonFlags: 
ack: 
same version 1
Fanfare\publish Fanfare\publish_async Fanfare\publish_many Fanfare\flush
