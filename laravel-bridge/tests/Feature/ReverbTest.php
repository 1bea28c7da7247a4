<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Broadcasting\FanfareBroadcaster;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\ServedConnections;
use Fanfare\Laravel\Tests\Fixtures\User;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Foundation\Application;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Group;
use Throwable;

/**
 * An application that broadcasts through Reverb, and FANFARE_REPLACE_REVERB.
 */
final class ReverbTest extends TestCase
{
    /** As "install:broadcasting --reverb" leaves it. */
    private const REVERB = [
        'driver' => 'reverb', 'key' => 'reverb-key', 'secret' => 'reverb-secret-of-app', 'app_id' => '1024',
        'options' => ['host' => 'ws.example', 'port' => 443, 'scheme' => 'https', 'useTLS' => true],
        'client_options' => [],
    ];

    /**
     * @param  array<string, mixed>  $reverb
     * @param  array<string, mixed>  $fanfare
     */
    private function bootWithReverb(array $reverb = [], array $fanfare = [], mixed $replace = true): Application
    {
        return $this->boot($fanfare, [
            'broadcasting' => ['default' => 'reverb', 'connections' => ['reverb' => array_replace_recursive(self::REVERB, $reverb)]],
            'fanfare' => ['replace_reverb' => $replace],
        ]);
    }

    private function config(): Repository
    {
        return Application::getInstance()->make(Repository::class);
    }

    private function served(string $name): Connection
    {
        return ServedConnections::all($this->config())[$name];
    }

    public function test_its_connection_broadcasts_through_fanfare(): void
    {
        $this->bootWithReverb();
        $fake = $this->fake();

        $this->assertInstanceOf(FanfareBroadcaster::class, $this->driver());
        $this->driver()->broadcast(['a'], 'x', ['n' => 1]);

        $fake->assertPublishedOn('a', 'x');
        $this->assertSame('reverb', $this->manager()->getDefaultDriver());
    }

    public function test_channels_are_authorized_with_its_credentials(): void
    {
        $this->bootWithReverb();
        $this->driver()->channel('test', static fn (): bool => true);

        $this->assertSame(
            ['auth' => 'reverb-key:'.hash_hmac('sha256', '1.2:private-test', 'reverb-secret-of-app')],
            $this->driver()->auth($this->request(['channel_name' => 'private-test', 'socket_id' => '1.2'], User::make(1)))
        );
    }

    /**
     * @return iterable<array{mixed}>
     */
    public static function off(): iterable
    {
        yield from [[false], [null], [''], ['false'], ['0'], ['off'], [[]], ['later']];
    }

    #[DataProvider('off')]
    public function test_without_the_line_its_driver_stays_laravels(mixed $replace): void
    {
        $this->bootWithReverb(replace: $replace);

        try {
            $driver = $this->manager()->connection('reverb');
            $this->assertStringStartsWith('Illuminate\\', $driver::class);
        } catch (Throwable $e) {
            // Where Pusher's SDK is not installed.
            $this->assertStringContainsString('Pusher', $e->getMessage());
        }
        $this->assertSame(['fanfare'], array_keys(ServedConnections::all($this->config())));
    }

    public function test_the_line_may_be_written_as_people_write_it(): void
    {
        foreach (['true', '1', 'on', 'yes', 1] as $replace) {
            $this->bootWithReverb(replace: $replace);
            $this->assertInstanceOf(FanfareBroadcaster::class, $this->driver(), (string) $replace);
        }
    }

