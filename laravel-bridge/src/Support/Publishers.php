<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Fanfare\Laravel\Contracts\Publisher;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Extension\ExtensionPublisher;
use SplObjectStorage;
use WeakMap;

/**
 * Gives each connection its publisher at the first publish, and remembers which ones wait for answers. One per
 * application, as old as the process in a long-running worker; holds neither container nor request.
 */
final class Publishers
{
    /** @var WeakMap<Connection, Publisher> */
    private WeakMap $made;

    /** @var SplObjectStorage<Publisher, null> */
    private SplObjectStorage $waiting;

    private ?Publisher $fake = null;

    public function __construct()
    {
        $this->made = new WeakMap;
        $this->waiting = new SplObjectStorage;
    }

    /**
     * @throws MisconfiguredException
     */
    public function for(Connection $connection): Publisher
    {
        return $this->fake ?? $this->made[$connection] ??= self::make($connection);
    }

    /**
     * From now on everything goes to this publisher, drivers that are resolved already included.
     */
    public function fake(?Publisher $fake): void
    {
        $this->fake = $fake;
    }

    public function waitsForAnswers(Publisher $publisher): void
    {
        $this->waiting->offsetSet($publisher);
    }

    /**
     * Collects what is outstanding; returns what went wrong, in words.
     *
     * @return list<string>
     */
    public function flush(): array
    {
        $failures = [];

        foreach ($this->waiting as $publisher) {
            if (($failure = $publisher->flush()) !== null) {
                $failures[] = $failure;
            }
        }

        $this->waiting = new SplObjectStorage;

        return $failures;
    }

    private static function make(Connection $connection): Publisher
    {
        $faults = $connection->publishingFaults();

        if (! extension_loaded('fanfare')) {
            $faults[] = sprintf(
                'the PHP extension "fanfare" is not loaded in this PHP (%s): install it from Fanfare\'s source with '.
                '"phpize && ./configure && make && sudo make install", add "extension=fanfare" to php.ini and restart PHP',
                PHP_SAPI
            );
        }

        if ($faults !== []) {
            throw new MisconfiguredException(implode('; ', $faults));
        }

        return ExtensionPublisher::connect($connection);
    }
}
