<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests;

use Fanfare\Laravel\Broadcasting\FanfareBroadcaster;
use Fanfare\Laravel\Facades\Fanfare;
use Fanfare\Laravel\Testing\FanfareFake;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap\BootProviders;
use Illuminate\Foundation\Bootstrap\LoadConfiguration;
use Illuminate\Foundation\Bootstrap\RegisterFacades;
use Illuminate\Foundation\Bootstrap\RegisterProviders;
use Illuminate\Foundation\Console\AboutCommand;
use Illuminate\Http\Request;
use Illuminate\Log\LogManager;
use Illuminate\Queue\WorkerOptions;
use Illuminate\Support\Facades\Facade;
use Illuminate\Support\Facades\Schema;
use Monolog\Handler\TestHandler;
use PHPUnit\Framework\TestCase as BaseTestCase;

/**
 * Boots Laravel's own application in a directory of its own, with the package found by discovery.
 */
abstract class TestCase extends BaseTestCase
{
    protected const CREDENTIALS = ['app_id' => 'app-1', 'key' => 'key-1', 'secret' => 'secret-of-app-1'];

    /** base64 of 32 bytes */
    protected const MASTER_KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

    private ?Application $application = null;

    private ?Skeleton $skeleton = null;

    /** @var list<string> */
    private array $variables = [];

    protected function tearDown(): void
    {
        $this->closeApplication();
        $this->skeleton?->remove();
        $this->skeleton = null;

        foreach ($this->variables as $variable) {
            unset($_SERVER[$variable]);
        }
        $this->variables = [];

        parent::tearDown();
    }

    protected function skeleton(): Skeleton
    {
        return $this->skeleton ??= new Skeleton;
    }

    /**
     * @param  array<string, string>  $variables
     */
    protected function env(array $variables): void
    {
        foreach ($variables as $name => $value) {
            $_SERVER[$name] = $value;
            $this->variables[] = $name;
        }
    }

    /**
     * @param  array<string, mixed>  $connection  what the application defines for the connection "fanfare"
     * @param  array<string, array<string, mixed>>  $config  further configuration files
     */
    protected function boot(array $connection = self::CREDENTIALS, array $config = []): Application
    {
        $config['app'] = ($config['app'] ?? []) + ['key' => 'base64:'.base64_encode(str_repeat('k', 32)), 'env' => 'testing'];
        $config['broadcasting'] = array_replace_recursive(
            ['default' => 'fanfare', 'connections' => $connection === [] ? [] : ['fanfare' => $connection]],
            $config['broadcasting'] ?? []
        );
        $config['queue'] ??= ['default' => 'sync'];
        $config['logging'] ??= ['default' => 'test', 'channels' => [
            'test' => ['driver' => 'monolog', 'handler' => TestHandler::class],
            'other' => ['driver' => 'monolog', 'handler' => TestHandler::class],
        ]];

        foreach ($config as $name => $values) {
            $this->skeleton()->config($name, $values);
        }

        return $this->bootAgain();
    }

    /**
     * With a queue that a worker of Laravel works on.
     *
     * @param  array<string, mixed>  $connection
     * @param  array<string, array<string, mixed>>  $config
     */
    protected function bootWithQueue(array $connection, array $config = []): Application
    {
        $app = $this->boot($connection, $config + [
            'database' => ['default' => 'memory', 'connections' => ['memory' => ['driver' => 'sqlite', 'database' => ':memory:']]],
            'queue' => ['default' => 'jobs', 'failed' => ['driver' => 'null'], 'connections' => [
                'jobs' => ['driver' => 'database', 'table' => 'jobs', 'queue' => 'default', 'retry_after' => 90, 'after_commit' => true],
                'sync' => ['driver' => 'sync'],
            ]],
            'cache' => ['default' => 'array'],
        ]);

        Schema::create('jobs', static function (Blueprint $table): void {
            $table->id();
            $table->string('queue');
            $table->longText('payload');
            $table->unsignedTinyInteger('attempts');
            $table->unsignedInteger('reserved_at')->nullable();
            $table->unsignedInteger('available_at');
            $table->unsignedInteger('created_at');
        });

        return $app;
    }

    protected function work(Application $app, string $queue = 'default', int $tries = 1): void
    {
        $app->make('queue.worker')->runNextJob('jobs', $queue, new WorkerOptions(sleep: 0, maxTries: $tries));
    }

    /**
     * As the next request would: from the files that are there.
     */
    protected function bootAgain(): Application
    {
        $this->closeApplication();
        $app = $this->application = require $this->skeleton()->path.'/bootstrap/app.php';
        $app->bootstrapWith([LoadConfiguration::class, RegisterFacades::class, RegisterProviders::class, BootProviders::class]);

        return $app;
    }

    protected function log(?string $channel = null): TestHandler
    {
        $handler = $this->application->make(LogManager::class)->channel($channel)->getLogger()->getHandlers()[0];
        $this->assertInstanceOf(TestHandler::class, $handler);

        return $handler;
    }

    protected function fake(): FanfareFake
    {
        return Fanfare::fake();
    }

    protected function manager(): BroadcastManager
    {
        return $this->application->make(BroadcastManager::class);
    }

    protected function driver(?string $connection = null): FanfareBroadcaster
    {
        $driver = $this->manager()->connection($connection);
        $this->assertInstanceOf(FanfareBroadcaster::class, $driver);

        return $driver;
    }

    /**
     * @param  array<string, mixed>  $input
     */
    protected function request(array $input, ?Authenticatable $user = null): Request
    {
        $request = Request::create('/broadcasting/auth', 'POST', $input);
        $request->setUserResolver(static fn (): ?Authenticatable => $user);
        $request->setRouteResolver(static fn (): null => null);

        return $request;
    }

    private function closeApplication(): void
    {
        if ($this->application !== null) {
            $this->application->flush();
            $this->application = null;
            Application::setInstance(null);
            Facade::clearResolvedInstances();
            Facade::setFacadeApplication(null);
            AboutCommand::flushState();
        }
    }
}
