<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Daemon;

use Dotenv\Dotenv;
use Dotenv\Exception\InvalidFileException;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Endpoint;
use Fanfare\Laravel\Support\ServedConnections;
use Fanfare\Laravel\Support\Value;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Foundation\Application;

/**
 * The daemon's configuration, made of Laravel's: every connection that meets the daemon at the same socket becomes an
 * application of it.
 */
final class Configuration
{
    /** Sections whose keys the daemon also takes from the environment. */
    private const SECTIONS = ['server', 'ipc', 'admin', 'tls', 'redis', 'cluster', 'limits'];

    /** Lines of .env that look like keys of the daemon and are the package's own. */
    private const OWN = ['FANFARE_SERVER_HOST', 'FANFARE_SERVER_PORT'];

    private const DEFAULT_SOCKET = '/run/fanfare/fanfare.sock';

    public function __construct(
        private readonly Application $app,
        private readonly Repository $config,
    ) {
    }

    /**
     * The socket at which a connection meets its daemon.
     */
    public static function socketOf(Connection $connection): string
    {
        $socket = $connection->socket ?? Value::text(ini_get('fanfare.socket')) ?? self::DEFAULT_SOCKET;

        return str_starts_with($socket, 'unix://') ? substr($socket, 7) : $socket;
    }

    /**
     * @param  string  $name  the connection whose daemon it is
     *
     * @throws MisconfiguredException
     */
    public function for(string $name, Options $options): Plan
    {
        $served = ServedConnections::all($this->config);
        $connection = $served[$name] ?? throw new MisconfiguredException("there is no connection \"{$name}\" of Fanfare's in config/broadcasting.php");
        $endpoint = Endpoint::fromConfig(ServedConnections::configurations($this->config)[$name] ?? []);
        $socket = self::socketOf($connection);

        if (str_starts_with($socket, '@')) {
            throw new MisconfiguredException("the daemon makes sockets in the file system only: give FANFARE_SOCKET a path instead of \"{$socket}\"");
        }

        $host = $options->host ?? Value::text($this->config->get('fanfare.server.host')) ?? '127.0.0.1';
        $port = $options->port ?? Value::text($this->config->get('fanfare.server.port')) ?? (string) $endpoint->daemonPort();

        if (preg_match('/^\d{1,5}$/', $port) !== 1 || (int) $port < 1 || (int) $port > 65535) {
            throw new MisconfiguredException("the port \"{$port}\" must be a number from 1 to 65535 (--port, or FANFARE_SERVER_PORT in .env)");
        }

        $sections = [
            'server' => [
                'listen' => (str_contains($host, ':') && ! str_starts_with($host, '[') ? "[{$host}]" : $host).':'.$port,
                'workers' => Value::text($this->config->get('fanfare.server.workers')) ?? 'auto',
            ],
            'ipc' => ['socket' => $socket],
            'admin' => ['listen' => ''],
        ];

        $own = $this->config->get('fanfare.server.config');
        $lines = $this->lines();

        foreach ([is_array($own) ? $own : [], $lines] as $layer) {
            foreach ($layer as $section => $keys) {
                if (is_array($keys) && in_array($section, self::SECTIONS, true)) {
                    $sections[$section] = array_replace($sections[$section] ?? [], $keys);
                }
            }
        }

        // What stands in the command line counts most, and where PHP looks for the daemon is not for it to choose.
        $sections['ipc']['socket'] = $socket;
        if ($options->host !== null || $options->port !== null) {
            $sections['server']['listen'] = (str_contains($host, ':') && ! str_starts_with($host, '[') ? "[{$host}]" : $host).':'.$port;
        }
        if ($options->workers !== null) {
            $sections['server']['workers'] = $options->workers;
        }
        if ($options->debug) {
            $sections['server']['log_messages'] = true;
        }

        [$apps, $elsewhere] = $this->apps($served, $socket, is_array($own) ? $own : []);

        return new Plan(
            $name, $socket, Value::text($sections['server']['listen'] ?? null) ?? '', array_map(strval(...), array_keys($apps)), $elsewhere,
            self::text($sections + array_combine(array_map(static fn (int|string $id): string => "app \"{$id}\"", array_keys($apps)), $apps), $options)
        );
    }

    /**
     * The file that fanfare:start writes for a connection.
     */
    public function file(string $name): string
    {
        $suffix = $name === 'fanfare' ? '' : '-'.preg_replace('/[^A-Za-z0-9._-]/', '_', $name);

        return $this->app->storagePath("framework/fanfared{$suffix}.conf");
    }

