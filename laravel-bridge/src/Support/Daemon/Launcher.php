<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Daemon;

/**
 * Runs the daemon in the place of this process, or below it where PHP cannot do that.
 */
final class Launcher
{
    /** Signals upon which the daemon drains and ends. */
    private const STOPS = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

    /**
     * The shell ends the daemon when its standard input is closed: it is so when PHP is gone, whatever ended it. Two
     * descriptors are kept aside, as a background command of a shell would read from /dev/null.
     */
    private const KEEPER = <<<'SH'
        exec 3<&0 </dev/null
        "$@" 3<&- &
        daemon=$!
        ( cat <&3 >/dev/null; kill -TERM "$daemon" 2>/dev/null ) &
        keeper=$!
        exec 3<&-
        while :; do
            wait "$daemon"
            status=$?
            kill -0 "$daemon" 2>/dev/null || break
        done
        kill "$keeper" 2>/dev/null
        exit "$status"
        SH;

    public static function canReplaceItself(): bool
    {
        return function_exists('pcntl_exec');
    }

    /**
     * Does not return where this process becomes the daemon, and the daemon's exit code otherwise.
     *
     * @param  non-empty-list<string>  $command
     * @param  array<string, string>  $environment
     */
    public static function run(array $command, array $environment): int
    {
        if (self::canReplaceItself()) {
            // What PHP was told about signals, to ignore some, say, would stay with the new program.
            if (function_exists('pcntl_signal') && function_exists('pcntl_sigprocmask')) {
                foreach ([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD, SIGPIPE] as $signal) {
                    pcntl_signal($signal, SIG_DFL);
                }
                pcntl_sigprocmask(SIG_SETMASK, []);
            }
            pcntl_exec($command[0], array_slice($command, 1), $environment);

            // It has returned, so it has failed, with a warning that says why.
            return 126;
        }

        return self::beside($command, $environment);
    }

    /**
     * @param  non-empty-list<string>  $command
     * @param  array<string, string>  $environment
     */
    private static function beside(array $command, array $environment): int
    {
        $process = proc_open(
            ['/bin/sh', '-c', self::KEEPER, ...['fanfare:start'], ...$command],
            [0 => ['pipe', 'r'], 1 => STDOUT, 2 => STDERR], $pipes, null, $environment
        );

        if ($process === false) {
            return 126;
        }
        $told = false;

        if (function_exists('pcntl_signal')) {
            pcntl_async_signals(true);
            foreach (self::STOPS as $name) {
                $signal = (int) constant($name);
                pcntl_signal($signal, static function (int $signal) use (&$told, $pipes): void {
                    // The daemon drains on the first one.
                    $told = true;
                    if (is_resource($pipes[0])) {
                        fclose($pipes[0]);
                    }
                });
            }
        }

        while (($status = proc_get_status($process))['running']) {
            usleep($told ? 20_000 : 100_000);
        }
        if (is_resource($pipes[0])) {
            fclose($pipes[0]);
        }
        proc_close($process);

        return $status['exitcode'];
    }
}
