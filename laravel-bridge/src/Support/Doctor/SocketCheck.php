<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

/**
 * The daemon's socket: whether it is there, is one, and may be used by this user.
 */
final class SocketCheck
{
    private const LABEL = 'Socket';

    /**
     * @return list<Finding>
     */
    public function check(string $socket): array
    {
        if (str_starts_with($socket, '@')) {
            return [Finding::note(self::LABEL, "{$socket} is an abstract one, which has no file and no permissions")];
        }
        $folder = dirname($socket);

        // PHP reports a file in a folder that may not be entered as missing.
        if (is_dir($folder) && ! is_executable($folder)) {
            return [Finding::failure(self::LABEL, sprintf('%s may not be entered by user "%s" (%s)', $folder, self::me(), self::rights($folder)), "chmod o+x {$folder}, or add the user to its group")];
        }
        clearstatcache(true, $socket);

        if (! file_exists($socket)) {
            return [Finding::failure(self::LABEL, "{$socket} does not exist", is_dir($folder)
                ? 'start the daemon: php artisan fanfare:start; if one is running, compare FANFARE_SOCKET with the socket of its configuration ([ipc] socket)'
                : "the folder {$folder} does not exist either: packaging/tmpfiles.d makes /run/fanfare at boot; or give FANFARE_SOCKET a path in ".sys_get_temp_dir())];
        }

        if (filetype($socket) !== 'socket') {
            return [Finding::failure(self::LABEL, "{$socket} is a ".filetype($socket).' and no socket', 'give FANFARE_SOCKET the path of [ipc] socket in the daemon\'s configuration')];
        }

        if (! is_writable($socket)) {
            return [Finding::failure(self::LABEL, sprintf('%s may not be used by user "%s" (%s)', $socket, self::me(), self::rights($socket)), $this->admission($socket))];
        }

        return [Finding::ok(self::LABEL, "{$socket} (".self::rights($socket).')'), ...$this->others($socket)];
    }

    private function admission(string $socket): string
    {
        $group = self::group($socket);
        $mode = (int) fileperms($socket);

        // Its group may: then it is enough to be in it.
        return ($mode & 0060) === 0060 && $group !== 'root'
            ? sprintf('sudo usermod -aG %s %s, and log in anew (restart PHP-FPM and workers)', $group, self::me())
            : sprintf('set [ipc] group = %s and mode = 0660 in the daemon\'s configuration, or run both as the same user', self::myGroup());
    }

    /**
     * Root may do everything, so what root sees says nothing of the user that serves the web.
     *
     * @return list<Finding>
     */
    private function others(string $socket): array
    {
        if (! function_exists('posix_geteuid') || posix_geteuid() !== 0 || ((int) fileperms($socket) & 0006) === 0006) {
            return [];
        }

        return [Finding::note(self::LABEL, 'this is root, who may use any socket', 'run this as the user of PHP-FPM as well: sudo -u www-data php artisan fanfare:doctor')];
    }

    private static function rights(string $path): string
    {
        $owner = fileowner($path);
        $name = $owner !== false && function_exists('posix_getpwuid') ? posix_getpwuid($owner)['name'] ?? (string) $owner : (string) $owner;

        return sprintf('owner %s, group %s, mode %04o', $name, self::group($path), (int) fileperms($path) & 07777);
    }

    private static function group(string $path): string
    {
        $group = filegroup($path);

        return $group !== false && function_exists('posix_getgrgid') ? posix_getgrgid($group)['name'] ?? (string) $group : (string) $group;
    }

    private static function me(): string
    {
        return function_exists('posix_geteuid') ? posix_getpwuid(posix_geteuid())['name'] ?? (string) posix_geteuid() : get_current_user();
    }

    private static function myGroup(): string
    {
        return function_exists('posix_getegid') ? posix_getgrgid(posix_getegid())['name'] ?? (string) posix_getegid() : 'www-data';
    }
}
