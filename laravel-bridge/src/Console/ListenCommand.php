<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Broadcasting\FanfareBroadcaster;
use Fanfare\Laravel\Contracts\Listener;
use Fanfare\Laravel\Events\DaemonEvent;
use Fanfare\Laravel\Events\FromDaemon;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Exceptions\PublishException;
use Fanfare\Laravel\Support\Answers;
use Fanfare\Laravel\Support\EventTypes;
use Fanfare\Laravel\Support\FailureLog;
use Fanfare\Laravel\Support\Gateways;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Console\Command;
use Illuminate\Container\Container;
use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Contracts\Config\Repository as Config;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Database\DetectsLostConnections;
use Illuminate\Log\LogManager;
use Illuminate\Support\Carbon;
use Illuminate\Support\Facades\Facade;
use Illuminate\Support\InteractsWithTime;
use InvalidArgumentException;
use Symfony\Component\Console\Attribute\AsCommand;
use Symfony\Component\Console\Formatter\OutputFormatter;
use Symfony\Component\Console\Terminal;
use Throwable;

/**
 * A worker like queue:work whose jobs are the daemon's events: one at a time, acknowledged when all listeners have
 * returned, given back when one of them throws. Ends with 0 when it was told to or is through, 12 over its memory, 1 when the
 * daemon refuses it, 2 when something is missing or wrong on this side.
 */
#[AsCommand(name: 'fanfare:listen')]
final class ListenCommand extends Command
{
    use DetectsLostConnections;
    use InteractsWithTime;

    /** Seconds for which it waits for an event before it looks at everything else. */
    private const PATIENCE = 1.0;

    /** Seconds between two lines that say the same about a daemon that is away. */
    private const SILENCE = 60;

    /** As queue:work has it. */
    private const MEMORY_EXCEEDED = 12;

    /**
     * How many attempts may have ended before they began: an event that was on its way to a worker which ended counts as one.
     */
    private const UNBEGUN = 2;

    /** @var string */
    protected $signature = 'fanfare:listen
                            {--connection= : The broadcasting connection to listen to}
                            {--types= : The types of events, separated by commas (default: those that the application has listeners for)}
                            {--group=laravel : The workers that share the events; nothing is a worker of its own}
                            {--snapshot : Begin with what is there now}
                            {--max-events=0 : The number of events to handle before stopping}
                            {--max-time=0 : The maximum number of seconds the worker should run}
                            {--memory=128 : The memory limit in megabytes}
                            {--timeout=60 : The number of seconds an event may take}
                            {--tries=3 : The number of times to attempt an event before it is dropped}
                            {--backoff=1 : The number of seconds to wait before an event that failed is given back}
                            {--force : Force the worker to run even in maintenance mode}';

    /** @var string */
    protected $description = 'Dispatch what happens in the daemon as Laravel events';

    private bool $quit = false;

    private bool $lostConnection = false;

    private float $startedAt = 0.0;

    /** What was said last about the daemon, and when. */
    private string $said = '';

    private int $saidAt = 0;

    private mixed $restartSeen = null;

    private ?int $restartSeenAt = null;

    public function handle(BroadcastManager $broadcasting, Dispatcher $events): int
    {
        try {
            $options = $this->numbers();
            $name = $this->connectionName($broadcasting);
            $types = $this->types($events);
            $group = $this->text('group');
        } catch (InvalidArgumentException $e) {
            $this->components->error($e->getMessage());

            return self::INVALID;
        }

        $this->quit = $this->lostConnection = false;
        $this->restartSeenAt = null;
        $restart = $this->lastRestart();
        $start = hrtime(true);
        $handlers = $this->catchSignals();

        try {
            return $this->work($broadcasting, $name, $types, $group, $options, $restart, $start);
        } catch (PublishException $e) {
            $this->components->error($e->getMessage());

            return $e->getPrevious() instanceof MisconfiguredException ? self::INVALID : self::FAILURE;
        } finally {
            foreach ($handlers as $signal => $handler) {
                pcntl_signal($signal, $handler);
            }
        }
    }

    /**
     * Not by the command's trap(), which does nothing in an environment that is called "testing".
     *
     * @return array<int, callable|int> what was there before
     */
    private function catchSignals(): array
    {
        if (! extension_loaded('pcntl')) {
            return [];
        }

        pcntl_async_signals(true);
        $before = [];

        foreach ([SIGTERM, SIGINT, SIGQUIT] as $signal) {
            $before[$signal] = pcntl_signal_get_handler($signal);
            pcntl_signal($signal, function (): void {
                $this->quit = true;
            });
        }

        return $before;
    }

