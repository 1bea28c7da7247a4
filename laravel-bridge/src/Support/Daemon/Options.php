<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Daemon;

/**
 * What fanfare:start was called with. Stands in the file that it writes, so that the file can be written anew.
 */
final class Options
{
    public const MARK = '# options ';

    public function __construct(
        public readonly ?string $host = null,
        public readonly ?string $port = null,
        public readonly ?string $workers = null,
        public readonly bool $debug = false,
    ) {
    }

    public function encode(): string
    {
        return (string) json_encode(array_filter([
            'host' => $this->host, 'port' => $this->port, 'workers' => $this->workers, 'debug' => $this->debug,
        ], static fn (string|bool|null $value): bool => $value !== null && $value !== false), JSON_FORCE_OBJECT | JSON_UNESCAPED_SLASHES);
    }

    /**
     * Those that a file was written with; null if fanfare:start did not write it.
     */
    public static function ofFile(#[\SensitiveParameter] string $text): ?self
    {
        if (preg_match('/^'.preg_quote(self::MARK, '/').'(\{.*\})$/m', $text, $match) !== 1) {
            return null;
        }
        $options = json_decode($match[1], true);

        if (! is_array($options)) {
            return null;
        }
        $given = static fn (string $name): ?string => is_string($options[$name] ?? null) ? $options[$name] : null;

        return new self($given('host'), $given('port'), $given('workers'), ($options['debug'] ?? false) === true);
    }
}
