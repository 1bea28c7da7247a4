<?php

/** @generate-class-entries */

namespace Fanfare;

/** Everything that this extension throws implements this, except for a caller's bug (TypeError, ValueError). */
interface Exception extends \Throwable
{
}

/** How far a conversation with the daemon had come when it failed. */
enum Phase: string
{
    case Connect = 'connect';
    case Write = 'write';
    case Ack = 'ack';
}

/** Why the daemon said no. A reason that this version does not know is Other; the message tells it. */
enum Reason: string
{
    case UnknownApp = 'unknown_app';
    case AppDisabled = 'app_disabled';
    case Unauthorized = 'unauthorized';
    case InvalidChannel = 'invalid_channel';
    case InvalidEvent = 'invalid_event';
    case InvalidPayload = 'invalid_payload';
    case TooLarge = 'too_large';

    /** An order that is not for this user: see Operator. */
    case Forbidden = 'forbidden';

    /** An order to a daemon that is shutting down. */
    case Draining = 'draining';
    case Internal = 'internal';
    case Other = 'other';
}

/** What a publish waits for. */
enum Ack: string
{
    /** The daemon: the event is on its way to the subscribers of its node, and kept for the other nodes. */
    case Local = 'local';

    /** The cluster: Redis has the event, so that every node gets it, whatever becomes of the daemon. */
    case Cluster = 'cluster';
}

/** The conversation with the daemon failed. */
abstract class TransportException extends \RuntimeException implements Exception
{
    /**
     * False: the daemon certainly did not act, as the message never left whole or the daemon said that it takes nothing
     * more. True: it may have; retry with the same key only.
     */
    public readonly bool $maybeDelivered;

    public readonly Phase $phase;

    public function __construct(
        string $message = "",
        bool $maybeDelivered = false,
        Phase $phase = \Fanfare\Phase::Connect,
        int $code = 0,
        ?\Throwable $previous = null,
    ) {
    }
}

/**
 * No daemon although it was waited for, no permission, no place in its backlog for the whole time, or the breaker is
 * open. Never delivered.
 */
final class ConnectException extends TransportException
{
}

/** The time of the call was used up while writing or while waiting for the answer. */
final class TimeoutException extends TransportException
{
}

/** The daemon went away between our write and its answer, several times or for good. */
final class ConnectionLostException extends TransportException
{
}

/** The peer speaks another version of the protocol, or something else altogether. */
final class ProtocolException extends TransportException
{
}

/**
 * Redis has not confirmed the event in time, or was away for too long. Subscribers of the daemon's own node have got it,
 * and it is kept for the other nodes as long as the daemon's resend_window says. To be sure, publish it again with the
 * same key: nothing is delivered twice.
 */
final class UnconfirmedException extends TransportException
{
}

/** The daemon understood and said no. The same call will fail again. */
final class RejectedException extends \RuntimeException implements Exception
{
    public readonly Reason $reason;

    /** Which message of publishMany() was refused, counted from 0; nothing of the batch was sent. */
    public readonly ?int $index;

    public function __construct(
        string $message = "",
        Reason $reason = \Fanfare\Reason::Other,
        ?int $index = null,
        int $code = 0,
        ?\Throwable $previous = null,
    ) {
    }
}

/**
 * The payload cannot be JSON or is too large for one frame. If JSON is the reason, the previous exception is the
 * \JsonException that json_encode() would have thrown, and the code is its code.
 */
final class PayloadException extends \InvalidArgumentException implements Exception
{
}

/** No application, no secret, or a socket address that cannot be one. */
final class ConfigurationException extends \RuntimeException implements Exception
{
}

/**
 * What the daemon did with one message.
 * @strict-properties
 */
final class Receipt
{
    /** The daemon's id of the message. */
    public readonly string $id;

    /**
     * Subscribers that the daemon knew when it took the message; a connection on two channels counts twice. They are
     * those of the daemon's node, or with Ack::Cluster those of all nodes that answered in time.
     */
    public readonly int $recipients;

