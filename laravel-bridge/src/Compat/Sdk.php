<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Compat;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Extension\ExtensionGateway;
use InvalidArgumentException;
use Pusher\ApiErrorException;
use Pusher\Pusher;
use Pusher\PusherException;
use Pusher\Webhook as SdkWebhook;
use Throwable;

/**
 * What depends on whether Pusher's SDK (pusher/pusher-php-server) is installed. An application that catches the SDK's
 * exceptions has the SDK, and is given them; without it they are Fanfare's.
 */
final class Sdk
{
    /**
     * Whether the SDK is there, in a version whose calls are those that we have.
     */
    public static function installed(): bool
    {
        return class_exists(Pusher::class)
            && version_compare(Pusher::$VERSION, '7.2', '>=') && version_compare(Pusher::$VERSION, '8', '<');
    }

    /**
     * The daemon refused or did not answer. The code is the status that Pusher's HTTP API would have answered, 0 for no answer.
     */
    public static function refused(PublishException $cause): Throwable
    {
        if ($cause->getPrevious() instanceof MisconfiguredException) {
            return self::misused('Fanfare: '.$cause->reason, $cause);
        }

        return class_exists(ApiErrorException::class)
            ? new ApiErrorException($cause->getMessage(), ExtensionGateway::httpStatus($cause), $cause)
            : $cause;
    }

    /**
     * The caller asks for something that cannot be, or this side lacks something.
     */
    public static function misused(string $message, ?Throwable $cause = null): Throwable
    {
        if (class_exists(PusherException::class)) {
            return new PusherException($message, 0, $cause);
        }

        return $cause instanceof PublishException || $cause instanceof MisconfiguredException
            ? $cause
            : new InvalidArgumentException($message, 0, $cause);
    }

    /**
     * @param  list<object>  $events
     */
    public static function webhook(int $timeMs, array $events): object
    {
        return class_exists(SdkWebhook::class) ? new SdkWebhook($timeMs, $events) : new Webhook($timeMs, $events);
    }
}
