<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

/**
 * Whoever has come from Reverb may still start it somewhere: beside the daemon it has no use, and on its port it is in the
 * way.
 */
final class ReverbCheck
{
    private const SYSTEM = ['/etc/supervisor/conf.d/*.conf', '/etc/supervisord.d/*.ini', '/etc/supervisor.d/*.ini', '/etc/systemd/system/*.service'];

    private const PROJECT = ['Procfile', 'Procfile.*', 'composer.json', 'package.json', 'supervisord.conf', 'docker/*/supervisord.conf', 'docker/supervisord.conf',
        'docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml', 'Dockerfile', '.fly/scripts/*', 'nixpacks.toml'];

    private const SIZE_MAX = 1_048_576;

    /**
     * @param  ?list<string>  $system  patterns of files outside of the project
     */
    public function __construct(private readonly ?array $system = null)
    {
    }

    /**
     * @return list<Finding>
     */
    public function check(string $project): array
    {
        $found = [];

        foreach ([...array_map(static fn (string $pattern): string => $project.'/'.$pattern, self::PROJECT), ...$this->system ?? self::SYSTEM] as $pattern) {
            foreach (glob($pattern) ?: [] as $file) {
                if (! is_file($file) || ! is_readable($file) || filesize($file) > self::SIZE_MAX) {
                    continue;
                }

                foreach (explode("\n", (string) file_get_contents($file)) as $number => $line) {
                    // What is commented out starts nothing.
                    if (str_contains($line, 'reverb:start') && preg_match('/^\s*[#;]/', $line) !== 1) {
                        $found[] = (str_starts_with($file, $project.'/') ? substr($file, strlen($project) + 1) : $file).':'.($number + 1);
                    }
                }
            }
        }

        return $found === [] ? [] : [Finding::warning(
            'Reverb', 'is still started by '.implode(', ', $found).': the daemon has taken its place, and only one of them gets the port',
            'put "php artisan fanfare:start" there instead of "php artisan reverb:start"'
        )];
    }
}