    /** The key, or a resent frame, was seen before; nothing was sent again. */
    public readonly bool $duplicate;

    public function __construct(string $id, int $recipients = 0, bool $duplicate = false)
    {
    }
}

/**
 * One message for publishMany().
 * @strict-properties
 */
final class Message
{
    /** @var string|list<string> */
    public readonly string|array $channels;

    public readonly string $event;

    public readonly mixed $payload;

    public readonly ?string $except;

    public readonly ?string $key;

    /** The trace that it belongs to, in the form of W3C Trace Context. What is none is ignored. */
    public readonly ?string $traceparent;

    /**
     * @param string|string[] $channels
     */
    public function __construct(
        string|array $channels,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
        ?string $traceparent = null,
    ) {
    }

    /**
     * A message to every connection that is signed in as this user, as sendToUser() sends it.
     *
     * @param string $userId 1 to 128 bytes of UTF-8
     */
    public static function toUser(
        string $userId,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
        ?string $traceparent = null,
    ): Message {
    }
}

/**
 * What became of the messages that were published without waiting.
 * @strict-properties
 */
final class FlushResult
{
    public readonly int $acknowledged;

    public readonly int $rejected;

    /** Without an answer when the time was over. They are kept, and a later flush() may find the answers. */
    public readonly int $unanswered;

    /**
     * The first failure, for the log line. If it is a TransportException, its maybeDelivered says whether any of the
     * unanswered messages has left; false: certainly none of them was delivered.
     */
    public readonly ?Exception $error;

    /**
     * Delivered to subscribers of the daemon's node, but not acknowledged by the cluster (Ack::Cluster) within the time
     * that the client's time-out left. They are not waited for any more.
     */
    public readonly int $unconfirmed;

    public function __construct(
        int $acknowledged = 0,
        int $rejected = 0,
        int $unanswered = 0,
        ?Exception $error = null,
        int $unconfirmed = 0,
    ) {
    }
}

/**
 * The last published event of a cache channel.
 * @strict-properties
 */
final class CachedEvent
{
    /** As it was published. */
    public readonly string $data;

    /** Seconds that it will still be kept; 0: for ever. */
    public readonly int $ttl;

    public function __construct(string $data, int $ttl = 0)
    {
    }
}

/**
 * What the daemon knows of a channel.
 * @strict-properties
 */
final class Channel
{
    public readonly string $name;

    /** Somebody is subscribed. */
    public readonly bool $occupied;

    /** Connections that are subscribed. */
    public readonly int $subscriptions;

    /** Distinct users; null unless it is a presence channel. */
    public readonly ?int $members;

    /** Null if nothing is kept, or if it was not asked for. */
    public readonly ?CachedEvent $cache;

    /** Some nodes of the cluster have not answered in time: what they know is missing. */
    public readonly bool $partial;

    public function __construct(
        string $name,
        bool $occupied = false,
        int $subscriptions = 0,
        ?int $members = null,
        ?CachedEvent $cache = null,
        bool $partial = false,
    ) {
    }
}

/**
 * A user on a presence channel.
 * @strict-properties
 */
final class Member
{
    public readonly string $id;

    /** What the application told of the user when it authorized the channel, decoded; objects are arrays. */
    public readonly mixed $info;

    public function __construct(string $id, mixed $info = null)
    {
    }
}

/**
 * The daemon's own figures.
 * @strict-properties
 */
final class Stats
{
    public readonly string $version;

    public readonly int $pid;

    /** Seconds. */
    public readonly int $uptime;

    public readonly int $connections;

    public readonly int $channels;

    public readonly int $messagesIn;

    public readonly int $messagesOut;

    public readonly int $bytesOut;

    public readonly int $dropped;

    public readonly bool $draining;

    /**
     * What else the daemon tells of itself and of its configuration, by the names of docs/ipc.md: state, memory, unix_ms,
     * nodes, listen, max_event_size, allowed_origins and so on. A name that the daemon does not know is not there.
     *
     * @var array<string, int|bool|string>
     */
    public readonly array $extra;

