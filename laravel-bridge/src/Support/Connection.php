<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support;

use Fanfare\Laravel\Exceptions\MisconfiguredException;

/**
 * One entry of broadcasting.connections, read once. Reading never fails, so that an application without credentials
 * boots; what is missing or wrong is said when it is needed.
 */
final class Connection
{
    private const CACHED = ' (and run "php artisan config:clear" if the configuration is cached)';

    private const ON_FAILURE = ['throw', 'log', 'queue'];

    private const MODES = ['sync', 'async'];

    private const ACKS = ['local', 'cluster'];

    private const DIRECT_TIMEOUT = 0.25;

    /**
     * @param  bool  $queuesFailures  what may succeed later is left to a job, whatever $onFailure says of the rest
     * @param  list<string>  $faults  values that cannot be used
     * @param  string  $lines  how the lines of .env with the credentials begin
     * @param  ?string  $host  where browsers reach the daemon, with port and scheme; nothing here connects to it
     */
    private function __construct(
        public readonly ?string $appId,
        public readonly ?string $key,
        #[\SensitiveParameter] private readonly ?string $secret,
        public readonly ?string $socket,
        public readonly ?float $timeout,
        #[\SensitiveParameter] private readonly ?string $masterKey,
        public readonly string $onFailure,
        public readonly bool $queuesFailures,
        public readonly string $mode,
        public readonly ?string $ack,
        public readonly bool $jsonp,
        public readonly bool $direct,
        private readonly float $directTimeout,
        public readonly ?string $name,
        private readonly array $faults,
        private readonly string $lines,
        public readonly ?string $host,
        public readonly ?string $port,
        public readonly ?string $scheme,
    ) {
    }

