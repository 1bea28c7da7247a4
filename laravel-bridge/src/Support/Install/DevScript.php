<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Install;

/**
 * "composer run dev" of Laravel's skeleton, a call of npm's concurrently: puts the daemon among what it runs. Where Laravel
 * has a list of development commands instead, the package is on that and nothing is to be edited.
 */
final class DevScript
{
    private const COMMAND = 'php artisan fanfare:start';

    private const COLOR = '#86efac';

    /**
     * The file with the daemon in it; null where it is there already, or where the script is none that we know.
     */
    public static function with(string $composer): ?string
    {
        $json = json_decode($composer, true);
        $script = is_array($json) && is_array($json['scripts'] ?? null) ? $json['scripts']['dev'] ?? null : null;

        foreach (is_array($script) ? $script : [$script] as $line) {
            if (! is_string($line) || ! str_contains($line, 'concurrently') || str_contains($line, self::COMMAND)
                || preg_match('/--names=(\S+)/', $line, $names) !== 1 || preg_match('/-c "([^"]*)"/', $line, $colors) !== 1
                || preg_match_all('/ "((?:php|npm|npx|pnpm|yarn|bun)[^"]*)"/', $line, $commands) < 1) {
                continue;
            }
            // Behind the last command, as the names and colors are counted in the same order.
            $last = ' "'.$commands[1][count($commands[1]) - 1].'"';
            $at = strrpos($line, $last);
            $new = $at === false ? $line : substr_replace($line, $last.' "'.self::COMMAND.'"', $at, strlen($last));
            $new = str_replace(['--names='.$names[1], '-c "'.$colors[1].'"'], ['--names='.$names[1].',fanfare', '-c "'.$colors[1].','.self::COLOR.'"'], $new);
            $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;
            $old = (string) json_encode($line, $flags);

            // Only this one text changes, so the file keeps the form its owner gave it.
            if (substr_count($composer, $old) === 1) {
                return str_replace($old, (string) json_encode($new, $flags), $composer);
            }
        }

        return null;
    }
}
