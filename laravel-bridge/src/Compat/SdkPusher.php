<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Compat;

use Pusher\Pusher;

/**
 * What getPusher() returns where Pusher's SDK is installed: for type hints an instance of its class. Every public method
 * of that class is replaced, so that none of them speaks HTTP. Only loaded with the SDK.
 */
final class SdkPusher extends Pusher
{
    use PusherCalls;
}
