<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Broadcasting\SocketId;
use Fanfare\Laravel\Support\Value;
use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:terminate')]
final class TerminateCommand extends FanfareCommand
{
    /** @var string */
    protected $signature = 'fanfare:terminate
        {user? : The id of the user whose connections are ended}
        {--socket= : End the one connection with this socket id instead}
        {--connection= : The connection of config/broadcasting.php that is meant}
        {--json : Answer as JSON}';

    /** @var string */
    protected $description = 'End the connections of a user, or one connection';

    /** @var string */
    protected $help = <<<'TXT'
        A user is who has signed in, or is on a presence channel as this user. Clients do not come back by themselves (code 4009).

          php artisan fanfare:terminate 7
          php artisan fanfare:terminate --socket=1234.5678

        Exit codes: 0 (also for a user without connections), 1 no connection has this socket id, or the daemon does not answer, 2 misconfigured.
        TXT;

    public function handle(): int
    {
        $user = Value::text($this->argument('user'));
        $socket = Value::text($this->option('socket'));

        if (($user === null) === ($socket === null)) {
            return $this->failed('say either a user or a connection', 'php artisan fanfare:terminate 7, or php artisan fanfare:terminate --socket=1234.5678', self::INVALID);
        }

        if ($socket !== null && SocketId::valid($socket) === null) {
            return $this->failed("\"{$socket}\" is no socket id, which looks like 1234.5678", 'php artisan fanfare:connections lists them', self::INVALID);
        }

        return $this->guarded(function () use ($user, $socket): int {
            $connection = $this->connection();
            $gateway = $this->gateway($connection);

            return $this->guarded(function () use ($gateway, $user, $socket): int {
                $ended = $user !== null ? $gateway->terminateUser($user) : (int) $gateway->terminateConnection((string) $socket);

                if ($this->wantsJson()) {
                    $this->json(['ended' => $ended]);
                } elseif ($ended > 0) {
                    $this->components->info(sprintf('Ended %d %s%s.', $ended, $ended === 1 ? 'connection' : 'connections',
                        $user === null ? '' : ' of user '.self::plain($user)));
                } else {
                    $this->components->warn($user !== null
                        ? sprintf('User %s has no connection.', self::plain($user))
                        : sprintf('No connection has the socket id %s.', self::plain((string) $socket)));
                }

                return $ended === 0 && $socket !== null ? self::FAILURE : self::SUCCESS;
            }, $connection);
        });
    }
}
