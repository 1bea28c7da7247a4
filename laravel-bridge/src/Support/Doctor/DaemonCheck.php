<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Server\Stats;
use Fanfare\Laravel\Support\Advice;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;

/**
 * Speaks with the daemon: credentials, clock, version, and what it may use of the machine.
 */
final class DaemonCheck
{
    /** So few descriptors are soon used up: each client takes one. */
    private const DESCRIPTORS = 10_000;

    /** Seconds by which clocks may differ before somebody should know. */
    private const SKEW = 30;

    /** What the daemon asks the kernel for. */
    private const BACKLOG = 1_024;

    public function __construct(private readonly Gateways $gateways)
    {
    }

    /**
     * @return list<Finding>
     */
    public function check(Connection $connection): array
    {
        try {
            $gateway = $this->gateways->for($connection);
            $stats = $gateway->stats();
            $seconds = $gateway->ping();
        } catch (MisconfiguredException $e) {
            return [Finding::failure('Daemon', $e->reason)];
        } catch (PublishException $e) {
            // That a hello was refused for its clock is another fault than a wrong secret.
            return [Finding::failure(str_contains($e->reason, 'clock') ? 'Clock' : 'Daemon', $e->reason, Advice::on($e, $connection))];
        }

        return [
            Finding::ok('Daemon', sprintf('%s, process %d, answers in %.2f ms', $stats->version, $stats->pid, $seconds * 1_000)),
            Finding::ok('Credentials', "application \"{$connection->appId}\", accepted"),
            ...$this->version($stats),
            ...$this->clock($stats),
            ...$this->orders($stats),
            ...$this->limits($stats),
        ];
    }

    /**
     * @return list<Finding>
     */
    private function version(Stats $stats): array
    {
        $findings = [];
        $extension = (string) phpversion('fanfare');

        if ($extension !== '' && $stats->version !== '' && $extension !== $stats->version) {
            $findings[] = Finding::note('Versions', "daemon {$stats->version}, extension {$extension}: they understand each other", 'update the older one when there is occasion');
        }

        if ($stats->draining) {
            $findings[] = Finding::warning('Daemon', 'is letting go of its clients and takes no new ones', 'wait until it is back, or start it');
        }

        return $findings;
    }

    /**
     * @return list<Finding>
     */
    private function clock(Stats $stats): array
    {
        $there = $stats->extra['unix_ms'] ?? null;

        if (! is_int($there)) {
            return [];
        }
        $skew = (int) round($there / 1_000 - microtime(true));

        return abs($skew) <= self::SKEW
            ? [Finding::ok('Clock', 'is the daemon\'s')]
            : [Finding::warning('Clock', sprintf('the daemon\'s is %d seconds %s; from 600 on it refuses this PHP', abs($skew), $skew > 0 ? 'ahead' : 'behind'), 'let both machines keep the time with NTP')];
    }

    /**
     * @return list<Finding>
     */
    private function orders(Stats $stats): array
    {
        $uid = $stats->extra['uid'] ?? null;
        $state = $stats->extra['state'] ?? 'ready';
        $findings = [];

        if (is_int($uid) && function_exists('posix_geteuid') && ! in_array(posix_geteuid(), [0, $uid], true) && ($stats->extra['control'] ?? null) === false) {
            $user = posix_getpwuid($uid)['name'] ?? (string) $uid;
            $findings[] = Finding::note('Orders', "the daemon takes fanfare:restart, fanfare:reload and fanfare:stop from user \"{$user}\" and root only", "sudo -u {$user} php artisan ..., or control = yes for the application in the daemon's configuration");
        }

        if ($state === 'redis' || $state === 'joining') {
            $findings[] = Finding::warning('Cluster', $state === 'redis' ? 'the daemon does not reach Redis: other nodes hear nothing of its events' : 'the daemon is joining the other nodes', $state === 'redis' ? 'see its log, and [redis] url in its configuration' : null);
        }

        if (($stats->extra['log_messages'] ?? false) === true) {
            $findings[] = Finding::note('Log', 'the daemon logs every message (log_messages, fanfare:start --debug)', 'leave that out in production');
        }

        return $findings;
    }

    /**
     * @return list<Finding>
     */
    private function limits(Stats $stats): array
    {
        $findings = [];
        $limits = @file_get_contents("/proc/{$stats->pid}/limits");

        if ($limits !== false && preg_match('/^Max open files\s+(\d+|unlimited)/m', $limits, $match) === 1) {
            $findings[] = is_numeric($match[1]) && (int) $match[1] < self::DESCRIPTORS
                ? Finding::warning('Descriptors', "the daemon may open {$match[1]}, one for each client", 'raise the hard limit: "minfds" of supervisord, LimitNOFILE of systemd, or ulimit -n')
                : Finding::ok('Descriptors', "the daemon may open {$match[1]}, one for each client");
        }
        $backlog = @file_get_contents('/proc/sys/net/core/somaxconn');

        if ($backlog !== false && (int) $backlog < self::BACKLOG) {
            $findings[] = Finding::warning('Backlog', 'the kernel lets '.(int) $backlog.' clients wait to be accepted, too few when all come back at once', 'sysctl -w net.core.somaxconn=4096');
        }

        return $findings;
    }
}