    /**
     * @param  list<string>  $types
     * @param  array<string, int>  $options
     *
     * @throws PublishException
     */
    private function work(BroadcastManager $broadcasting, string $name, array $types, ?string $group, array $options, mixed $restart, int $start): int
    {
        $listener = null;
        $handled = 0;

        try {
            while (($status = $this->status($options, $restart, $start, $handled)) === null) {
                if ($this->laravel->isDownForMaintenance() && ! $this->option('force')) {
                    $this->rest(1.0);

                    continue;
                }

                try {
                    $listener ??= $this->listen($broadcasting, $name, $types, $group, $options['timeout']);
                    $event = $listener->receive(self::PATIENCE);

                } catch (PublishException $e) {
                    if (! $e->retryable) {
                        throw $e;
                    }

                    $this->daemonIsAway($e);

                    continue;
                }

                if ($event !== null) {
                    $this->attempt($listener, $event, $options);
                    $handled++;
                    $this->announceSnapshot($listener);
                }
            }
        } finally {
            // What is not settled goes to another worker at once.
            $listener?->close();
        }

        return $status;
    }

    /**
     * The exit status when it is time to end, else null.
     *
     * @param  array<string, int>  $options
     */
    private function status(array $options, mixed $restart, int $start, int $handled): ?int
    {
        return match (true) {
            $this->lostConnection, $this->quit => self::SUCCESS,
            memory_get_usage(true) / 1024 / 1024 >= $options['memory'] => self::MEMORY_EXCEEDED,
            $this->lastRestart() !== $restart => self::SUCCESS,
            $options['max-time'] > 0 && (hrtime(true) - $start) / 1e9 >= $options['max-time'] => self::SUCCESS,
            $options['max-events'] > 0 && $handled >= $options['max-events'] => self::SUCCESS,
            default => null,
        };
    }

    /**
     * @param  list<string>  $types
     *
     * @throws PublishException
     */
    private function listen(BroadcastManager $broadcasting, string $name, array $types, ?string $group, int $timeout): Listener
    {
        $driver = $broadcasting->connection($name);

        if (! $driver instanceof FanfareBroadcaster) {
            throw new PublishException("the broadcasting connection [{$name}] is not of the driver \"fanfare\"", false);
        }

        // One event at a time: what this worker does not work on, another one can. The daemon gives it to another one only
        // when this one should have been ended by its own clock.
        $listener = $driver->listen($types, $group, (bool) $this->option('snapshot'), 1, $timeout > 0 ? min(3600.0, $timeout + 5.0) : 3600.0);

        if (! $this->output->isQuiet()) {
            $this->components->info(sprintf('Listening to [%s] on the connection [%s]%s.',
                $types === [] ? 'everything' : implode(', ', $types), $name, $group === null ? '' : " in the group [{$group}]"));
        }

        $this->announceSnapshot($listener);

        return $listener;
    }

    /**
     * @param  array<string, int>  $options
     */
    private function attempt(Listener $listener, DaemonEvent $event, array $options): void
    {
        $this->forgetWhatIsPast();
        $this->said = '';

        // It ended its process each time, or its listeners took too long for the daemon.
        if ($options['tries'] > 0 && $event->attempt > $options['tries'] + self::UNBEGUN) {
            $this->show($event, 'failed');
            $this->drop($listener, $event, null);

            return;
        }

        $this->show($event, 'starting');
        $this->setAlarm($listener, $event, $options);

        try {
            $this->laravel->make(Dispatcher::class)->dispatch($event);
            $this->clearAlarm();
        } catch (Throwable $e) {
            $this->clearAlarm();
            $this->failed($listener, $event, $e, $options);

            return;
        } finally {
            Answers::collect($this->laravel->make(Gateways::class));
        }

        $listener->ack($event);
        $this->show($event, 'success');
    }

