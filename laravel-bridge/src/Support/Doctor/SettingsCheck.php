<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

use Dotenv\Dotenv;
use Dotenv\Exception\InvalidFileException;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Endpoint;
use Fanfare\Laravel\Support\ServedConnections;
use Fanfare\Laravel\Support\Value;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Foundation\Application;

/**
 * Settings that contradict one another, or that something else than this process goes by.
 */
final class SettingsCheck
{
    /** Built files that are looked through for the key. */
    private const FILES_MAX = 500;

    public function __construct(
        private readonly Application $app,
        private readonly Repository $config,
    ) {
    }

    /**
     * @param  array<array-key, mixed>  $settings  the connection as its driver reads it
     * @return list<Finding>
     */
    public function check(Connection $connection, array $settings): array
    {
        $env = $this->env();

        return [
            ...$this->connection($connection),
            ...$this->broadcaster($connection, $env),
            ...$this->cached($env),
            ...$this->queue($connection, $settings),
            ...$this->channels(),
            ...$this->browserSettings($connection, Endpoint::fromConfig($settings), $env),
            ...$this->octane(),
        ];
    }

    /**
     * @return list<Finding>
     */
    private function connection(Connection $connection): array
    {
        $faults = $connection->publishingFaults();

        return $faults !== []
            ? [Finding::failure('Configuration', "connection \"{$connection->name}\": ".implode('; ', $faults), 'php artisan fanfare:install adds what is missing')]
            : [Finding::ok('Configuration', "connection \"{$connection->name}\", application \"{$connection->appId}\"")];
    }

    /**
     * @param  array<string, ?string>  $env
     * @return list<Finding>
     */
    private function broadcaster(Connection $connection, array $env): array
    {
        $default = Value::text($this->config->get('broadcasting.default'));

        if ($default !== null && isset(ServedConnections::all($this->config)[$default])) {
            return [Finding::ok('Broadcaster', "BROADCAST_CONNECTION is \"{$default}\"")];
        }
        $shown = $default ?? 'null';
        $fix = 'BROADCAST_CONNECTION=fanfare in .env';

        if ($default === 'reverb') {
            $fix .= ', or FANFARE_REPLACE_REVERB=true to keep the connection "reverb"';
        } elseif (isset($env['BROADCAST_DRIVER']) && ! isset($env['BROADCAST_CONNECTION'])) {
            $fix .= ' (its BROADCAST_DRIVER is of Laravel 10 and older)';
        }

        return [Finding::failure('Broadcaster', "events are broadcast through \"{$shown}\" and not through Fanfare", $fix)];
    }

    /**
     * @param  array<string, ?string>  $env
     * @return list<Finding>
     */
    private function cached(array $env): array
    {
        if (! $this->app->configurationIsCached()) {
            return [];
        }
        $cached = (int) @filemtime($this->app->getCachedConfigPath());
        $newer = array_filter(
            [$this->app->environmentPath().'/'.$this->app->environmentFile(), ...(glob($this->app->configPath('*.php')) ?: [])],
            static fn (string $file): bool => (int) @filemtime($file) > $cached
        );
        $stale = [];

        foreach (['FANFARE_APP_ID' => 'app_id', 'FANFARE_APP_KEY' => 'key', 'FANFARE_APP_SECRET' => 'secret', 'FANFARE_SOCKET' => 'options.socket',
            'FANFARE_HOST' => 'options.host', 'FANFARE_PORT' => 'options.port', 'FANFARE_SCHEME' => 'options.scheme'] as $line => $path) {
            $value = Value::text($this->config->get("broadcasting.connections.fanfare.{$path}"));

            // What the process is given counts more than the file.
            if (isset($env[$line]) && $env[$line] !== '' && $env[$line] !== $value && getenv($line) === false) {
                $stale[] = $line;
            }
        }

        return match (true) {
            $stale !== [] => [Finding::failure('Cached configuration', 'says something else than .env: '.implode(', ', $stale), 'php artisan config:cache (or config:clear)')],
            $newer !== [] => [Finding::warning('Cached configuration', 'is older than '.implode(', ', array_map(basename(...), $newer)), 'php artisan config:cache (or config:clear)')],
            default => [Finding::ok('Cached configuration', 'is as new as the files')],
        };
    }

