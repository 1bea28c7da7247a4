<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Broadcasting\FanfareBroadcaster;
use Fanfare\Laravel\Tests\Fixtures\User;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Http\Request;
use Illuminate\Support\ServiceProvider;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Group;
use ReflectionClass;
use ReflectionFunction;
use ReflectionProperty;
use RuntimeException;
use Symfony\Component\Process\Process;

final class BootTest extends TestCase
{
    private const LINES = ['FANFARE_APP_ID' => 'env-app', 'FANFARE_APP_KEY' => 'env-key', 'FANFARE_APP_SECRET' => 'env-secret-of-app'];

    public function test_the_connection_is_there_without_editing_a_file(): void
    {
        $this->env(self::LINES + ['FANFARE_SOCKET' => '/tmp/x.sock', 'FANFARE_HOST' => 'ws.example', 'FANFARE_PORT' => '443', 'FANFARE_SCHEME' => 'https', 'FANFARE_ACK' => 'cluster']);
        $app = $this->boot([]);

        $this->assertSame([
            'driver' => 'fanfare', 'key' => 'env-key', 'secret' => 'env-secret-of-app', 'app_id' => 'env-app',
            'options' => [
                'socket' => '/tmp/x.sock', 'timeout' => null, 'host' => 'ws.example', 'port' => '443', 'scheme' => 'https',
                'encryption_master_key_base64' => null, 'on_failure' => 'throw', 'mode' => 'sync', 'direct' => false, 'direct_timeout' => 0.25, 'ack' => 'cluster',
            ],
        ], $app->make('config')->get('broadcasting.connections.fanfare'));
        $this->assertNotNull($app->make('config')->get('broadcasting.connections.log'));
    }

    public function test_what_the_application_defines_lies_over_it_key_by_key(): void
    {
        $this->env(self::LINES);
        $config = $this->boot(['secret' => 'own', 'options' => ['mode' => 'async']])->make('config');

        $this->assertSame('env-key', $config->get('broadcasting.connections.fanfare.key'));
        $this->assertSame('own', $config->get('broadcasting.connections.fanfare.secret'));
        $this->assertSame('async', $config->get('broadcasting.connections.fanfare.options.mode'));
        $this->assertSame('throw', $config->get('broadcasting.connections.fanfare.options.on_failure'));
    }

    public function test_a_cached_configuration_is_taken_as_it_is(): void
    {
        $this->env(self::LINES);
        $app = $this->boot([]);
        file_put_contents($app->getCachedConfigPath(), '<?php return '.var_export($app->make('config')->all(), true).';');
        unset($_SERVER['FANFARE_APP_ID'], $_SERVER['FANFARE_APP_KEY'], $_SERVER['FANFARE_APP_SECRET']);

        $app = $this->bootAgain();

        $this->assertTrue($app->configurationIsCached());
        $this->assertSame('env-app', $app->make('config')->get('broadcasting.connections.fanfare.app_id'));
        $this->driver()->channel('test', static fn (): bool => true);
        $this->assertArrayHasKey('auth', (array) $this->driver()->auth(
            $this->request(['channel_name' => 'private-test', 'socket_id' => '1.2'], User::make(1))
        ));
    }

    public function test_resolving_never_throws_and_the_first_use_says_what_is_missing(): void
    {
        $this->boot(['options' => ['timeout' => 'soon', 'on_failure' => 'hope', 'encryption_master_key_base64' => '*']]);
        $driver = $this->driver();
        $driver->channel('test', static fn (): bool => true);

        try {
            $driver->broadcast(['a'], 'x');
            $this->fail('It was sent.');
        } catch (BroadcastException $e) {
            $this->assertStringContainsString('FANFARE_APP_ID=...', $e->getMessage());
            $this->assertStringContainsString('FANFARE_TIMEOUT', $e->getMessage());
            $this->assertStringContainsString('FANFARE_ON_FAILURE', $e->getMessage());
            $this->assertInstanceOf(RuntimeException::class, $e->getPrevious());
        }

        $this->expectException(RuntimeException::class);
        $this->expectExceptionMessage('FANFARE_APP_KEY=...');
        $driver->auth($this->request(['channel_name' => 'private-test', 'socket_id' => '1.2'], User::make(1)));
    }

