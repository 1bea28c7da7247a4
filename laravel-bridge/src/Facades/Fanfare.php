<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Facades;

use Fanfare\Laravel\FanfareManager;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Testing\FanfareFake;
use Illuminate\Container\Container;
use Illuminate\Support\Facades\Facade;

/**
 * The daemon for everything besides broadcasting, which Laravel does itself.
 *
 * @method static \Fanfare\Laravel\Contracts\Server connection(?string $name = null)
 * @method static void sendToUser(\Illuminate\Contracts\Auth\Authenticatable|string|int $user, string $event, array<array-key, mixed>|string $payload = [], ?string $except = null, ?string $key = null)
 * @method static int terminateUser(\Illuminate\Contracts\Auth\Authenticatable|string|int $user)
 * @method static bool terminateConnection(string $socketId)
 * @method static array<array-key, \Fanfare\Laravel\Server\Channel> channels(string $prefix = '', bool $cache = false)
 * @method static \Fanfare\Laravel\Server\Channel channel(string $name, bool $cache = false)
 * @method static list<\Fanfare\Laravel\Server\Member> members(string $channel)
 * @method static int connectionCount()
 * @method static float ping()
 * @method static bool answerWasPartial()
 * @method static \Fanfare\Laravel\Server\Stats stats()
 * @method static list<\Fanfare\Laravel\Server\ClientConnection> connections(int $limit = 100, ?string $after = null)
 * @method static void stop()
 * @method static void restart()
 * @method static void reload()
 *
 * @see FanfareManager
 */
final class Fanfare extends Facade
{
    /**
     * Records broadcasts instead of sending them, for the rest of the test: neither extension nor daemon is needed.
     */
    public static function fake(): FanfareFake
    {
        $fake = new FanfareFake;

        // The broadcasts go by the gateway, the calls of this facade by its root.
        Container::getInstance()->make(Gateways::class)->fake($fake);
        self::swap($fake);

        return $fake;
    }

    protected static function getFacadeAccessor(): string
    {
        return FanfareManager::class;
    }
}
