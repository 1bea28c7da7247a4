<?php

/*
 * For PHPStan alone: what src/ uses of packages that an application may have and that need not be installed here, Laravel
 * Pulse with Livewire, OpenTelemetry, and of versions of Laravel newer than the oldest that we support. Never loaded.
 */

namespace Illuminate\Foundation {
    class DevCommands
    {
        public static function artisan(string $command, ?string $name = null): mixed
        {
        }
    }
}

namespace OpenTelemetry\API\Trace {
    interface SpanContextInterface
    {
        public function isValid(): bool;

        public function getTraceId(): string;

        public function getSpanId(): string;

        public function getTraceFlags(): int;
    }

    abstract class Span
    {
        public static function getCurrent(): self
        {
        }

        abstract public function getContext(): SpanContextInterface;
    }
}

namespace Laravel\Pulse {
    class Entry
    {
        public function sum(): static
        {
        }

        public function avg(): static
        {
        }

        public function max(): static
        {
        }

        public function onlyBuckets(): static
        {
        }
    }

    class Pulse
    {
        public function record(string $type, string $key, ?int $value = null, \DateTimeInterface|int|null $timestamp = null): Entry
        {
        }
    }
}

namespace Laravel\Pulse\Events {
    class IsolatedBeat
    {
        public \Carbon\CarbonImmutable $time;
    }

    class SharedBeat
    {
        public \Carbon\CarbonImmutable $time;

        public string $instance;
    }
}

namespace Laravel\Pulse\Support {
    class CacheStoreResolver
    {
        public function store(): \Illuminate\Contracts\Cache\Repository
        {
        }
    }
}

namespace Livewire {
    class Component
    {
        public function dispatch(string $event, mixed ...$params): mixed
        {
        }
    }

    class LivewireManager
    {
        /** @param class-string $class */
        public function component(string $name, string $class): void
        {
        }
    }

    class Livewire
    {
        public static function isLivewireRequest(): bool
        {
        }
    }
}

namespace Livewire\Attributes {
    #[\Attribute]
    class Lazy
    {
    }
}

namespace Laravel\Pulse\Livewire {
    abstract class Card extends \Livewire\Component
    {
        /**
         * @param  list<string>  $types
         * @param  'count'|'min'|'max'|'sum'|'avg'  $aggregate
         * @return \Illuminate\Support\Collection<string, \Illuminate\Support\Collection<string, \Illuminate\Support\Collection<string, int|null>>>
         */
        protected function graph(array $types, string $aggregate): \Illuminate\Support\Collection
        {
        }

        /**
         * @template T
         *
         * @param  callable(): T  $query
         * @return array{T, float, string}
         */
        protected function remember(callable $query, string $key = '', ?\DateInterval $ttl = null): array
        {
        }
    }
}
