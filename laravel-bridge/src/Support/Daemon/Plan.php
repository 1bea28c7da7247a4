<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Daemon;

/**
 * What a daemon is to be started with.
 */
final class Plan
{
    /**
     * @param  list<string>  $apps  ids
     * @param  list<string>  $elsewhere  connections that meet another daemon, at another socket
     */
    public function __construct(
        public readonly string $connection,
        public readonly string $socket,
        public readonly string $listen,
        public readonly array $apps,
        public readonly array $elsewhere,
        #[\SensitiveParameter] private readonly string $text,
    ) {
    }

    /**
     * Writes it for the owner's eyes alone. Whoever reads the file meanwhile sees the old one or the new one.
     *
     * @return string what is wrong, or nothing
     */
    public function write(string $file): string
    {
        $new = $file.'.'.bin2hex(random_bytes(4));
        $mask = umask(0077);
        $written = @file_put_contents($new, $this->text);
        umask($mask);

        if ($written === strlen($this->text) && @rename($new, $file)) {
            return '';
        }
        $why = error_get_last()['message'] ?? 'unknown error';
        @unlink($new);

        return "{$file} cannot be written: {$why}";
    }

    public function text(): string
    {
        return $this->text;
    }

    /**
     * @return array<string, mixed>
     */
    public function __debugInfo(): array
    {
        return ['connection' => $this->connection, 'socket' => $this->socket, 'listen' => $this->listen, 'apps' => $this->apps];
    }
}