    /**
     * @param  array<string, int>  $options
     */
    private function failed(Listener $listener, DaemonEvent $event, Throwable $e, array $options): void
    {
        $last = $options['tries'] > 0 && $event->attempt >= $options['tries'];
        $this->show($event, $last ? 'failed' : 'released');
        $this->laravel->make(ExceptionHandler::class)->report($e);

        if ($last) {
            $this->drop($listener, $event, $e);
        } else {
            $this->rest($options['backoff']);
            $listener->release($event);
        }

        // As with queue:work a new process is what makes new connections.
        if ($this->causedByLostConnection($e)) {
            $this->lostConnection = true;
        }
    }

    private function drop(Listener $listener, DaemonEvent $event, ?Throwable $e): void
    {
        $listener->ack($event);

        FailureLog::error(sprintf('Fanfare: the event %s %s was dropped after %d attempts%s', class_basename($event), $event->id,
            $e === null ? $event->attempt - 1 : $event->attempt, $e === null ? ', which did not come back' : ': '.$e->getMessage()),
            self::described($event) + ($e === null ? [] : ['exception' => $e]));
    }

    /**
     * For the log, without what a browser has sent.
     *
     * @return array<string, mixed>
     */
    private static function described(DaemonEvent $event): array
    {
        return ['event' => $event::class, 'id' => $event->id, 'connection' => $event->connection, 'attempt' => $event->attempt];
    }

    /**
     * A listener that hangs takes its process along, as a job does in queue:work.
     *
     * @param  array<string, int>  $options
     */
    private function setAlarm(Listener $listener, DaemonEvent $event, array $options): void
    {
        if ($options['timeout'] <= 0 || ! extension_loaded('pcntl')) {
            return;
        }

        pcntl_async_signals(true);
        pcntl_signal(SIGALRM, function () use ($listener, $event, $options): void {
            $this->show($event, 'failed');

            if ($options['tries'] > 0 && $event->attempt >= $options['tries']) {
                $this->drop($listener, $event, null);
            } else {
                FailureLog::error(sprintf('Fanfare: the listeners of %s %s took longer than %d seconds', class_basename($event),
                    $event->id, $options['timeout']), self::described($event));
            }

            // With the connection the event goes back, as another attempt.
            if (extension_loaded('posix')) {
                posix_kill((int) getmypid(), SIGKILL);
            }

            exit(self::FAILURE);
        }, true);
        pcntl_alarm($options['timeout']);
    }

    private function clearAlarm(): void
    {
        if (extension_loaded('pcntl')) {
            pcntl_alarm(0);
        }
    }

    /**
     * As before each job of queue:work.
     */
    private function forgetWhatIsPast(): void
    {
        $log = $this->laravel->get('log');

        if ($log instanceof LogManager) {
            $log->flushSharedContext();
            $log->withoutContext();
        }

        if ($this->laravel instanceof Container) {
            $this->laravel->forgetScopedInstances();
        }

        Facade::clearResolvedInstances();
    }

    private function announceSnapshot(Listener $listener): void
    {
        $snapshot = $listener->takeSnapshot();

        if ($snapshot === null) {
            return;
        }

        try {
            $this->laravel->make(Dispatcher::class)->dispatch($snapshot);
        } catch (Throwable $e) {
            $this->laravel->make(ExceptionHandler::class)->report($e);
        } finally {
            Answers::collect($this->laravel->make(Gateways::class));
        }
    }

    private function daemonIsAway(PublishException $e): void
    {
        $now = Carbon::now()->getTimestamp();

        if ($e->getMessage() !== $this->said || $now - $this->saidAt >= self::SILENCE) {
            [$this->said, $this->saidAt] = [$e->getMessage(), $now];
            $this->components->warn($e->getMessage().'; trying again');
        }

        $this->rest(1.0);
    }

    /**
     * A signal ends it early.
     */
    private function rest(float $seconds): void
    {
        $end = hrtime(true) + (int) ($seconds * 1e9);

        while (! $this->quit && ($left = $end - hrtime(true)) > 0) {
            usleep((int) min(200_000, $left / 1_000));
        }
    }

    private function lastRestart(): mixed
    {
        // Not for every event: the store may be far away.
        if ($this->restartSeenAt === null || hrtime(true) - $this->restartSeenAt > 1e9) {
            $this->restartSeen = $this->laravel->make(Cache::class)->get('illuminate:queue:restart');
            $this->restartSeenAt = hrtime(true);
        }

        return $this->restartSeen;
    }

