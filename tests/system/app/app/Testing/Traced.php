<?php

declare(strict_types=1);

namespace App\Testing;

use OpenTelemetry\SDK\Trace\Sampler\AlwaysOffSampler;
use OpenTelemetry\SDK\Trace\Sampler\AlwaysOnSampler;
use OpenTelemetry\SDK\Trace\TracerProvider;

/** An action within a span of OpenTelemetry's SDK, as its instrumentation of Laravel has one around a request. */
final class Traced
{
    /**
     * @param  array<string, mixed>  $in  action, input, sampled
     * @return array{trace: string, span: string}
     */
    public static function run(array $in): array
    {
        $provider = new TracerProvider(null, ($in['sampled'] ?? true) ? new AlwaysOnSampler : new AlwaysOffSampler);
        $span = $provider->getTracer('tests')->spanBuilder('request')->startSpan();
        $scope = $span->activate();

        try {
            Actions::run($in['action'], $in['input']);
        } finally {
            $scope->detach();
            $span->end();
        }

        return ['trace' => $span->getContext()->getTraceId(), 'span' => $span->getContext()->getSpanId()];
    }
}
