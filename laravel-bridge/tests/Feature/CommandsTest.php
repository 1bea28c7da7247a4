<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Health\CheckDaemon;
use Fanfare\Laravel\Server\Channel;
use Fanfare\Laravel\Server\ClientConnection;
use Fanfare\Laravel\Server\Stats;
use Fanfare\Laravel\Support\Daemon\Configuration;
use Fanfare\Laravel\Support\Daemon\Executable;
use Fanfare\Laravel\Support\Daemon\Options;
use Fanfare\Laravel\Tests\CommandTestCase;
use Illuminate\Foundation\Events\DiagnosingHealth;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\ServiceProvider;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Group;

/**
 * What the commands say and write, with a gateway that answers what it was told. tests/Daemon and tests/system have the
 * real daemon.
 */
final class CommandsTest extends CommandTestCase
{
    private const OPTIONS = ['socket' => '/run/x/f.sock', 'host' => 'localhost', 'port' => '8090', 'scheme' => 'http'];

    /**
     * @param  array<string, mixed>  $overrides
     * @return array<string, mixed>
     */
    private static function settings(array $overrides = []): array
    {
        return array_replace_recursive(self::CREDENTIALS + ['options' => self::OPTIONS], $overrides);
    }

    private function plan(Options $options = new Options, string $name = 'fanfare'): string
    {
        return $this->app->make(Configuration::class)->for($name, $options)->text();
    }

    public function test_the_daemons_configuration_has_every_connection_of_its_socket(): void
    {
        $this->console(self::settings(), ['broadcasting' => ['connections' => [
            'second' => ['driver' => 'fanfare', 'app_id' => 'app-2', 'key' => 'key-2', 'secret' => 's; #"2', 'options' => ['socket' => 'unix:///run/x/f.sock']],
            'same' => ['driver' => 'fanfare'] + self::CREDENTIALS + ['options' => ['socket' => '/run/x/f.sock', 'mode' => 'async']],
            'elsewhere' => ['driver' => 'fanfare', 'app_id' => 'app-3', 'key' => 'key-3', 'secret' => 's-3', 'options' => ['socket' => '/run/y/f.sock']],
            'other' => ['driver' => 'log'],
        ]]]);

        $plan = $this->app->make(Configuration::class)->for('fanfare', new Options);

        $this->assertSame(['app-1', 'app-2'], $plan->apps);
        $this->assertSame(['elsewhere'], $plan->elsewhere);
        $this->assertSame('127.0.0.1:8090', $plan->listen);
        $this->assertStringEndsWith(<<<'INI'
            [server]
            listen = 127.0.0.1:8090
            workers = auto

            [ipc]
            socket = /run/x/f.sock

            [admin]
            listen =

            [app "app-1"]
            key = key-1
            secret = secret-of-app-1
            control = yes

            [app "app-2"]
            key = key-2
            secret = s; #"2
            control = yes

            INI, $plan->text());
        $this->assertStringNotContainsString('secret-of-app-1', print_r($plan, true));
    }

    public function test_what_is_given_closest_counts(): void
    {
        $this->skeleton()->write('.env', "FANFARE_LIMITS_MAX_EVENT_SIZE=2M\nFANFARE_SERVER_HOST=ignored\nFANFARE_SERVER_PORT=1\nFANFARE_IPC_SOCKET=/nowhere\nFANFARE_REDIS_URL=redis://r/0\nOTHER=x\n");
        $this->console(self::settings(), ['fanfare' => ['server' => [
            'host' => '::1', 'port' => 9000, 'workers' => 3,
            'config' => ['limits' => ['max_event_size' => '1M', 'max_batch' => 5], 'app' => ['client_events' => 'all', 'watchlist' => true],
                'app "app-1"' => ['allowed_origins' => ['https://a.example', 'https://b.example'], 'control' => false]],
        ]]]);

        $text = $this->plan();

        $this->assertStringContainsString("listen = [::1]:9000\nworkers = 3\n", $text);
        $this->assertStringContainsString("[limits]\nmax_event_size = 2M\nmax_batch = 5\n", $text);
        $this->assertStringContainsString("[redis]\nurl = redis://r/0\n", $text);
        $this->assertStringContainsString("socket = /run/x/f.sock\n", $text);
        $this->assertStringContainsString("control = no\nclient_events = all\nwatchlist = yes\nallowed_origins = https://a.example\nallowed_origins = https://b.example\n", $text);

        $text = $this->plan(new Options('0.0.0.0', '7000', '2', true));
        $this->assertStringContainsString("listen = 0.0.0.0:7000\nworkers = 2\nlog_messages = yes\n", $text);
        $options = Options::ofFile($text);
        $this->assertEquals(new Options('0.0.0.0', '7000', '2', true), $options);
        $this->assertNull(Options::ofFile("[server]\nlisten = 1\n"));
    }

