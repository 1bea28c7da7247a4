<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Container\Container;
use Illuminate\Http\Request;
use OpenTelemetry\API\Trace\Span;

/**
 * The trace that a broadcast belongs to, as a traceparent (W3C Trace Context): the span of OpenTelemetry that is current
 * where that is installed, else that of where the job was dispatched which runs, else what the request that is served says
 * of itself. Asked for with each broadcast; only the payload of a job keeps one.
 */
final class TraceContext
{
    private const FORM = '/\A(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:\z|(?<!\A00.{53})-)/';

    public static function traceparent(?RunningJob $running = null): ?string
    {
        return self::fromOpenTelemetry() ?? self::valid($running?->traceparent()) ?? self::fromRequest();
    }

    /**
     * For the payload of a broadcast that is queued, in the place where packages for OpenTelemetry put theirs; what they have
     * put there stays.
     *
     * @param  array<array-key, mixed>  $payload
     * @return array<string, string>
     */
    public static function forPayload(array $payload, ?RunningJob $running): array
    {
        $data = $payload['data'] ?? null;
        $job = is_array($data) ? $data['command'] ?? null : null;
        $trace = $job instanceof BroadcastEvent && ! isset($payload['traceparent']) ? self::traceparent($running) : null;

        return $trace === null ? [] : ['traceparent' => $trace];
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

        return self::valid($header);
    }

    private static function valid(mixed $trace): ?string
    {
        return is_string($trace) && strlen($trace) <= 255 && preg_match(self::FORM, $trace) === 1 ? $trace : null;
    }
}