    /**
     * @param mixed[] $extra
     */
    public function __construct(
        string $version = "",
        int $pid = 0,
        int $uptime = 0,
        int $connections = 0,
        int $channels = 0,
        int $messagesIn = 0,
        int $messagesOut = 0,
        int $bytesOut = 0,
        int $dropped = 0,
        bool $draining = false,
        array $extra = [],
    ) {
    }
}

/** Events to channels and users. */
interface Publisher
{
    /**
     * Sends one event to one or many channels and returns when the daemon has taken it over.
     *
     * A string is the text that clients receive as data and passes through unchanged; everything else is encoded
     * as JSON.
     *
     * @param string|string[] $channels
     * @param string|null $except socket id of the connection that shall not receive it
     * @param string|null $key within the daemon's window a second message with the same key is not sent again
     */
    public function publish(
        string|array $channels,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): Receipt;

    /**
     * All or nothing: a rejection names the message, and then none was sent.
     *
     * @param Message[] $messages
     * @return Receipt[]
     */
    public function publishMany(array $messages): array;

    /**
     * publish() to every connection that is signed in as this user.
     *
     * @param string $userId 1 to 128 bytes of UTF-8
     */
    public function sendToUser(
        string $userId,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): Receipt;
}

/** Events that nobody waits for. */
interface AsyncPublisher
{
    /**
     * As publish() without waiting for the answer; returns how many messages are unanswered now. It waits only when a
     * full buffer must be written or too much is unanswered, and fails then like publish(); this message was certainly
     * not sent in that case.
     *
     * @param string|string[] $channels
     */
    public function publishAsync(
        string|array $channels,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
    ): int;

    /** How many messages of publishAsync() are without an answer. */
    public function pending(): int;

    /** Writes what is buffered and collects the answers. Failures are in the result, not thrown. */
    public function flush(?float $timeout = null): FlushResult;
}

/** What the daemon knows: channels, members and connections of all nodes. stats() and ping() are its own. */
interface Inspector
{
    /**
     * The channels with subscribers, by name, in no order.
     *
     * @param string $prefix of the names; "" is all channels
     * @param bool $cache also the last events of cache channels
     * @return array<array-key, Channel>
     */
    public function channels(string $prefix = "", bool $cache = false): array;

    /** A channel that nobody is on is an answer, too. */
    public function channel(string $name, bool $cache = false): Channel;

    /**
     * The users on a presence channel, each once, in the order in which they came.
     *
     * @return list<Member>
     */
    public function members(string $channel): array;

    /** Open WebSockets of the application. */
    public function connectionCount(): int;

    /** Seconds for a round trip. */
    public function ping(): float;

    public function stats(): Stats;
}

/** What the answers of an Inspector are worth where there are several nodes. */
interface ClusterInspector
{
    /**
     * Whether the last question of this object left nodes out, because they did not answer in time or Redis is away.
     * False before the first one.
     */
    public function answerWasPartial(): bool;
}

/** Ends connections of clients. */
interface Terminator
{
    /**
     * Ends all connections of a user, signed in or on a presence channel as this user; returns how many there were.
     */
    public function terminateUser(string $userId): int;

    /** Ends one connection; false if there is none with this socket id. */
    public function terminateConnection(string $socketId): bool;
}

/**
 * All of them together. Depend on the smallest that will do. This one is closed: what comes in later versions comes as an
 * interface of its own, so that a class which implements this one stays whole.
 */
interface Gateway extends Publisher, AsyncPublisher, Inspector, Terminator
{
}

/** What a Listener hears of. */
enum EventType: string
{
    /** A channel has its first subscriber. */
    case ChannelOccupied = 'channel_occupied';

    /** A channel has lost its last subscriber. */
    case ChannelVacated = 'channel_vacated';

    /** A user has come to a presence channel, with the first of the user's connections. */
    case MemberAdded = 'member_added';

    /** A user has left a presence channel, with the last of the user's connections. */
    case MemberRemoved = 'member_removed';

