<?php

declare(strict_types=1);

namespace Fanfare\Laravel;

use Fanfare\Laravel\Broadcasting\DirectBroadcastManager;
use Fanfare\Laravel\Broadcasting\DriverFactory;
use Fanfare\Laravel\Console\ChannelsCommand;
use Fanfare\Laravel\Console\ConnectionsCommand;
use Fanfare\Laravel\Console\DoctorCommand;
use Fanfare\Laravel\Console\InstallCommand;
use Fanfare\Laravel\Console\ListenCommand;
use Fanfare\Laravel\Console\PublishCommand;
use Fanfare\Laravel\Console\ReloadCommand;
use Fanfare\Laravel\Console\RestartCommand;
use Fanfare\Laravel\Console\StartCommand;
use Fanfare\Laravel\Console\StatusCommand;
use Fanfare\Laravel\Console\StopCommand;
use Fanfare\Laravel\Console\TerminateCommand;
use Fanfare\Laravel\Contracts\ClusterInspector;
use Fanfare\Laravel\Contracts\Factory;
use Fanfare\Laravel\Contracts\Inspector;
use Fanfare\Laravel\Contracts\Monitor;
use Fanfare\Laravel\Contracts\Operator;
use Fanfare\Laravel\Contracts\Server;
use Fanfare\Laravel\Contracts\Terminator;
use Fanfare\Laravel\Contracts\UserPublisher;
use Fanfare\Laravel\Health\CheckDaemon;
use Fanfare\Laravel\Pulse\Livewire\Connections as ConnectionsCard;
use Fanfare\Laravel\Pulse\Livewire\Messages as MessagesCard;
use Fanfare\Laravel\Pulse\Recorders\FanfareConnections as ConnectionsRecorder;
use Fanfare\Laravel\Pulse\Recorders\FanfareMessages as MessagesRecorder;
use Fanfare\Laravel\Support\About;
use Fanfare\Laravel\Support\Answers;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Daemon\Executable;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\RunningJobs;
use Fanfare\Laravel\Support\ServedConnections;
use Fanfare\Laravel\Support\TraceContext;
use Fanfare\Laravel\Support\Value;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Console\Events\CommandFinished;
use Illuminate\Container\Container;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Foundation\CachesConfiguration;
use Illuminate\Foundation\Console\AboutCommand;
use Illuminate\Foundation\DevCommands;
use Illuminate\Foundation\Events\DiagnosingHealth;
use Illuminate\Queue\Events\JobAttempted;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Events\JobTimedOut;
use Illuminate\Queue\Queue;
use Illuminate\Support\ServiceProvider;
use Laravel\Pulse\Pulse;
use Livewire\LivewireManager;

/**
 * Registers the driver "fanfare". Nothing here asks the extension, the daemon or the credentials, so artisan and
 * Composer's scripts work without any of them.
 */