    /**
     * @return array<string, int>
     *
     * @throws InvalidArgumentException
     */
    private function numbers(): array
    {
        $numbers = [];

        foreach (['max-events', 'max-time', 'memory', 'timeout', 'tries', 'backoff'] as $option) {
            $value = $this->option($option);

            if (! is_string($value) || preg_match('/\A\d{1,9}\z/', $value) !== 1) {
                throw new InvalidArgumentException("The option --{$option} takes a whole number.");
            }

            $numbers[$option] = (int) $value;
        }

        return $numbers;
    }

    /**
     * As the facade finds it: the default connection if it is Fanfare's, else "fanfare".
     *
     * @throws InvalidArgumentException
     */
    private function connectionName(BroadcastManager $broadcasting): string
    {
        $name = $this->text('connection');

        if ($name === null) {
            $default = $broadcasting->getDefaultDriver();

            return $broadcasting->connection() instanceof FanfareBroadcaster ? $default : 'fanfare';
        }

        $connections = $this->laravel->make(Config::class)->get('broadcasting.connections');

        if (! is_array($connections) || ! isset($connections[$name])) {
            throw new InvalidArgumentException("There is no broadcasting connection [{$name}] in config/broadcasting.php.");
        }

        return $name;
    }

    /**
     * @return list<string> none is all
     *
     * @throws InvalidArgumentException
     */
    private function types(Dispatcher $events): array
    {
        $wanted = $this->text('types');

        if ($wanted === null) {
            if ($events->hasListeners(FromDaemon::class)) {
                return [];
            }

            $types = array_keys(array_filter(EventTypes::CLASSES, static fn (string $class): bool => $events->hasListeners($class)));

            if ($types === []) {
                throw new InvalidArgumentException(
                    'The application has no listener for any event of Fanfare\Laravel\Events: write one, or name what to listen to with --types.'
                );
            }

            return count($types) === count(EventTypes::CLASSES) ? [] : $types;
        }

        $types = array_values(array_unique(array_filter(array_map(trim(...), explode(',', $wanted)))));
        $unknown = array_diff($types, array_keys(EventTypes::CLASSES));

        if ($unknown !== []) {
            throw new InvalidArgumentException(sprintf('There is no type [%s]. There are: %s.',
                implode(', ', $unknown), implode(', ', array_keys(EventTypes::CLASSES))));
        }

        return $types;
    }

    private function text(string $option): ?string
    {
        $value = $this->option($option);

        return is_string($value) && $value !== '' ? $value : null;
    }

    /**
     * A line as queue:work writes it for a job.
     */
    private function show(DaemonEvent $event, string $status): void
    {
        if ($this->output->isQuiet()) {
            return;
        }

        $subject = class_basename($event);
        $of = get_object_vars($event);
        $about = is_string($of['channel'] ?? null) ? $of['channel'] : ($of['userId'] ?? $of['socketId'] ?? null);
        $about = is_string($about) ? ' '.$about : '';
        $more = $this->output->isVerbose() ? " {$event->id} {$event->connection} {$event->attempt}" : '';
        $time = '';

        if ($status === 'starting') {
            $this->startedAt = microtime(true);
        } elseif ($this->startedAt > 0) {
            $time = ' '.$this->runTimeForHumans($this->startedAt);
        }

        $end = match ($status) {
            'starting' => '<fg=yellow;options=bold>RUNNING</>',
            'success' => '<fg=green;options=bold>DONE</>',
            'released' => '<fg=yellow;options=bold>FAIL</>',
            default => '<fg=red;options=bold>FAIL</>',
        };
        $words = $subject.$about.$more;
        $width = min((new Terminal)->getWidth(), 150);
        $dots = max($width - mb_strlen($words.$time) - ($status === 'starting' ? 33 : 30), 0);

        $this->output->writeln(sprintf('  <fg=gray>%s</> %s<fg=gray>%s %s%s</> %s', $this->now()->format('Y-m-d H:i:s'),
            self::plain($subject.$about), self::plain($more), str_repeat('.', $dots), $time, $end));
    }

    /**
     * What a browser has chosen is no markup, and moves no cursor.
     */
    private static function plain(string $text): string
    {
        return OutputFormatter::escape((string) preg_replace('/\p{C}/u', '?', $text));
    }

    private function now(): Carbon
    {
        $config = $this->laravel->make(Config::class);
        $zone = $config->get('queue.output_timezone');

        return is_string($zone) && $zone !== $config->get('app.timezone') ? Carbon::now()->setTimezone($zone) : Carbon::now();
    }
}