    /** A client has sent an event to a channel. */
    case ClientEvent = 'client_event';

    /** Somebody has subscribed to a cache channel that keeps no event. */
    case CacheMiss = 'cache_miss';

    /** A channel's number of subscriptions has changed. Not of presence channels. */
    case SubscriptionCount = 'subscription_count';

    case ConnectionOpened = 'connection_opened';
    case ConnectionClosed = 'connection_closed';

    /** A user has signed in, with the first of the user's connections. */
    case UserOnline = 'user_online';

    /** The last connection of a user that signed in has ended. */
    case UserOffline = 'user_offline';

    /**
     * Events are missing here: more waited for the group than it may keep, or the group itself was lost with its daemon.
     * Comes to every Listener, whatever it has asked for.
     */
    case EventsLost = 'events_lost';
}

/**
 * Something that has happened in the daemon.
 * @strict-properties
 */
final class Event
{
    /** The same whenever the event is delivered again. Empty: not of the daemon, as EventsLost after a restart. */
    public readonly string $id;

    public readonly EventType $type;

    /** When it happened: seconds since 1970. */
    public readonly float $time;

    /** 1, and one more each time that it was delivered and not acknowledged. */
    public readonly int $attempt;

    /** Rises with each event; comparable with those of the same connection to the daemon, and with its Snapshot's. */
    public readonly int $order;

    public readonly ?string $channel;

    /** Of members and users; of a connection that was signed in and is closed; of a client event's sender who is a member. */
    public readonly ?string $userId;

    /** Of connections, and of a client event's sender. */
    public readonly ?string $socketId;

    /** The name of a client event. */
    public readonly ?string $event;

    /** What a client event has carried: its text, or the JSON of anything else. Of MemberAdded: the user_info as JSON, null where there is none. */
    public readonly ?string $data;

    /** Subscriptions of SubscriptionCount; how many events EventsLost stands for, null if nobody knows. */
    public readonly ?int $count;

    public function __construct(
        string $id,
        EventType $type,
        float $time = 0.0,
        int $attempt = 1,
        int $order = 0,
        ?string $channel = null,
        ?string $userId = null,
        ?string $socketId = null,
        ?string $event = null,
        ?string $data = null,
        ?int $count = null,
    ) {
    }
}

/**
 * What was there when a Listener began to listen.
 * @strict-properties
 */
final class Snapshot
{
    /** Events up to this one are part of it. To apply one of them once more does no harm. */
    public readonly int $order;

    /**
     * Subscriptions of the occupied channels, by name. Names of digits alone are integer keys.
     *
     * @var array<array-key, int>
     */
    public readonly array $channels;

    /**
     * The users on presence channels, by the channel's name.
     *
     * @var array<array-key, list<Member>>
     */
    public readonly array $members;

    /**
     * @param int[] $channels
     * @param Member[][] $members
     */
    public function __construct(int $order = 0, array $channels = [], array $members = [])
    {
    }
}

/**
 * A connection on which the daemon tells of events; Client::listen() makes it. It is closed by close(), with the object,
 * and at the end of the request. What was received and not acknowledged by then is given to another listener of the group.
 *
 * @strict-properties
 * @not-serializable
 */
final class Listener
{
    /**
     * The next event, or null when the time is over or a signal wants attention. It must be acknowledged: with as many
     * unacknowledged events as the window has, no other comes.
     *
     * A lost connection is replaced, and the group's events go on where they were. If the group was lost as well, the next
     * event is EventsLost without a count, and snapshot() is a new one. Null while the daemon is away; when it has
     * been away for longer than the client's time-out, a ConnectException at the end of the time. The next call tries
     * again.
     *
     * @param float $timeout seconds, 0 to 86400; 0 takes what is there
     */
    public function receive(float $timeout): ?Event
    {
    }

    /**
     * The event is done with and comes to nobody again. Waits for no answer, and fails for no lost connection: then the
     * event may be delivered once more, to another listener of the group.
     *
     * @param Event|null $event null: everything received so far
     */
    public function ack(?Event $event = null): void
    {
    }