final class FanfareServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->mergeConfigFrom(__DIR__.'/../config/fanfare.php', 'fanfare');
        $this->defineConnection();
        $this->publishDirectly();

        // Made here, so that it belongs to the application that a long-running worker clones for each request.
        $gateways = new Gateways;
        $jobs = new RunningJobs;
        $this->app->instance(Gateways::class, $gateways);

        $this->app->singleton(FanfareManager::class);
        foreach ([Factory::class, Server::class, UserPublisher::class, Inspector::class, ClusterInspector::class, Monitor::class, Operator::class, Terminator::class] as $contract) {
            $this->app->alias(FanfareManager::class, $contract);
        }

        $this->callAfterResolving(BroadcastManager::class, static function (BroadcastManager $manager) use ($gateways, $jobs): void {
            $manager->extend('fanfare', (new DriverFactory($gateways, $jobs))->make(...));
        });

        $this->replaceReverb($gateways, $jobs);
        $this->recordForPulse();

        $this->callAfterResolving('queue', static function () use ($jobs): void {
            Queue::createPayloadUsing(static fn (?string $connection, ?string $queue, array $payload): array => TraceContext::forPayload($payload, $jobs->current()));
        });

        $this->callAfterResolving('events', static function (Dispatcher $events) use ($jobs): void {
            $events->listen(JobProcessing::class, static fn (JobProcessing $event) => $jobs->start($event->job));
            $events->listen(
                [JobProcessed::class, JobExceptionOccurred::class, JobAttempted::class],
                static fn (JobProcessed|JobExceptionOccurred|JobAttempted $event) => $jobs->end($event->job)
            );
        });
    }

    public function boot(): void
    {
        $this->collectAnswers();
        $this->offerCommands();
        $this->checkHealth();
        $this->showInPulse();
        $this->commandsForListening();

        if ($this->app->runningInConsole()) {
            $this->publishes([__DIR__.'/../config/fanfare.php' => $this->app->configPath('fanfare.php')], ['fanfare', 'fanfare-config']);

            if (class_exists(AboutCommand::class)) {
                AboutCommand::add('Fanfare', static fn (): array => About::lines());
            }
        }
    }

    /**
     * A cached configuration holds the connection already, and env() answers nothing then.
     */
    private function defineConnection(): void
    {
        if ($this->app instanceof CachesConfiguration && $this->app->configurationIsCached()) {
            return;
        }

        $config = $this->app->make(Repository::class);
        $defined = $config->get('broadcasting.connections.fanfare');

        /** @var array<string, mixed> $connection */
        $connection = require __DIR__.'/../config/connection.php';

        $config->set('broadcasting.connections.fanfare', array_replace_recursive(
            $connection, is_array($defined) ? $defined : []
        ));
    }

    /**
     * The manager looks for creators of packages before its own, so the driver "reverb" is Fanfare's from here on. Asked
     * when the manager is made, as configuration is only complete then.
     */
    private function replaceReverb(Gateways $gateways, RunningJobs $jobs): void
    {
        $this->callAfterResolving(BroadcastManager::class, static function (BroadcastManager $manager) use ($gateways, $jobs): void {
            if (ServedConnections::replacesReverb(Container::getInstance()->make(Repository::class))) {
                $manager->extend('reverb', (new DriverFactory($gateways, $jobs))->make(...));
            }
        });
    }

    /**
     * Looks at the connections when the manager is first needed. Where none asks for it, or the application has a manager of
     * its own, nothing is replaced; that one may use the trait PublishesDirectly.
     */
    private function publishDirectly(): void
    {
        $this->app->extend(BroadcastManager::class, static function (BroadcastManager $manager, Container $app): BroadcastManager {
            foreach ($manager::class === BroadcastManager::class ? ServedConnections::configurations($app->make(Repository::class)) : [] as $config) {
                if (Connection::fromConfig($config)->direct) {
                    return DirectBroadcastManager::inPlaceOf($manager);
                }
            }

            return $manager;
        });
    }

    private function commandsForListening(): void
    {
        if ($this->app->runningInConsole()) {
            $this->commands([ListenCommand::class]);
        }
    }

    /**
     * With "mode" => "async" the answers are read when the request, job or command is over. Always listened for: a
     * connection may be configured at any time, and where nothing waits a flush costs nothing.
     */
    private function collectAnswers(): void
    {
        $gateways = $this->app->make(Gateways::class);
        $flush = static function () use ($gateways): void {
            Answers::collect($gateways);
        };

        $this->app->terminating($flush);

        $this->callAfterResolving('events', static function (Dispatcher $events) use ($flush): void {
            $events->listen([
                JobProcessed::class,
                JobExceptionOccurred::class,
                JobTimedOut::class,
                CommandFinished::class,
                'Laravel\Octane\Events\RequestTerminated',
                'Laravel\Octane\Events\TaskTerminated',
                'Laravel\Octane\Events\TickTerminated',
            ], $flush);
        });
    }

    private function offerCommands(): void
    {
        if (! $this->app->runningInConsole()) {
            return;
        }

        $this->commands([
            InstallCommand::class, StartCommand::class, StopCommand::class, RestartCommand::class, ReloadCommand::class,
            StatusCommand::class, DoctorCommand::class, ChannelsCommand::class, ConnectionsCommand::class,
            TerminateCommand::class, PublishCommand::class,
        ]);

        // "php artisan reload" after a deployment: the daemon takes a new configuration and keeps its clients.
        $this->reloads('fanfare:reload', 'fanfare');

        // Among what "composer run dev" starts, unless it could only fail and end the others.
        if (class_exists(DevCommands::class) && Executable::isThere(Value::text($this->app->make(Repository::class)->get('fanfare.daemon')))) {
            DevCommands::artisan('fanfare:start', 'fanfare');
        }
    }

    private function checkHealth(): void
    {
        $this->callAfterResolving('events', static function (Dispatcher $events): void {
            $events->listen(DiagnosingHealth::class, CheckDaemon::class);
        });
    }

    /**
     * Pulse reads which recorders there are when it boots. Before any provider boots, all of them have laid out their
     * configuration.
     */
    private function recordForPulse(): void
    {
        if (! class_exists(Pulse::class)) {
            return;
        }

        $this->app->booting(function (): void {
            $config = $this->app->make(Repository::class);
            $recorders = $config->get('pulse.recorders');

            if (filter_var($config->get('fanfare.pulse'), FILTER_VALIDATE_BOOL) && is_array($recorders)) {
                $config->set('pulse.recorders', $recorders + [
                    ConnectionsRecorder::class => [], MessagesRecorder::class => [],
                ]);
            }
        });
    }

    private function showInPulse(): void
    {
        if (! $this->app->bound(Pulse::class)) {
            return;
        }
        $this->loadViewsFrom(__DIR__.'/../resources/views', 'fanfare');

        $this->callAfterResolving('livewire', static function (LivewireManager $livewire): void {
            $livewire->component('fanfare.connections', ConnectionsCard::class);
            $livewire->component('fanfare.messages', MessagesCard::class);
        });
    }
}