    #[Group('no-extension')]
    public function test_without_the_extension_the_first_publish_names_the_command(): void
    {
        if (extension_loaded('fanfare')) {
            $this->markTestSkipped('the extension is loaded');
        }

        $this->boot();

        $this->expectException(BroadcastException::class);
        $this->expectExceptionMessage('phpize && ./configure && make && sudo make install');
        $this->driver()->broadcast(['a'], 'x');
    }

    public function test_without_the_extension_channels_are_authorized_all_the_same(): void
    {
        $this->boot();
        $this->driver()->channel('test', static fn (): bool => true);

        $this->assertArrayHasKey('auth', (array) $this->driver()->auth(
            $this->request(['channel_name' => 'private-test', 'socket_id' => '1.2'], User::make(1))
        ));
    }

    public function test_several_connections_at_once(): void
    {
        $this->boot(self::CREDENTIALS, ['broadcasting' => ['connections' => [
            'second' => ['driver' => 'fanfare', 'app_id' => 'app-2', 'key' => 'key-2', 'secret' => 'secret-2'],
        ]]]);
        $request = fn (): Request => $this->request(['channel_name' => 'private-test', 'socket_id' => '1.2'], User::make(1));

        foreach (['fanfare' => ['key-1', 'secret-of-app-1'], 'second' => ['key-2', 'secret-2']] as $name => [$key, $secret]) {
            $this->driver($name)->channel('test', static fn (): bool => true);
            $this->assertSame(
                ['auth' => $key.':'.hash_hmac('sha256', '1.2:private-test', $secret)], $this->driver($name)->auth($request())
            );
        }

        $this->assertNotSame($this->driver('fanfare'), $this->driver('second'));
    }

    public function test_a_second_connection_takes_nothing_from_the_first(): void
    {
        $this->env(self::LINES);
        $this->boot([], ['broadcasting' => ['connections' => ['second' => ['driver' => 'fanfare', 'key' => 'key-2']]]]);
        $this->driver('second')->channel('test', static fn (): bool => true);

        $this->expectException(RuntimeException::class);
        $this->expectExceptionMessage('FANFARE_APP_SECRET');
        $this->driver('second')->auth($this->request(['channel_name' => 'private-test', 'socket_id' => '1.2'], User::make(1)));
    }

    public function test_the_driver_keeps_neither_application_nor_request(): void
    {
        $app = $this->boot();
        $manager = $this->manager();
        $driver = $this->driver();

        $creators = (new ReflectionProperty($manager, 'customCreators'))->getValue($manager);
        $creator = new ReflectionFunction($creators['fanfare']);
        $this->assertFalse($creator->isAnonymous(), 'Laravel 13 would bind it to its manager');
        $seen = [];
        $this->assertFalse($this->reaches($creator->getClosureThis(), [$app::class, Request::class, ServiceProvider::class], $seen));
        $this->assertFalse($this->reaches($driver, [$app::class, Request::class], $seen));
        $this->assertFalse($this->reaches($creator->getClosureUsedVariables(), [$app::class, Request::class], $seen));
    }

    /**
     * @param  list<class-string>  $classes
     * @param  array<int, true>  $seen
     */
    private function reaches(mixed $value, array $classes, array &$seen): bool
    {
        if (is_array($value)) {
            return array_filter($value, fn (mixed $item): bool => $this->reaches($item, $classes, $seen)) !== [];
        }

        if (! is_object($value) || isset($seen[spl_object_id($value)])) {
            return false;
        }

        $seen[spl_object_id($value)] = true;

        foreach ($classes as $class) {
            if ($value instanceof $class) {
                return true;
            }
        }

        for ($class = new ReflectionClass($value); $class !== false; $class = $class->getParentClass()) {
            foreach ($class->getProperties() as $property) {
                if (! $property->isStatic() && $property->isInitialized($value)
                    && $this->reaches($property->getValue($value), $classes, $seen)) {
                    return true;
                }
            }
        }

        return false;
    }

    public function test_a_dump_of_the_driver_shows_no_secret(): void
    {
        $this->boot();

        $this->assertStringNotContainsString(self::CREDENTIALS['secret'], print_r($this->driver(), true));
        $this->assertInstanceOf(FanfareBroadcaster::class, $this->driver());
    }