    /**
     * Gives the event back: it is delivered again at once, to whichever listener of the group has room, with a higher
     * attempt.
     *
     * @param Event|null $event null: everything received so far that was not acknowledged
     */
    public function release(?Event $event = null): void
    {
    }

    /**
     * What was there when this connection began to listen; null if listen() was not asked for it, or if a connection that
     * was lost is being replaced.
     */
    public function snapshot(): ?Snapshot
    {
    }

    /** Another call does nothing; other methods throw an \Error from then on. */
    public function close(): void
    {
    }

    private function __construct()
    {
    }
}

/** The daemon's events. */
interface Listenable
{
    /**
     * Begins to listen, on a connection of its own. Listeners of a group share its events, each comes to one of them;
     * every group gets all. Events wait for a group whose listeners are away, bounded in number and time. Without a group
     * the listener is alone, and its events end with it.
     *
     * @param EventType[]|string[] $types [] is all of them
     * @param string|null $group 1 to 64 of A-Z a-z 0-9 . _ -
     * @param bool $snapshot also what is there now, for Listener::snapshot()
     * @param int $window how many unacknowledged events it may have, 1 to 1000
     * @param float $ackTimeout seconds after which an unacknowledged event goes to another listener, 0.1 to 3600
     */
    public function listen(
        array $types,
        ?string $group = null,
        bool $snapshot = false,
        int $window = 16,
        float $ackTimeout = 30.0,
    ): Listener;
}

/**
 * A client's WebSocket.
 * @strict-properties
 */
final class Connection
{
    public readonly string $socketId;

    /** The user who has signed in, else the one that a presence channel knows it as. */
    public readonly ?string $userId;

    /** Where the client is, also behind a proxy that the daemon trusts; "" if it is not known. */
    public readonly string $address;

    /** When it was opened: seconds since 1970. */
    public readonly float $openedAt;

    /** How many channels it is on. */
    public readonly int $subscriptions;

    public function __construct(
        string $socketId,
        ?string $userId = null,
        string $address = "",
        float $openedAt = 0.0,
        int $subscriptions = 0,
    ) {
    }
}

/**
 * The daemon in the hands of its operator. Orders are for the user that the daemon runs as, for root, and for applications
 * with control = yes in the daemon's configuration; for others they are a RejectedException with Reason::Forbidden.
 */
interface Operator
{
    /**
     * The application's connections on this daemon's node, a page at a time; answerWasPartial() tells that other nodes
     * have more.
     *
     * @param int $limit how many at most, 1 to 10000; fewer come on the last page only
     * @param string|null $after the socket id of the last one on the page before
     * @return list<Connection>
     */
    public function connections(int $limit = 100, ?string $after = null): array;

    /** The daemon closes its clients and ends, as for SIGTERM. Returns when it has begun. */
    public function stop(): void;

    /**
     * The daemon closes its clients, so that they connect again, and executes its program anew: same process, same
     * arguments, whatever supervises it. Returns when that has begun; a publish meanwhile waits. Refused, with what is
     * wrong, when it would not start again.
     */
    public function restart(): void;

    /** The daemon reads its configuration again. Returns when that is in use; refused, with what is wrong, when it is not. */
    public function reload(): void;
}

/**
 * A handle on one application of one daemon. The connection belongs to the thread, is opened at the first call and is
 * shared by all handles with the same socket, application and secret. Two clients are equal (==) only if they are the
 * same object.
 *
 * @strict-properties
 * @not-serializable
 */
final class Client implements Gateway, ClusterInspector, Listenable, Operator
{
    /**
     * @var string
     * @cvalue PHP_FANFARE_VERSION
     */
    public const VERSION = UNKNOWN;

    /**
     * @var int
     * @cvalue FF_IPC_VERSION
     */
    public const PROTOCOL = UNKNOWN;

