<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Fanfare\Laravel\Contracts\AsyncPublisher;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Events\BroadcastFailed;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Extension\ExtensionGateway;
use SplObjectStorage;
use WeakMap;

/**
 * Gives each connection its gateway at the first use, and remembers which ones wait for answers. One per application,
 * as old as the process in a long-running worker; holds neither container nor request.
 */
final class Gateways
{
    /** @var WeakMap<Connection, Gateway> */
    private WeakMap $made;

    /** @var SplObjectStorage<AsyncPublisher, ?string> with the connection's name */
    private SplObjectStorage $waiting;

    private ?Gateway $fake = null;

    public function __construct()
    {
        $this->made = new WeakMap;
        $this->waiting = new SplObjectStorage;
    }

    /**
     * @throws MisconfiguredException
     */
    public function for(Connection $connection): Gateway
    {
        return $this->fake ?? $this->made[$connection] ??= self::make($connection);
    }

    /**
     * From now on everything goes to this gateway, drivers that are resolved already included.
     */
    public function fake(?Gateway $fake): void
    {
        $this->fake = $fake;
    }

    public function waitsForAnswers(AsyncPublisher $publisher, Connection $connection): void
    {
        $this->waiting->offsetSet($publisher, $connection->name);
    }

    /**
     * Collects what is outstanding; returns what went wrong.
     *
     * @return list<BroadcastFailed>
     */
    public function flush(): array
    {
        $failures = [];
        $waiting = $this->waiting;
        // A failure may be answered by a broadcast, which waits for the next time.
        $this->waiting = new SplObjectStorage;

        foreach ($waiting as $publisher) {
            $failure = $publisher->flush();

            if ($failure !== null) {
                $name = $waiting[$publisher];
                $failures[] = new BroadcastFailed($name, null, [], $failure->during($name));
            }
        }

        return $failures;
    }

    private static function make(Connection $connection): Gateway
    {
        $faults = $connection->publishingFaults();

        if (! extension_loaded('fanfare')) {
            $faults[] = sprintf(
                'the PHP extension "fanfare" is not loaded in this PHP (%s): install it from Fanfare\'s source with '.
                '"phpize && ./configure && make && sudo make install", add "extension=fanfare" to php.ini and restart PHP',
                PHP_SAPI
            );
        }

        if ($connection->ack === 'cluster' && extension_loaded('fanfare') && ! ExtensionGateway::knowsAck()) {
            $faults[] = sprintf(
                '"options.ack" (FANFARE_ACK) is "cluster", which the extension "fanfare" %s does not know: update it',
                (string) phpversion('fanfare')
            );
        }

        if ($faults !== []) {
            throw new MisconfiguredException(implode('; ', $faults));
        }

        return ExtensionGateway::connect($connection);
    }
}
