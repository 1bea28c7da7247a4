<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Install;

/**
 * A file as it shall be.
 */
final class Change
{
    /**
     * @param  string  $file  absolute path
     * @param  string  $what  one line for the user
     */
    public function __construct(
        public readonly string $file,
        #[\SensitiveParameter] public readonly string $text,
        public readonly string $what,
    ) {
    }

    /**
     * Whoever reads the file meanwhile sees the old one or the new one; a link stays a link, and the permissions stay.
     *
     * @return string what is wrong, or nothing
     */
    public function write(): string
    {
        $file = realpath($this->file) ?: $this->file;
        $exists = is_file($file);
        $folder = dirname($file);

        if (! is_dir($folder) && ! @mkdir($folder, 0755, true) && ! is_dir($folder)) {
            return "the folder {$folder} cannot be made";
        }

        if ($exists && ! is_writable($file)) {
            return "{$file} cannot be written by this user";
        }
        $new = $file.'.'.bin2hex(random_bytes(4));
        $mask = $exists ? umask(0077) : null;
        $written = @file_put_contents($new, $this->text) === strlen($this->text);
        if ($mask !== null) {
            umask($mask);
        }
        $why = error_get_last()['message'] ?? 'unknown error';

        if ($written && $exists) {
            $owner = fileowner($file);
            // Root would take the file away from its owner, and somebody else cannot give it back: then it is written in place.
            $same = $owner === fileowner($new) || @chown($new, (int) $owner);
            @chgrp($new, (int) filegroup($file));
            @chmod($new, (int) fileperms($file) & 07777);

            if (! $same) {
                @unlink($new);

                return @file_put_contents($file, $this->text, LOCK_EX) === strlen($this->text) ? '' : "{$file} cannot be written";
            }
        }

        if ($written && @rename($new, $file)) {
            return '';
        }
        @unlink($new);

        return "{$file} cannot be written: {$why}";
    }
}