    public function test_behind_a_proxy_the_daemon_does_not_take_the_browsers_port(): void
    {
        $this->console(self::settings(['options' => ['port' => '443', 'scheme' => 'https']]));

        $this->assertStringContainsString("listen = 127.0.0.1:8080\n", $this->plan());
    }

    /**
     * @param  array<string, mixed>  $settings
     */
    #[DataProvider('unwritable')]
    public function test_what_cannot_be_a_configuration_is_refused(array $settings, string $message): void
    {
        $this->console(self::settings($settings));

        $this->expectException(MisconfiguredException::class);
        $this->expectExceptionMessage($message);
        $this->plan();
    }

    /**
     * @return iterable<string, array{array<string, mixed>, string}>
     */
    public static function unwritable(): iterable
    {
        yield 'a line break in a secret' => [['secret' => "x\n[app \"evil\"]"], 'one line of text'];
        yield 'an abstract socket' => [['options' => ['socket' => '@x']], 'FANFARE_SOCKET'];
        yield 'no secret' => [['secret' => ''], 'FANFARE_APP_SECRET=...'];
    }

    public function test_the_environment_of_the_daemon_is_without_the_lines_of_env(): void
    {
        $this->skeleton()->write('.env', "FANFARE_TEST_SECRET=x\n");
        putenv('FANFARE_TEST_SECRET=x');
        putenv('FANFARE_SOCKET=/other');
        putenv('FANFARE_SERVER_LISTEN=127.0.0.1:1');
        $this->console(self::settings());

        try {
            $environment = $this->app->make(Configuration::class)->environment(new Options);
            $with = $this->app->make(Configuration::class)->environment(new Options(port: '5'));
        } finally {
            array_map(putenv(...), ['FANFARE_TEST_SECRET', 'FANFARE_SOCKET', 'FANFARE_SERVER_LISTEN']);
        }

        $this->assertArrayHasKey('PATH', $environment);
        $this->assertSame('127.0.0.1:1', $environment['FANFARE_SERVER_LISTEN']);
        $this->assertSame([], array_intersect(['FANFARE_TEST_SECRET', 'FANFARE_SOCKET'], array_keys($environment)));
        $this->assertArrayNotHasKey('FANFARE_SERVER_LISTEN', $with);
    }

    public function test_a_daemon_that_is_not_there_is_named(): void
    {
        $this->console(self::settings(), ['fanfare' => ['daemon' => '/nowhere/fanfared']]);

        [$code, $output] = $this->silently('fanfare:start');

        $this->assertSame(2, $code);
        $this->assertStringContainsString('FANFARE_DAEMON', $output);
        $this->assertFalse(Executable::isThere('/nowhere/fanfared'));
        $this->assertFileDoesNotExist($this->skeleton()->path.'/storage/framework/fanfared.conf');
    }

    public function test_the_file_is_for_its_owner_alone(): void
    {
        $this->console(self::settings());
        $file = $this->app->make(Configuration::class)->file('fanfare');

        $this->assertSame('', $this->app->make(Configuration::class)->for('fanfare', new Options)->write($file));

        $this->assertSame(0600, fileperms($file) & 0777);
        $this->assertStringEndsWith('framework/fanfared-a_b.conf', $this->app->make(Configuration::class)->file('a/b'));
    }

    public function test_status(): void
    {
        $this->console(self::settings());
        $this->fake()->withStats(new Stats('1.2.3', 42, 90, 5, 3, 1000, 2000, extra: ['memory' => 1_048_576, 'nodes' => 2]))->withConnectionCount(5);

        [$code, $answer] = $this->json('fanfare:status');
        $this->assertSame(0, $code);
        $this->assertSame([true, '1.2.3', 42, 5, 3], [$answer['running'], $answer['version'], $answer['pid'], $answer['connections'], $answer['channels']]);
        $this->assertSame('/run/x/f.sock', $answer['socket']);

        [$code, $output] = $this->silently('fanfare:status');
        $this->assertSame(0, $code);
        $this->assertMatchesRegularExpression('/RUNNING.*1\.2\.3 \/ process 42 \/ up for 1m 30s.*5 connections \/ 3 channels.*1\.0 MB.*2.*1,000 from clients/s', $output);
    }