    /**
     * @param  array<string, string>  $env
     */
    #[DataProvider('environments')]
    #[Group('artisan')]
    public function test_artisan_works_whatever_is_missing(array $env): void
    {
        $this->skeleton()->config('view', ['paths' => [], 'compiled' => $this->skeleton()->path.'/storage/framework/views']);
        $env += ['BROADCAST_CONNECTION' => 'fanfare', 'CACHE_STORE' => 'array', 'APP_KEY' => 'base64:'.base64_encode(str_repeat('k', 32))];

        foreach ([['package:discover'], ['list'], ['about'], ['channel:list'], ['config:cache'], ['route:cache'], ['list'],
            ['about', '--only=fanfare'], ['optimize'], ['optimize:clear'], ['vendor:publish', '--tag=fanfare-config']] as $command) {
            $process = $this->skeleton()->artisan($command, $env);
            $this->assertSame(0, $process->getExitCode(), implode(' ', $command)."\n".$process->getOutput().$process->getErrorOutput());
            $this->assertStringNotContainsString('env-secret-of-app', $process->getOutput());
        }

        $this->assertFileExists($this->skeleton()->path.'/config/fanfare.php');
    }

    /**
     * @return iterable<string, array{array<string, string>}>
     */
    public static function environments(): iterable
    {
        yield 'no line' => [[]];
        yield 'empty lines' => [array_fill_keys(array_keys(self::LINES), '')];
        yield 'all lines' => [self::LINES];
        yield 'no daemon' => [self::LINES + ['FANFARE_SOCKET' => '/nonexistent/f.sock']];
        yield 'async' => [self::LINES + ['FANFARE_MODE' => 'async']];
        yield 'nonsense' => [['FANFARE_MODE' => 'x', 'FANFARE_TIMEOUT' => 'x', 'FANFARE_ON_FAILURE' => 'x', 'FANFARE_APP_ID' => 'true']];
    }

    public function test_composer_discovers_the_provider(): void
    {
        $process = $this->skeleton()->artisan(['package:discover']);

        $this->assertStringContainsString('fanfare/laravel', $process->getOutput());
    }

    public function test_about_says_what_there_is(): void
    {
        $process = $this->skeleton()->artisan(['about', '--only=fanfare', '--json'], self::LINES + ['FANFARE_SOCKET' => '/tmp/x.sock']);
        $about = json_decode($process->getOutput(), true);

        $this->assertStringStartsWith('env-app / /tmp/x.sock', $about['fanfare']['connection_fanfare'] ?? $process->getOutput());
        $this->assertSame(extension_loaded('fanfare'), str_contains($about['fanfare']['connection_fanfare'], 'DOES NOT ANSWER'));
        $this->assertSame(extension_loaded('fanfare') ? phpversion('fanfare') : 'NOT LOADED', $about['fanfare']['extension']);
    }

    public function test_the_cached_configuration_publishes_with_the_credentials_that_were_there_when_it_was_cached(): void
    {
        $this->skeleton()->write('publish.php', <<<'PHP'
            <?php
            require __DIR__.'/vendor/autoload.php';
            $app = require __DIR__.'/bootstrap/app.php';
            $app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();
            $fake = Fanfare\Laravel\Facades\Fanfare::fake();
            Illuminate\Support\Facades\Broadcast::on('a')->as('x')->sendNow();
            $connection = config('broadcasting.connections.fanfare');
            echo count($fake->calls()), ' ', $connection['app_id'], ' ', $connection['secret'], ' ', var_export(env('FANFARE_APP_ID'), true);
            PHP);
        $this->cacheConfig(self::LINES);

        $this->assertSame('1 env-app env-secret-of-app NULL', $this->skeleton()->php(['publish.php'])->getOutput());
    }

    /**
     * @param  array<string, string>  $lines
     */
    private function cacheConfig(array $lines): Process
    {
        $env = '';
        foreach ($lines + ['BROADCAST_CONNECTION' => 'fanfare'] as $name => $value) {
            $env .= "{$name}={$value}\n";
        }
        $this->skeleton()->write('.env', $env);
        $process = $this->skeleton()->artisan(['config:cache']);
        $this->assertSame(0, $process->getExitCode(), $process->getOutput().$process->getErrorOutput());

        return $process;
    }
}