    /**
     * @param  array<array-key, mixed>  $settings
     * @return list<Finding>
     */
    private function queue(Connection $connection, array $settings): array
    {
        $findings = [];
        $default = Value::text($this->config->get('queue.default')) ?? 'sync';
        $republish = Value::text($this->config->get('fanfare.republish.connection')) ?? $default;
        $driver = fn (string $name): ?string => Value::text($this->config->get("queue.connections.{$name}.driver"));
        $direct = filter_var(Value::at($settings, 'options.direct'), FILTER_VALIDATE_BOOL);

        if ($connection->onFailure === 'queue') {
            $findings[] = match ($driver($republish)) {
                null => Finding::failure('Queue', "FANFARE_ON_FAILURE=queue goes to the queue connection \"{$republish}\", which does not exist", 'correct FANFARE_QUEUE_CONNECTION or QUEUE_CONNECTION in .env'),
                'sync' => Finding::warning('Queue', 'FANFARE_ON_FAILURE=queue goes to the queue "sync", which tries at once and keeps nothing', 'FANFARE_QUEUE_CONNECTION=database in .env, with a worker'),
                default => Finding::ok('Queue', "what fails goes to the queue \"{$republish}\""),
            };
        }

        if ($connection->onFailure === 'queue' && $connection->mode === 'async') {
            $findings[] = Finding::warning('Queue', 'FANFARE_MODE=async learns of refusals only at the end, so FANFARE_ON_FAILURE=queue covers only what fails while writing', 'FANFARE_MODE=sync in .env if nothing may be lost');
        }

        if ($direct && $driver($default) === 'sync') {
            $findings[] = Finding::warning('Queue', 'FANFARE_DIRECT=true falls back to the queue, and the queue is "sync"', 'QUEUE_CONNECTION=database in .env, with a worker');
        } elseif (! $direct && ! in_array($driver($default), [null, 'sync'], true)) {
            $findings[] = Finding::note('Queue', "events of ShouldBroadcast wait for a worker of the queue \"{$default}\"", 'a worker must run (php artisan queue:work); FANFARE_DIRECT=true, or ShouldBroadcastNow, does without');
        }
        $limit = (int) ini_get('max_execution_time');

        if ($connection->timeout !== null && $limit > 0 && $connection->timeout >= $limit) {
            $findings[] = Finding::warning('Time-outs', "FANFARE_TIMEOUT is {$connection->timeout} s, and PHP ends a request after {$limit} s", 'FANFARE_TIMEOUT=2 in .env');
        }

        return $findings;
    }

    /**
     * @return list<Finding>
     */
    private function channels(): array
    {
        if (is_file($this->app->basePath('routes/channels.php'))) {
            return [];
        }

        return [Finding::warning('Channels', 'there is no routes/channels.php: private channels cannot be authorized', 'php artisan fanfare:install')];
    }

    /**
     * What Vite has put into the JavaScript stays there until the next build, whatever .env says.
     *
     * @param  array<string, ?string>  $env
     * @return list<Finding>
     */
    private function browserSettings(Connection $connection, Endpoint $endpoint, array $env): array
    {
        $expected = ['APP_KEY' => $connection->key, 'HOST' => $endpoint->host, 'PORT' => (string) $endpoint->port, 'SCHEME' => $endpoint->tls ? 'https' : 'http'];
        $different = [];

        foreach ($expected as $part => $value) {
            $line = $env["VITE_REVERB_{$part}"] ?? null;

            if ($line !== null && $line !== '' && $value !== null && $line !== $value) {
                $different[] = "VITE_REVERB_{$part} is \"{$line}\" and not \"{$value}\"";
            }
        }

        if ($different !== []) {
            return [Finding::warning('Echo', implode(', ', $different), 'VITE_REVERB_HOST="${FANFARE_HOST}" and so on in .env, then build the front end (npm run build)')];
        }

        if ($connection->key === null || ! is_file($this->app->publicPath('build/manifest.json'))) {
            return [];
        }
        $echo = false;

        foreach (array_slice(glob($this->app->publicPath('build/assets/*.js')) ?: [], 0, self::FILES_MAX) as $file) {
            $text = (string) @file_get_contents($file);

            if (str_contains($text, $connection->key)) {
                return [Finding::ok('Echo', 'the built JavaScript has the key of this application')];
            }
            $echo = $echo || str_contains($text, 'pusher:subscribe');
        }

        // Without Echo in it there is nothing to be wrong.
        return $echo ? [Finding::warning('Echo', 'the built JavaScript does not have the key of this application', 'build the front end again: npm run build')] : [];
    }

    /**
     * @return list<Finding>
     */
    private function octane(): array
    {
        $server = Value::text($this->config->get('octane.server'));

        return match ($server) {
            null => [],
            'swoole' => [Finding::note('Octane', 'runs on Swoole: a publish blocks its worker for the round trip, as every call of PHP does there', 'nothing, unless workers publish within coroutines')],
            default => [Finding::note('Octane', "runs on {$server}; its workers keep their connection to the daemon")],
        };
    }

    /**
     * .env as it stands there now, whether or not the configuration is cached.
     *
     * @return array<string, ?string>
     */
    private function env(): array
    {
        $text = @file_get_contents($this->app->environmentPath().'/'.$this->app->environmentFile());

        try {
            return $text === false ? [] : Dotenv::parse($text);
        } catch (InvalidFileException) {
            return [];
        }
    }
}