    /**
     * The environment for the daemon: what this process was given, without what Laravel has added to it from .env. What of
     * that is meant for the daemon is in its file.
     *
     * @return array<string, string>
     */
    public function environment(Options $options): array
    {
        $environment = array_diff_key(getenv(), $this->dotenv());
        unset($environment['FANFARE_SOCKET'], $environment['FANFARE_IPC_SOCKET']);

        if ($options->host !== null || $options->port !== null) {
            unset($environment['FANFARE_SERVER_LISTEN']);
        }
        if ($options->workers !== null) {
            unset($environment['FANFARE_SERVER_WORKERS']);
        }

        return $environment;
    }

    /**
     * @param  array<array-key, Connection>  $served
     * @param  array<array-key, mixed>  $own
     * @return array{array<array-key, array<array-key, mixed>>, list<string>} by id, and the connections of other daemons
     *
     * @throws MisconfiguredException
     */
    private function apps(array $served, string $socket, array $own): array
    {
        $apps = [];
        $elsewhere = [];
        $common = is_array($own['app'] ?? null) ? $own['app'] : [];

        foreach ($served as $name => $connection) {
            if (self::socketOf($connection) !== $socket) {
                $elsewhere[] = (string) $name;

                continue;
            }

            try {
                [$key, $secret] = $connection->signingCredentials();
            } catch (MisconfiguredException $e) {
                throw new MisconfiguredException("connection \"{$name}\": {$e->reason}");
            }
            $id = $connection->appId ?? throw new MisconfiguredException("connection \"{$name}\": ".implode('; ', $connection->publishingFaults()));
            $special = $own["app \"{$id}\""] ?? null;

            // Whoever has this file runs this daemon, so its applications may give it orders.
            $app = array_replace(
                ['key' => $key, 'secret' => $secret, 'control' => true], $common, is_array($special) ? $special : []
            );

            if (isset($apps[$id]) && $apps[$id] !== $app) {
                throw new MisconfiguredException("two connections have the application id \"{$id}\" and different credentials, \"{$name}\" is one of them");
            }
            $apps[$id] = $app;
        }

        return [$apps, $elsewhere];
    }

    /**
     * Lines FANFARE_<SECTION>_<KEY> of .env, by section and key. Read from the file, so that it is no difference whether
     * the configuration is cached.
     *
     * @return array<string, array<string, string>>
     */
    private function lines(): array
    {
        $sections = [];

        foreach ($this->dotenv() as $name => $value) {
            if ($value !== null && ! in_array($name, self::OWN, true)
                && preg_match('/^FANFARE_('.strtoupper(implode('|', self::SECTIONS)).')_([A-Z_]+)$/', $name, $match) === 1) {
                $sections[strtolower($match[1])][strtolower($match[2])] = $value;
            }
        }

        return $sections;
    }

    /**
     * @return array<string, ?string>
     */
    private function dotenv(): array
    {
        $text = @file_get_contents($this->app->environmentPath().'/'.$this->app->environmentFile());

        try {
            return $text === false ? [] : Dotenv::parse($text);
        } catch (InvalidFileException) {
            return [];
        }
    }

    /**
     * @param  array<string, array<array-key, mixed>>  $sections
     *
     * @throws MisconfiguredException
     */
    private static function text(#[\SensitiveParameter] array $sections, Options $options): string
    {
        $text = "# Written by \"php artisan fanfare:start\" from Laravel's configuration, and written anew by fanfare:restart and\n"
            ."# fanfare:reload. Change config/fanfare.php or .env instead. Holds secrets: keep it to its owner.\n"
            .Options::MARK.$options->encode()."\n";

        foreach ($sections as $section => $keys) {
            $text .= "\n[{$section}]\n";

            foreach ($keys as $key => $value) {
                foreach (is_array($value) ? $value : [$value] as $one) {
                    $one = is_bool($one) ? ($one ? 'yes' : 'no') : (is_scalar($one) || $one === null ? (string) $one : "\n");

                    // A line break would start a line of its own: another key, or another section.
                    if (preg_match('/[\x00-\x1f\x7f]/', $one) === 1 || preg_match('/^[a-z_]+$/', (string) $key) !== 1) {
                        throw new MisconfiguredException("\"{$key}\" of [{$section}] cannot be written into the daemon's configuration: it must be one line of text");
                    }
                    $text .= rtrim("{$key} = {$one}")."\n";
                }
            }
        }

        return $text;
    }
}