    /**
     * @param string|null $app null takes fanfare.app_id
     * @param string|null $secret null takes fanfare.app_secret if the application is that of fanfare.app_id
     * @param string|null $socket absolute path, unix:///path or @abstract; null takes fanfare.socket
     * @param float|null $timeout seconds for one whole call; null takes fanfare.timeout
     * @param int $jsonFlags JSON_* flags on top of the slashes and the Unicode that stay unescaped
     * @param Ack|null $ack null takes fanfare.ack
     */
    public function __construct(
        ?string $app = null,
        #[\SensitiveParameter] ?string $secret = null,
        ?string $socket = null,
        ?float $timeout = null,
        int $jsonFlags = 0,
        ?Ack $ack = null,
    ) {
    }

    /**
     * @param Ack|null $ack null takes the client's. With Ack::Cluster an UnconfirmedException may be thrown.
     * @param string|null $traceparent the trace that it belongs to, in the form of W3C Trace Context; what is none is
     *                                 ignored
     */
    public function publish(
        string|array $channels,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
        ?Ack $ack = null,
        ?string $traceparent = null,
    ): Receipt {
    }

    /** @param Ack|null $ack as of publish(), for the batch as a whole */
    public function publishMany(array $messages, ?Ack $ack = null): array
    {
    }

    /** @param Ack|null $ack as of publish(); the answer is collected like any other */
    public function publishAsync(
        string|array $channels,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
        ?Ack $ack = null,
        ?string $traceparent = null,
    ): int {
    }

    public function pending(): int
    {
    }

    public function flush(?float $timeout = null): FlushResult
    {
    }

    /** @param Ack|null $ack as of publish() */
    public function sendToUser(
        string $userId,
        string $event,
        mixed $payload = [],
        ?string $except = null,
        ?string $key = null,
        ?Ack $ack = null,
        ?string $traceparent = null,
    ): Receipt {
    }

    public function terminateUser(string $userId): int
    {
    }

    public function terminateConnection(string $socketId): bool
    {
    }

    public function channels(string $prefix = "", bool $cache = false): array
    {
    }

    public function channel(string $name, bool $cache = false): Channel
    {
    }

    public function members(string $channel): array
    {
    }

    public function connectionCount(): int
    {
    }

    public function ping(): float
    {
    }

    public function stats(): Stats
    {
    }

    public function answerWasPartial(): bool
    {
    }

    public function listen(
        array $types,
        ?string $group = null,
        bool $snapshot = false,
        int $window = 16,
        float $ackTimeout = 30.0,
    ): Listener {
    }

    public function connections(int $limit = 100, ?string $after = null): array
    {
    }

    public function stop(): void
    {
    }

    public function restart(): void
    {
    }

    public function reload(): void
    {
    }

    /**
     * For processes that run long and will not speak to this daemon for a while: collects the answers that are missing
     * as the end of a request does (fanfare.shutdown_flush, failures go to PHP's log) and closes the connection, which
     * all handles with the same socket, application and secret share. The next call opens it again. Never throws.
     */
    public function close(): void
    {
    }
}

/**
 * Client::publish() for the application of the ini settings.
 *
 * @param string|string[] $channels
 */
function publish(
    string|array $channels,
    string $event,
    mixed $payload = [],
    ?string $except = null,
    ?string $key = null,
    ?Ack $ack = null,
    ?string $traceparent = null,
): Receipt {
}

/**
 * Client::publishAsync() for the application of the ini settings.
 *
 * @param string|string[] $channels
 */
function publish_async(
    string|array $channels,
    string $event,
    mixed $payload = [],
    ?string $except = null,
    ?string $key = null,
    ?Ack $ack = null,
    ?string $traceparent = null,
): int {
}

/**
 * Client::publishMany() for the application of the ini settings.
 *
 * @param Message[] $messages
 * @return Receipt[]
 */
function publish_many(array $messages, ?Ack $ack = null): array
{
}

/** Writes and collects for every connection of this thread. Never throws: meant for the end of a request. */
function flush(?float $timeout = null): FlushResult
{
}
