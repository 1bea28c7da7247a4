<?php

declare(strict_types=1);

namespace Fanfare\Laravel;

use Fanfare\Laravel\Broadcasting\DirectBroadcastManager;
use Fanfare\Laravel\Broadcasting\DriverFactory;
use Fanfare\Laravel\Console\ListenCommand;
use Fanfare\Laravel\Contracts\ClusterInspector;
use Fanfare\Laravel\Contracts\Factory;
use Fanfare\Laravel\Contracts\Inspector;
use Fanfare\Laravel\Contracts\Server;
use Fanfare\Laravel\Contracts\Terminator;
use Fanfare\Laravel\Contracts\UserPublisher;
use Fanfare\Laravel\Support\About;
use Fanfare\Laravel\Support\Answers;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Gateways;
use Fanfare\Laravel\Support\RunningJobs;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Console\Events\CommandFinished;
use Illuminate\Container\Container;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Foundation\CachesConfiguration;
use Illuminate\Foundation\Console\AboutCommand;
use Illuminate\Queue\Events\JobAttempted;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Events\JobTimedOut;
use Illuminate\Support\ServiceProvider;

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
        foreach ([Factory::class, Server::class, UserPublisher::class, Inspector::class, ClusterInspector::class, Terminator::class] as $contract) {
            $this->app->alias(FanfareManager::class, $contract);
        }

        $this->callAfterResolving(BroadcastManager::class, static function (BroadcastManager $manager) use ($gateways, $jobs): void {
            $manager->extend('fanfare', (new DriverFactory($gateways, $jobs))->make(...));
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
     * Looks at the connections when the manager is first needed. Where none asks for it, or the application has a manager of
     * its own, nothing is replaced; that one may use the trait PublishesDirectly.
     */
    private function publishDirectly(): void
    {
        $this->app->extend(BroadcastManager::class, static function (BroadcastManager $manager, Container $app): BroadcastManager {
            $connections = $app->make(Repository::class)->get('broadcasting.connections');

            foreach ($manager::class === BroadcastManager::class && is_array($connections) ? $connections : [] as $config) {
                if (is_array($config) && Connection::fromConfig($config)->direct) {
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
}