    public function test_what_it_does_not_say_comes_from_the_lines_of_fanfare(): void
    {
        $this->env(['FANFARE_SOCKET' => '/tmp/x.sock', 'FANFARE_TIMEOUT' => '0.5', 'FANFARE_ON_FAILURE' => 'log', 'FANFARE_HOST' => 'other.example']);
        $this->bootWithReverb(['options' => ['timeout' => 30, 'mode' => 'async', 'on_failure' => null]]);

        $connection = $this->served('reverb');
        $this->assertSame('/tmp/x.sock', $connection->socket);
        $this->assertSame(0.5, $connection->timeout, 'not the time-out of HTTP');
        $this->assertSame('log', $connection->onFailure);
        $this->assertSame('async', $connection->mode);
        $this->assertSame(['1024', 'reverb-secret-of-app'], $connection->publishingCredentials());
        $this->assertSame('ws.example', ServedConnections::configurations($this->config())['reverb']['options']['host']);
        $this->assertSame([], $connection->publishingFaults());
    }

    public function test_a_second_connection_of_its_driver_has_its_own_daemon(): void
    {
        $this->env(['FANFARE_SOCKET' => '/tmp/x.sock']);
        $app = $this->bootWithReverb();
        $app->make('config')->set('broadcasting.connections.tenant', array_replace_recursive(self::REVERB, [
            'app_id' => 'tenant', 'options' => ['socket' => '/tmp/tenant.sock'],
        ]));

        $this->assertSame(['reverb', 'tenant'], array_keys(ServedConnections::all($app->make('config'))));
        $this->assertSame('/tmp/tenant.sock', $this->served('tenant')->socket);
        $this->assertInstanceOf(FanfareBroadcaster::class, $this->driver('tenant'));
    }

    public function test_the_connection_fanfare_is_served_too_if_it_has_credentials(): void
    {
        $this->bootWithReverb(fanfare: self::CREDENTIALS);

        $this->assertEqualsCanonicalizing(['fanfare', 'reverb'], array_keys(ServedConnections::all($this->config())));
    }

    public function test_missing_credentials_are_named_as_its_lines(): void
    {
        $this->bootWithReverb(['app_id' => null, 'key' => '']);

        $this->expectException(BroadcastException::class);
        $this->expectExceptionMessage('add REVERB_APP_ID=..., REVERB_APP_KEY=... to .env');
        $this->driver()->broadcast(['a'], 'x');
    }

    public function test_with_a_cached_configuration(): void
    {
        $this->env(['FANFARE_SOCKET' => '/tmp/x.sock']);
        $app = $this->bootWithReverb();
        file_put_contents($app->getCachedConfigPath(), '<?php return '.var_export($app->make('config')->all(), true).';');
        unset($_SERVER['FANFARE_SOCKET']);

        $this->assertTrue($this->bootAgain()->configurationIsCached());
        $this->assertInstanceOf(FanfareBroadcaster::class, $this->driver());
        $this->assertSame('/tmp/x.sock', $this->served('reverb')->socket);
    }

    #[Group('artisan')]
    public function test_the_line_of_env_alone_does_it_also_with_the_configuration_cached(): void
    {
        $this->skeleton()->config('broadcasting', ['default' => 'reverb', 'connections' => ['reverb' => self::REVERB]]);
        $this->skeleton()->write('.env', "FANFARE_REPLACE_REVERB=true\n");

        foreach ([[], ['config:cache'], []] as $cache) {
            if ($cache !== []) {
                $this->assertSame(0, $this->skeleton()->artisan($cache)->getExitCode());
            }
            $about = json_decode($this->skeleton()->artisan(['about', '--only=fanfare', '--json'])->getOutput(), true);
            $this->assertStringStartsWith('1024 /', $about['fanfare']['connection_reverb'] ?? 'none');
            $this->assertArrayNotHasKey('connection_fanfare', $about['fanfare']);
        }
    }

    public function test_an_application_that_published_an_older_configuration_has_the_line_all_the_same(): void
    {
        $this->env(['FANFARE_REPLACE_REVERB' => 'true']);
        $this->boot([], [
            'broadcasting' => ['default' => 'reverb', 'connections' => ['reverb' => self::REVERB]],
            'fanfare' => ['log_channel' => null],
        ]);

        $this->assertInstanceOf(FanfareBroadcaster::class, $this->driver());
    }
}