    public function test_status_of_a_daemon_that_is_away_exits_with_1_and_of_nothing_configured_with_2(): void
    {
        $this->console(self::settings());
        $this->fake()->failWith('no daemon');

        [$code, $answer] = $this->json('fanfare:status');
        $this->assertSame([1, false, 'no daemon'], [$code, $answer['running'], $answer['error']]);

        [$code, $answer] = $this->json('fanfare:status', ['--connection' => 'nope']);
        $this->assertSame(2, $code);
        $this->assertStringContainsString('"nope"', $answer['error']);
    }

    public function test_without_the_extension_each_command_says_so(): void
    {
        if (extension_loaded('fanfare')) {
            $this->markTestSkipped('the extension is loaded');
        }
        $this->console(self::settings());

        foreach (['status' => [], 'stop' => [], 'restart' => [], 'reload' => [], 'channels' => [], 'connections' => [],
            'terminate' => ['user' => '7'], 'publish' => ['channel' => 'a', 'event' => 'b']] as $command => $parameters) {
            [$code, $output] = $this->silently("fanfare:{$command}", $parameters);
            $this->assertSame(2, $code, $command);
            $this->assertStringContainsString('phpize', $output, $command);
        }
    }

    public function test_orders_renew_the_file_that_start_has_written(): void
    {
        $this->console(self::settings());
        $fake = $this->fake();
        $configuration = $this->app->make(Configuration::class);
        $file = $configuration->file('fanfare');

        [$code, $output] = $this->silently('fanfare:restart');
        $this->assertSame(0, $code);
        $this->assertStringContainsString('restarts', $output);
        $this->assertFileDoesNotExist($file);

        $configuration->for('fanfare', new Options(port: '7777'))->write($file);
        $this->app->make('config')->set('broadcasting.connections.fanfare.secret', 'another');
        [, $output] = $this->silently('fanfare:reload');
        $this->assertStringContainsString('written from Laravel', $output);
        $this->assertStringContainsString("listen = 127.0.0.1:7777\n", (string) file_get_contents($file));
        $this->assertStringContainsString("secret = another\n", (string) file_get_contents($file));

        // A file of somebody else's stays as it is.
        file_put_contents($file, "[server]\n");
        $this->silently('fanfare:reload');
        $this->assertSame("[server]\n", file_get_contents($file));

        $this->silently('fanfare:stop');
        $this->assertSame(['restart', 'reload', 'reload', 'stop'], $fake->orders());
    }

    public function test_channels(): void
    {
        $this->console(self::settings());
        $fake = $this->fake()->withChannel(new Channel('orders', true, 2))->withChannel(new Channel("evil\e[2J<error>", true, 1))
            ->withChannel(new Channel('presence-room', true, 1_500, 900));

        [$code, $output] = $this->silently('fanfare:channels');
        $this->assertSame(0, $code);
        $this->assertMatchesRegularExpression('/presence-room +\| 1,500 +\| 900.*orders +\| 2.*3 channels/s', $output);
        $this->assertStringContainsString('evil?[2J<error>', $output);
        $this->assertStringNotContainsString("\e", $output);

        [, $output] = $this->silently('fanfare:channels', ['--limit' => '1']);
        $this->assertStringContainsString('1 of 3 channels', $output);
        $this->assertStringNotContainsString('orders', $output);

        [, $answer] = $this->json('fanfare:channels', ['prefix' => 'presence-', '--limit' => '1']);
        $this->assertSame([['name' => 'presence-room', 'subscriptions' => 1500, 'members' => 900]], $answer['channels']);

        $fake->withPartialAnswers();
        [, $output] = $this->silently('fanfare:channels', ['prefix' => 'none']);
        $this->assertStringContainsString('Not all daemons', $output);
        $this->assertSame(2, $this->silently('fanfare:channels', ['--limit' => 'many'])[0]);
        $this->assertSame(2, $this->silently('fanfare:channels', ['--watch' => '0'])[0]);
    }

    public function test_connections_are_paged(): void
    {
        $this->console(self::settings());
        $clients = [];
        for ($i = 1; $i <= 2_500; $i++) {
            $clients[] = new ClientConnection("1.{$i}", $i % 100 === 0 ? 'ann' : null, '192.0.2.'.($i % 250), microtime(true) - 65, 3);
        }
        $this->fake()->withConnections(...$clients);

        [$code, $output] = $this->silently('fanfare:connections');
        $this->assertSame(0, $code);
        $this->assertStringContainsString('50 shown and there are more', $output);
        $this->assertMatchesRegularExpression('/\| 1\.1 +\| +\| 192\.0\.2\.1 +\| 1m \ds +\| 3/', $output);

        [, $answer] = $this->json('fanfare:connections', ['prefix' => 'ann', '--limit' => '0']);
        $this->assertCount(25, $answer['connections']);
        $this->assertSame([2500, false], [$answer['total'], $answer['more']]);

        [, $answer] = $this->json('fanfare:connections', ['--limit' => '0']);
        $this->assertSame(array_map(static fn (ClientConnection $client): string => $client->socketId, $clients), array_column($answer['connections'], 'socket_id'));
    }

