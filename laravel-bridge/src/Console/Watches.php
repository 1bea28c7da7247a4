<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Closure;

/**
 * For commands with --watch: shows again and again until a signal comes. On a terminal each picture takes the place of the
 * one before; elsewhere, in a file or a pipe, they follow one another.
 *
 * @phpstan-require-extends FanfareCommand
 */
trait Watches
{
    /**
     * @param  Closure(): int  $show
     */
    private function showOrWatch(Closure $show): int
    {
        $watch = $this->option('watch');

        // Given without a number it is null.
        if ($watch === 'off') {
            return $show();
        }

        if ($watch !== null && (! is_numeric($watch) || (float) $watch < 0.1)) {
            return $this->failed('"--watch" must be a number of seconds, at least 0.1', null, self::INVALID);
        }
        $pause = (int) ((float) ($watch ?? 1) * 1_000_000);
        $stop = false;

        // Without pcntl a signal ends the process as it is, which harms nothing here.
        if (function_exists('pcntl_signal')) {
            pcntl_async_signals(true);
            foreach ([SIGINT, SIGTERM, SIGHUP] as $signal) {
                pcntl_signal($signal, static function () use (&$stop): void {
                    $stop = true;
                });
            }
        }

        do {
            if ($this->output->isDecorated() && ! $this->wantsJson()) {
                // Home and clear, in one write with what follows.
                $this->output->write("\e[H\e[2J\e[3J");
            }
            $code = $show();
            // A pipe whose reader has gone: PHP does not end by itself.
            if ($code === self::INVALID || (defined('STDOUT') && ! is_resource(STDOUT))) {
                break;
            }
            for ($left = $pause; $left > 0 && ! $stop; $left -= 100_000) {
                usleep(min($left, 100_000));
            }
        } while (! $stop);

        return $stop ? self::SUCCESS : $code;
    }
}
