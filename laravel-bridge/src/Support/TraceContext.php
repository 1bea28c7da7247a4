<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Container\Container;
use Illuminate\Http\Request;
use OpenTelemetry\API\Trace\Span;

/**
 * The trace that a broadcast belongs to, as a traceparent (W3C Trace Context): the span of OpenTelemetry that is current
 * where that is installed, else what the request that is served says of itself. Asked for with each broadcast and kept by
 * nobody.
 */
final class TraceContext
{
    private const FORM = '/\A(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:\z|(?<!\A00.{53})-)/';

    public static function traceparent(): ?string
    {
        return self::fromOpenTelemetry() ?? self::fromRequest();
    }

    private static function fromOpenTelemetry(): ?string
    {
        if (! class_exists(Span::class)) {
            return null;
        }

        $context = Span::getCurrent()->getContext();

        return $context->isValid()
            ? sprintf('00-%s-%s-%02x', $context->getTraceId(), $context->getSpanId(), $context->getTraceFlags() & 0xFF)
            : null;
    }

    private static function fromRequest(): ?string
    {
        $app = Container::getInstance();
        $request = $app->bound('request') ? $app->make('request') : null;
        $header = $request instanceof Request ? $request->headers->get('traceparent') : null;

        return is_string($header) && strlen($header) <= 255 && preg_match(self::FORM, $header) === 1 ? $header : null;
    }
}
