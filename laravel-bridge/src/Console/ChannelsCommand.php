<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Value;
use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:channels')]
final class ChannelsCommand extends FanfareCommand
{
    use Watches;

    /** @var string */
    protected $signature = 'fanfare:channels
        {prefix? : Only channels whose names begin with this}
        {--connection= : The connection of config/broadcasting.php that is asked}
        {--limit=50 : How many of them to show, the busiest first; 0 is all}
        {--watch=off : Show them again and again, every so many seconds}
        {--json : Answer as JSON, with all of them}';

    /** @var string */
    protected $description = 'List the channels that somebody is subscribed to';

    /** @var string */
    protected $help = <<<'TXT'
          php artisan fanfare:channels
          php artisan fanfare:channels presence- --watch
          php artisan fanfare:channels --json | jq '.channels[] | select(.subscriptions > 100)'

        Where several daemons are one service, the answer is that of all of them.

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
        $channels = array_values($gateway->channels(Value::text($this->argument('prefix')) ?? ''));
        $partial = $gateway->answerWasPartial();

        usort($channels, static fn (Channel $a, Channel $b): int => [$b->subscriptions, $a->name] <=> [$a->subscriptions, $b->name]);

        if ($this->wantsJson()) {
            $this->json(['app_id' => $connection->appId, 'partial' => $partial, 'channels' => array_map(static fn (Channel $channel): array => [
                'name' => $channel->name, 'subscriptions' => $channel->subscriptions, 'members' => $channel->members,
            ], $channels)]);

            return self::SUCCESS;
        }

        $total = count($channels);
        $shown = $limit === 0 ? $channels : array_slice($channels, 0, $limit);

        if ($total === 0) {
            $this->components->info(sprintf('Nobody is subscribed to a channel of application "%s".', self::plain((string) $connection->appId)));
        } else {
            $this->table(['Channel', 'Subscriptions', 'Members'], array_map(static fn (Channel $channel): array => [
                self::plain($channel->name), number_format($channel->subscriptions), $channel->members === null ? '' : number_format($channel->members),
            ], $shown));
            $this->line(sprintf('  %s', $total > count($shown)
                ? sprintf('%s of %s channels; --limit=0 shows all', number_format(count($shown)), number_format($total))
                : number_format($total).($total === 1 ? ' channel' : ' channels')));
        }

        if ($partial) {
            $this->components->warn('Not all daemons of the cluster have answered: there may be more.');
        }

        return self::SUCCESS;
    }
}
