<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

/**
 * Where browsers find the daemon, as a connection of config/broadcasting.php says it.
 */
final class Endpoint
{
    private const DEFAULT_PORT = 8080;

    public function __construct(
        public readonly string $host,
        public readonly int $port,
        public readonly bool $tls,
        public readonly string $path = '',
    ) {
    }

    /**
     * @param  array<array-key, mixed>  $config
     */
    public static function fromConfig(array $config): self
    {
        $tls = Value::text(Value::at($config, 'options.scheme')) === 'https';
        $port = Value::at($config, 'options.port');

        return new self(
            Value::text(Value::at($config, 'options.host')) ?? 'localhost',
            is_numeric($port) ? (int) $port : ($tls ? 443 : self::DEFAULT_PORT),
            $tls,
            rtrim(Value::text(Value::at($config, 'options.path')) ?? '', '/'),
        );
    }

    /**
     * The port that the daemon itself should listen on: the browsers' one, unless a proxy stands in between, which
     * whoever says https or the standard port of the web has.
     */
    public function daemonPort(): int
    {
        return $this->tls || $this->port < 1024 ? self::DEFAULT_PORT : $this->port;
    }

    public function url(): string
    {
        return sprintf('%s://%s:%d%s', $this->tls ? 'wss' : 'ws', $this->host, $this->port, $this->path);
    }
}
