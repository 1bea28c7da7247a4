<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Install;

/**
 * The lines of .env that Fanfare needs.
 */
final class Credentials
{
    private const VITE = ['APP_KEY', 'HOST', 'PORT', 'SCHEME'];

    /** Connections that are no service somebody uses: the installer may take their place without asking. */
    private const IDLE = ['', 'null', 'log'];

    /**
     * @param  list<string>  $given  lines that the environment of the process sets, which count more than the file
     */
    public function __construct(
        private readonly EnvFile $env,
        private readonly array $given = [],
    ) {
    }

    /**
     * Whether the application has Reverb's credentials, and none of ours yet.
     */
    public function canTakeOverReverb(): bool
    {
        foreach (['ID', 'KEY', 'SECRET'] as $part) {
            if ($this->env->get("REVERB_APP_{$part}") === null || $this->env->get("FANFARE_APP_{$part}") !== null) {
                return false;
            }
        }

        return true;
    }

    /**
     * The broadcaster that would be replaced, if it is one that may be in use.
     */
    public function broadcasterInUse(): ?string
    {
        $name = strtolower($this->env->get('BROADCAST_CONNECTION') ?? $this->env->get('BROADCAST_DRIVER') ?? '');

        return in_array($name, [...self::IDLE, 'fanfare'], true) ? null : $name;
    }

    /**
     * @param  bool  $takeOver  Reverb's credentials, and where browsers find it
     * @param  string  $socket  for a line that is not there yet
     */
    public function fill(bool $takeOver, string $socket): void
    {
        $env = $this->env;
        $fill = function (string $name, string $value): void {
            if (! in_array($name, $this->given, true)) {
                $this->env->fill($name, $value);
            }
        };
        $reverb = fn (string $name): ?string => $takeOver ? $env->get("REVERB_{$name}") : null;

        $fill('FANFARE_APP_ID', $reverb('APP_ID') ?? (string) random_int(100_000, 999_999));
        $fill('FANFARE_APP_KEY', $reverb('APP_KEY') ?? bin2hex(random_bytes(10)));
        $fill('FANFARE_APP_SECRET', $reverb('APP_SECRET') ?? bin2hex(random_bytes(20)));
        $fill('FANFARE_SOCKET', $socket);
        $fill('FANFARE_HOST', $reverb('HOST') ?? 'localhost');
        $fill('FANFARE_PORT', $reverb('PORT') ?? '8080');
        $fill('FANFARE_SCHEME', $reverb('SCHEME') ?? 'http');
        $fill('FANFARE_ENCRYPTION_MASTER_KEY', base64_encode(random_bytes(32)));
    }

    /**
     * What Vite hands to Echo. A line that says the same as ours stays; one that points to Reverb's other values is turned.
     */
    public function fillVite(): void
    {
        foreach (self::VITE as $part) {
            $line = "VITE_REVERB_{$part}";
            $raw = $this->env->raw($line);
            $own = $this->env->get("FANFARE_{$part}");

            if ($this->env->get($line) === null || ($raw === "\${REVERB_{$part}}" && $this->env->get($line) !== $own)) {
                $this->env->append($line, "\${FANFARE_{$part}}");
            }
        }
    }

    public function useFanfare(): void
    {
        $this->env->set('BROADCAST_CONNECTION', 'fanfare');
    }
}
