<?php

declare(strict_types=1);

namespace Fanfare\Laravel;

use Fanfare\Laravel\Broadcasting\DriverFactory;
use Fanfare\Laravel\Support\About;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\FailureLog;
use Fanfare\Laravel\Support\Publishers;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Console\Events\CommandFinished;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Foundation\CachesConfiguration;
use Illuminate\Foundation\Console\AboutCommand;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobProcessed;
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

        // Made here, so that it belongs to the application that a long-running worker clones for each request.
        $publishers = new Publishers;
        $this->app->instance(Publishers::class, $publishers);

        $this->callAfterResolving(BroadcastManager::class, static function (BroadcastManager $manager) use ($publishers): void {
            $manager->extend('fanfare', (new DriverFactory($publishers))->make(...));
        });
    }

    public function boot(): void
    {
        $this->collectAnswers();

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
     * With "mode" => "async" the answers are read when the request, job or command is over.
     */
    private function collectAnswers(): void
    {
        if (! self::publishesAsync($this->app->make(Repository::class))) {
            return;
        }

        $publishers = $this->app->make(Publishers::class);
        $flush = static function () use ($publishers): void {
            foreach ($publishers->flush() as $failure) {
                FailureLog::error('Fanfare: '.$failure);
            }
        };

        $this->app->terminating($flush);

        $this->callAfterResolving('events', static function (Dispatcher $events) use ($flush): void {
            $events->listen([
                JobProcessed::class,
                JobExceptionOccurred::class,
                CommandFinished::class,
                'Laravel\Octane\Events\TaskTerminated',
                'Laravel\Octane\Events\TickTerminated',
            ], $flush);
        });
    }

    private static function publishesAsync(Repository $config): bool
    {
        $connections = $config->get('broadcasting.connections');

        foreach (is_array($connections) ? $connections : [] as $connection) {
            if (is_array($connection) && ($connection['driver'] ?? null) === 'fanfare'
                && Connection::fromConfig($connection)->mode === 'async') {
                return true;
            }
        }

        return false;
    }
}
