<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Compat;

/**
 * What getPusher() returns where Pusher's SDK is not installed.
 */
final class SocketPusher
{
    use PusherCalls;
}