    /**
     * @param  array<array-key, mixed>  $config
     * @param  ?string  $name  the connection's name, which a queued job needs to find it again
     */
    public static function fromConfig(#[\SensitiveParameter] array $config, ?string $name = null): self
    {
        $options = is_array($config['options'] ?? null) ? $config['options'] : [];
        $faults = [];

        $timeout = $options['timeout'] ?? null;
        if ($timeout === '') {
            $timeout = null;
        }
        if ($timeout !== null && (! is_numeric($timeout) || (float) $timeout <= 0)) {
            $faults[] = '"options.timeout" (FANFARE_TIMEOUT) must be a number of seconds above 0';
            $timeout = null;
        }

        $onFailure = self::text($options['on_failure'] ?? null) ?? 'throw';
        if (! in_array($onFailure, self::ON_FAILURE, true)) {
            $faults[] = sprintf('"options.on_failure" (FANFARE_ON_FAILURE) is "%s", but must be one of: %s',
                $onFailure, implode(', ', self::ON_FAILURE));
            $onFailure = 'throw';
        }

        $mode = self::text($options['mode'] ?? null) ?? 'sync';
        if (! in_array($mode, self::MODES, true)) {
            $faults[] = sprintf('"options.mode" (FANFARE_MODE) is "%s", but must be one of: %s',
                $mode, implode(', ', self::MODES));
            $mode = 'sync';
        }

        $ack = self::text($options['ack'] ?? null);
        if ($ack !== null && ! in_array($ack, self::ACKS, true)) {
            $faults[] = sprintf('"options.ack" (FANFARE_ACK) is "%s", but must be one of: %s, or nothing for the extension\'s fanfare.ack',
                $ack, implode(', ', self::ACKS));
            $ack = null;
        }

        $direct = filter_var($options['direct'] ?? false, FILTER_VALIDATE_BOOL, FILTER_NULL_ON_FAILURE);
        if ($direct === null) {
            $faults[] = '"options.direct" (FANFARE_DIRECT) must be true or false';
        }

        $directTimeout = $options['direct_timeout'] ?? '';
        if ($directTimeout === '') {
            $directTimeout = self::DIRECT_TIMEOUT;
        }
        if (! is_numeric($directTimeout) || (float) $directTimeout <= 0) {
            $faults[] = '"options.direct_timeout" (FANFARE_DIRECT_TIMEOUT) must be a number of seconds above 0';
            $directTimeout = self::DIRECT_TIMEOUT;
        }

        return new self(
            appId: self::text($config['app_id'] ?? null),
            key: self::text($config['key'] ?? null),
            secret: self::text($config['secret'] ?? null),
            socket: self::text($options['socket'] ?? null),
            timeout: $timeout === null ? null : (float) $timeout,
            masterKey: self::text($options['encryption_master_key_base64'] ?? null),
            onFailure: $onFailure,
            queuesFailures: $onFailure === 'queue',
            mode: $mode,
            ack: $ack,
            jsonp: (bool) ($config['jsonp'] ?? false),
            direct: $direct ?? false,
            directTimeout: (float) $directTimeout,
            name: $name,
            faults: $faults,
            lines: ($config['driver'] ?? null) === 'reverb' ? 'REVERB' : 'FANFARE',
            host: self::text($options['host'] ?? null),
            port: self::text($options['port'] ?? null),
            scheme: self::text($options['scheme'] ?? null),
        );
    }

    /**
     * Whether no credentials are given at all.
     */
    public function isEmpty(): bool
    {
        return $this->appId === null && $this->key === null && $this->secret === null;
    }

    /**
     * As it is for an event that would have been queued: a short wait, for the receipt in any mode, and the queue behind it.
     */
    public function forDirectBroadcasts(): self
    {
        return new self(
            appId: $this->appId,
            key: $this->key,
            secret: $this->secret,
            socket: $this->socket,
            timeout: min($this->directTimeout, $this->timeout ?? $this->directTimeout),
            masterKey: $this->masterKey,
            onFailure: $this->onFailure,
            queuesFailures: true,
            mode: 'sync',
            ack: $this->ack,
            jsonp: $this->jsonp,
            direct: $this->direct,
            directTimeout: $this->directTimeout,
            name: $this->name,
            faults: $this->faults,
            lines: $this->lines,
            host: $this->host,
            port: $this->port,
            scheme: $this->scheme,
        );
    }

    /**
     * What stands in the way of publishing, in words.
     *
     * @return list<string>
     */
    public function publishingFaults(): array
    {
        return $this->appId === null || $this->secret === null
            ? [...$this->faults, $this->missingCredentials()]
            : $this->faults;
    }

    /**
     * The application's id and secret, for the hello to the daemon; publishingFaults() has been asked.
     *
     * @return array{string, string}
     */
    public function publishingCredentials(): array
    {
        return [(string) $this->appId, (string) $this->secret];
    }

    /**
     * The application's key and secret, for signatures.
     *
     * @return array{string, string}
     *
     * @throws MisconfiguredException
     */
    public function signingCredentials(): array
    {
        if ($this->key === null || $this->secret === null) {
            throw new MisconfiguredException($this->missingCredentials());
        }

        return [$this->key, $this->secret];
    }

    /**
     * The key of an encrypted channel: what pusher-js is given as shared_secret.
     *
     * @throws MisconfiguredException
     */
    public function channelKey(string $channel): string
    {
        if ($this->masterKey === null) {
            throw new MisconfiguredException(
                'encrypted channels need a master key: add FANFARE_ENCRYPTION_MASTER_KEY=... to .env, made by '.
                '"php -r \'echo base64_encode(random_bytes(32));\'"'.self::CACHED
            );
        }

        $raw = base64_decode($this->masterKey, true);

        if ($raw === false || strlen($raw) !== 32) {
            throw new MisconfiguredException(
                'FANFARE_ENCRYPTION_MASTER_KEY ("options.encryption_master_key_base64") must be the base64 of exactly '.
                '32 bytes, made by "php -r \'echo base64_encode(random_bytes(32));\'"'.self::CACHED
            );
        }

        return hash('sha256', $channel.$raw, true);
    }

    /**
     * @return array<string, mixed>
     */
    public function __debugInfo(): array
    {
        return [
            'name' => $this->name,
            'app_id' => $this->appId,
            'key' => $this->key,
            'secret' => $this->secret === null ? null : '(set)',
            'socket' => $this->socket,
            'on_failure' => $this->onFailure,
            'mode' => $this->mode,
            'ack' => $this->ack,
            'direct' => $this->direct,
        ];
    }

    /**
     * @return array<string, mixed>
     */
    public function __serialize(): array
    {
        throw new \LogicException('A broadcasting connection holds a secret and cannot be serialized.');
    }

    private function missingCredentials(): string
    {
        $missing = array_keys(array_filter([
            $this->lines.'_APP_ID' => $this->appId === null,
            $this->lines.'_APP_KEY' => $this->key === null,
            $this->lines.'_APP_SECRET' => $this->secret === null,
        ]));

        return sprintf(
            'credentials are missing: add %s to .env%s',
            implode(', ', array_map(static fn (string $line): string => $line.'=...', $missing)),
            self::CACHED
        );
    }

    private static function text(#[\SensitiveParameter] mixed $value): ?string
    {
        return is_scalar($value) && (string) $value !== '' ? (string) $value : null;
    }
}
