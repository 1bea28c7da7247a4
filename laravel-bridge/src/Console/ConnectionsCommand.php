<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Carbon\CarbonInterval;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Server\ClientConnection;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Value;
use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:connections')]
final class ConnectionsCommand extends FanfareCommand
{
    use Watches;

    private const PAGE = 1_000;

    /** @var string */
    protected $signature = 'fanfare:connections
        {prefix? : Only connections whose user id, address or socket id begins with this}
        {--connection= : The connection of config/broadcasting.php that is asked}
        {--limit=50 : How many of them to show; 0 is all}
        {--watch=off : Show them again and again, every so many seconds}
        {--json : Answer as JSON}';

    /** @var string */
    protected $description = 'List the clients that are connected to the daemon';

    /** @var string */
    protected $help = <<<'TXT'
          php artisan fanfare:connections
          php artisan fanfare:connections 192.0.2. --watch=5
          php artisan fanfare:connections 7 --json

        A user id is known of clients that have signed in. The clients are those of the daemon beside PHP; those of other daemons
        of a cluster are listed there.

        Exit codes: 0, 1 the daemon does not answer, 2 misconfigured.
        TXT;

    public function handle(): int
    {
        $limit = $this->option('limit');
        if (! is_string($limit) || ! ctype_digit($limit)) {
            return $this->failed('"--limit" must be a number', null, self::INVALID);
        }

        return $this->guarded(function () use ($limit): int {
            $connection = $this->connection();
            $gateway = $this->gateway($connection);

            return $this->showOrWatch(fn (): int => $this->guarded(
                fn (): int => $this->show($gateway, $connection, (int) $limit), $connection
            ));
        });
    }

    private function show(Gateway $gateway, Connection $connection, int $limit): int
    {
        $found = $this->find($gateway, Value::text($this->argument('prefix')) ?? '', $limit === 0 ? PHP_INT_MAX : $limit);
        $more = count($found) > $limit && $limit > 0;
        $found = $more ? array_slice($found, 0, $limit) : $found;
        $total = $gateway->connectionCount();

        if ($this->wantsJson()) {
            $this->json(['app_id' => $connection->appId, 'total' => $total, 'more' => $more, 'connections' => array_map(
                static fn (ClientConnection $client): array => [
                    'socket_id' => $client->socketId, 'user_id' => $client->userId, 'address' => $client->address,
                    'opened_at' => $client->openedAt, 'subscriptions' => $client->subscriptions,
                ], $found
            )]);

            return self::SUCCESS;
        }

        if ($found !== []) {
            $now = microtime(true);
            $this->table(['Socket id', 'User', 'Address', 'Connected for', 'Subscriptions'], array_map(
                static fn (ClientConnection $client): array => [
                    $client->socketId, self::plain($client->userId ?? ''), self::plain($client->address),
                    CarbonInterval::seconds((int) max(0, $now - $client->openedAt))->cascade()->forHumans(['short' => true, 'parts' => 2]),
                    number_format($client->subscriptions),
                ], $found
            ));
            $this->line(sprintf('  %s shown%s, %s open', number_format(count($found)), $more ? ' and there are more (--limit=0 shows all)' : '', number_format($total)));
        } else {
            $this->components->info(sprintf('No connection to show; %s open to application "%s".',
                $total === 1 ? '1 is' : number_format($total).' are', self::plain((string) $connection->appId)));
        }

        return self::SUCCESS;
    }

    /**
     * Pages through them until there is one more than wanted.
     *
     * @return list<ClientConnection>
     */
    private function find(Gateway $gateway, string $prefix, int $limit): array
    {
        $found = [];
        $after = null;

        do {
            // A prefix may leave out most of a page.
            $size = $prefix === '' ? min(self::PAGE, $limit === PHP_INT_MAX ? self::PAGE : $limit + 1) : self::PAGE;
            $page = $gateway->connections($size, $after);

            foreach ($page as $client) {
                if ($prefix === '' || str_starts_with($client->userId ?? '', $prefix) || str_starts_with($client->address, $prefix)
                    || str_starts_with($client->socketId, $prefix)) {
                    $found[] = $client;
                }
                $after = $client->socketId;
            }
        } while (count($page) === $size && count($found) <= $limit);

        return $found;
    }
}