    public function test_terminate(): void
    {
        $this->console(self::settings());
        $fake = $this->fake();

        $this->assertSame(0, $this->silently('fanfare:terminate', ['user' => '7'])[0]);
        $fake->assertUserTerminated(7);
        $this->assertSame(1, $this->silently('fanfare:terminate', ['--socket' => '1.2'])[0]);
        $fake->assertConnectionTerminated('1.2');

        $this->assertSame(2, $this->silently('fanfare:terminate')[0]);
        $this->assertSame(2, $this->silently('fanfare:terminate', ['user' => '7', '--socket' => '1.2'])[0]);
        $this->assertSame(2, $this->silently('fanfare:terminate', ['--socket' => 'undefined'])[0]);
    }

    public function test_publish(): void
    {
        $this->console(self::settings());
        $fake = $this->fake();

        [$code, $answer] = $this->json('fanfare:publish', ['channel' => 'orders', 'event' => 'paid', 'data' => '{"order": 7}', '--except' => '1.2', '--key' => 'k']);
        $this->assertSame([0, false], [$code, $answer['duplicate']]);
        $message = $fake->published('paid')[0];
        $this->assertSame([['orders'], '{"order": 7}', '1.2', 'k'], [$message->channels, $message->payload, $message->except, $message->key]);

        $this->assertSame(0, $this->silently('fanfare:publish', ['channel' => 'orders', 'event' => 'empty', '--async' => true])[0]);
        $this->assertSame('{}', $fake->published('empty')[0]->payload);
        $this->assertSame(0, $fake->unanswered());

        foreach ([['data' => '{order: 7}'], ['--except' => 'x'], ['channel' => 'private-encrypted-x']] as $wrong) {
            [$code, $output] = $this->silently('fanfare:publish', $wrong + ['channel' => 'orders', 'event' => 'wrong']);
            $this->assertSame(2, $code, $output);
        }
        $this->assertSame([], $fake->published('wrong'));

        $fake->failWith('the channel is not valid', false);
        [$code, $output] = $this->silently('fanfare:publish', ['channel' => 'orders', 'event' => 'x']);
        $this->assertSame(1, $code);
        $this->assertStringContainsString('The channel is not valid', $output);
    }

    public function test_every_command_has_help_with_an_example(): void
    {
        $this->console(self::settings());

        foreach (['install', 'start', 'stop', 'restart', 'reload', 'status', 'doctor', 'channels', 'connections', 'terminate', 'publish'] as $name) {
            [$code, $output] = $this->silently('help', ['command_name' => "fanfare:{$name}"]);
            $this->assertSame(0, $code);
            $this->assertStringContainsString("php artisan fanfare:{$name}", $output);
            $this->assertStringContainsString('Exit code', $output);
        }
    }

    public function test_the_health_page_fails_only_where_it_is_wanted(): void
    {
        $this->console(self::settings());
        $this->fake()->failWith('no daemon');
        Event::dispatch(new DiagnosingHealth);

        config(['fanfare.health' => true]);
        $this->expectExceptionMessage('no daemon');
        Event::dispatch(new DiagnosingHealth);
    }

    public function test_a_deployment_reloads_the_daemon(): void
    {
        $this->console(self::settings());
        $fake = $this->fake();

        $this->assertSame('fanfare:reload', ServiceProvider::$reloadCommands['fanfare'] ?? null);
        $this->silently('reload', ['--except' => 'queue,schedule']);
        $this->assertSame(['reload'], $fake->orders());
        $this->assertTrue(class_exists(CheckDaemon::class));
    }

    #[Group('no-extension')]
    public function test_the_doctor_names_the_extension_first(): void
    {
        if (extension_loaded('fanfare')) {
            $this->markTestSkipped('the extension is loaded');
        }
        $this->console(self::settings());

        [$code, $answer] = $this->json('fanfare:doctor', ['--without-browser' => true]);

        $this->assertSame(1, $code);
        $this->assertSame('failure', $answer['findings'][0]['status']);
        $this->assertStringContainsString('phpize', $answer['findings'][0]['fix']);
    }
}
