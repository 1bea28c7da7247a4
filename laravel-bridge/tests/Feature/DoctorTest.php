<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Server\Stats;
use Fanfare\Laravel\Support\Connection;
use Fanfare\Laravel\Support\Doctor\BrowserCheck;
use Fanfare\Laravel\Support\Doctor\DaemonCheck;
use Fanfare\Laravel\Support\Doctor\Finding;
use Fanfare\Laravel\Support\Doctor\ReverbCheck;
use Fanfare\Laravel\Support\Doctor\SettingsCheck;
use Fanfare\Laravel\Support\Doctor\SocketCheck;
use Fanfare\Laravel\Support\Doctor\Status;
use Fanfare\Laravel\Support\Endpoint;
use Fanfare\Laravel\Support\ServedConnections;
use Fanfare\Laravel\Tests\CommandTestCase;
use PHPUnit\Framework\Attributes\DataProvider;
use Symfony\Component\Process\Process;

/**
 * Each check, on what it is for. The way of a browser through a real nginx is in tests/system.
 */
final class DoctorTest extends CommandTestCase
{
    private ?Process $server = null;

    protected function tearDown(): void
    {
        $this->server?->stop(0);
        parent::tearDown();
    }

    /**
     * @param  list<Finding>  $findings
     */
    private static function find(array $findings, Status $status, string $text): Finding
    {
        foreach ($findings as $finding) {
            if ($finding->status === $status && str_contains($finding->message, $text)) {
                self::assertNotSame('', $finding->check);

                return $finding;
            }
        }

        self::fail("No {$status->value} with \"{$text}\" in ".json_encode($findings));
    }

    /**
     * @return list<Finding>
     */
    private function settings(): array
    {
        $config = $this->app->make('config');

        return $this->app->make(SettingsCheck::class)->check(
            ServedConnections::all($config)['fanfare'], ServedConnections::configurations($config)['fanfare']
        );
    }

    public function test_the_socket(): void
    {
        $folder = $this->skeleton()->path;
        $check = new SocketCheck;

        $finding = self::find($check->check($folder.'/none.sock'), Status::Failure, 'does not exist');
        $this->assertStringContainsString('fanfare:start', (string) $finding->fix);
        $finding = self::find($check->check($folder.'/none/none.sock'), Status::Failure, 'does not exist');
        $this->assertStringContainsString('folder', (string) $finding->fix);
        self::find($check->check($folder.'/artisan'), Status::Failure, 'is a file and no socket');
        self::find($check->check('@abstract'), Status::Note, 'abstract');

        $server = stream_socket_server("unix://{$folder}/f.sock");
        chmod($folder.'/f.sock', 0660);
        self::find($check->check($folder.'/f.sock'), Status::Ok, 'mode 0660');
        fclose($server);
    }

    public function test_a_socket_that_this_user_may_not_use(): void
    {
        $autoload = (string) (new \ReflectionClass(\Composer\Autoload\ClassLoader::class))->getFileName();
        if (! function_exists('posix_setuid') || posix_geteuid() !== 0) {
            $this->markTestSkipped('needs root, who can become somebody else');
        }
        $folder = $this->skeleton()->path;
        chmod($folder, 0755);
        $server = stream_socket_server("unix://{$folder}/f.sock");
        chmod($folder.'/f.sock', 0660);
        chgrp($folder.'/f.sock', 'daemon');
        $script = 'require $argv[1]; class_exists("Fanfare\Laravel\Support\Doctor\Finding"); class_exists("Fanfare\Laravel\Support\Doctor\Status");'
            .'$check = new Fanfare\Laravel\Support\Doctor\SocketCheck; posix_setgid(65534); posix_setuid(65534);'
            .'foreach ($check->check($argv[2]) as $f) echo $f->status->value, ": ", $f->message, " | ", $f->fix, "\n";';

        $process = new Process([PHP_BINARY, '-r', $script, '--', dirname($autoload, 2).'/autoload.php', $folder.'/f.sock']);
        $process->mustRun();
        $this->assertStringContainsString('failure: '.$folder.'/f.sock may not be used by user "nobody" (owner root, group daemon, mode 0660) | sudo usermod -aG daemon nobody', $process->getOutput());

        chmod($folder, 0700);
        $process->mustRun();
        $this->assertStringContainsString('may not be entered', $process->getOutput());
        fclose($server);
    }

    public function test_what_the_daemon_says(): void
    {
        $this->console(self::CREDENTIALS);
        $fake = $this->fake();
        $check = fn (): array => $this->app->make(DaemonCheck::class)->check(Connection::fromConfig(self::CREDENTIALS));
        $now = (int) (microtime(true) * 1_000);

        $fake->withStats(new Stats('1.0', 0, extra: ['unix_ms' => $now]));
        self::find($check(), Status::Ok, 'accepted');
        self::find($check(), Status::Ok, 'is the daemon\'s');

        $fake->withStats(new Stats('1.0', 0, draining: true, extra: ['unix_ms' => $now - 120_000, 'state' => 'redis', 'uid' => 4_000_000, 'control' => false, 'log_messages' => true]));
        self::find($check(), Status::Warning, '120 seconds behind');
        self::find($check(), Status::Warning, 'letting go');
        self::find($check(), Status::Warning, 'does not reach Redis');
        self::find($check(), Status::Note, 'every message');

        $fake->withStats(new Stats('1.0', (int) getmypid()));
        self::find($check(), getrlimit() < 10_000 ? Status::Warning : Status::Ok, 'one for each client');

        $fake->failWith('the hello\'s clock is 700 s off, 600 are allowed');
        $this->assertSame('Clock', self::find($check(), Status::Failure, '700 s off')->check);
    }

    public function test_settings_that_are_right(): void
    {
        $this->skeleton()->write('.env', "FANFARE_APP_KEY=key-1\n");
        $this->console(self::CREDENTIALS);

        foreach ($this->settings() as $finding) {
            $this->assertSame(Status::Ok, $finding->status, $finding->message);
        }
    }

    public function test_settings_that_contradict(): void
    {
        $this->skeleton()->write('.env', "VITE_REVERB_APP_KEY=old-key\nVITE_REVERB_HOST=localhost\n");
        unlink($this->skeleton()->path.'/routes/channels.php');
        $this->skeleton()->write('bootstrap/app.php', str_replace("channels: __DIR__.'/../routes/channels.php', ", '', (string) file_get_contents($this->skeleton()->path.'/bootstrap/app.php')));
        $this->console(self::CREDENTIALS + ['options' => ['on_failure' => 'queue', 'mode' => 'async']], [
            'queue' => ['default' => 'sync', 'connections' => ['sync' => ['driver' => 'sync']]],
            'octane' => ['server' => 'swoole'],
        ]);

        $findings = $this->settings();
        self::find($findings, Status::Warning, 'the queue "sync", which tries at once');
        self::find($findings, Status::Warning, 'FANFARE_MODE=async');
        self::find($findings, Status::Warning, 'VITE_REVERB_APP_KEY is "old-key" and not "key-1"');
        self::find($findings, Status::Warning, 'no routes/channels.php');
        self::find($findings, Status::Note, 'Swoole');

        config(['fanfare.republish.connection' => 'nowhere']);
        self::find($this->settings(), Status::Failure, '"nowhere", which does not exist');
        config(['queue.default' => 'database', 'queue.connections.database' => ['driver' => 'database'], 'fanfare.republish.connection' => null]);
        self::find($this->settings(), Status::Note, 'wait for a worker');
        self::find($this->settings(), Status::Ok, 'goes to the queue "database"');
        config(['broadcasting.connections.fanfare.secret' => null]);
        self::find($this->settings(), Status::Failure, 'FANFARE_APP_SECRET=...');
    }

    public function test_another_broadcaster(): void
    {
        $this->console(self::CREDENTIALS);
        config(['broadcasting.default' => 'reverb']);
        $this->assertStringContainsString('FANFARE_REPLACE_REVERB', (string) self::find($this->settings(), Status::Failure, 'through "reverb"')->fix);

        $this->skeleton()->write('.env', "BROADCAST_DRIVER=fanfare\n");
        config(['broadcasting.default' => 'null']);
        $this->assertStringContainsString('BROADCAST_DRIVER', (string) self::find($this->settings(), Status::Failure, 'through "null"')->fix);
    }

    public function test_a_cached_configuration(): void
    {
        $this->skeleton()->write('.env', "FANFARE_HOST=localhost\n");
        $app = $this->console(self::CREDENTIALS);
        file_put_contents($app->getCachedConfigPath(), '<?php return '.var_export($app->make('config')->all(), true).';');
        $this->app = $this->bootAgain();
        self::find($this->settings(), Status::Ok, 'as new as the files');

        touch($this->skeleton()->path.'/config/broadcasting.php', time() + 60);
        self::find($this->settings(), Status::Warning, 'older than broadcasting.php');

        $this->skeleton()->write('.env', "FANFARE_HOST=ws.example.com\n");
        $this->assertStringContainsString('config:cache', (string) self::find($this->settings(), Status::Failure, 'FANFARE_HOST')->fix);
    }

    public function test_a_built_front_end_with_another_key(): void
    {
        $this->console(self::CREDENTIALS);
        mkdir($this->skeleton()->path.'/public/build/assets', 0755, true);
        $this->skeleton()->write('public/build/manifest.json', '{}');
        $this->skeleton()->write('public/build/assets/app.js', 'x("pusher:subscribe");key:"old"');
        self::find($this->settings(), Status::Warning, 'does not have the key');

        $this->skeleton()->write('public/build/assets/app.js', 'x("pusher:subscribe");key:"key-1"');
        self::find($this->settings(), Status::Ok, 'has the key');
    }

    public function test_what_is_left_of_reverb(): void
    {
        $project = $this->skeleton()->path;
        $check = new ReverbCheck([$project.'/etc/*.conf']);
        $this->assertSame([], $check->check($project));

        $this->skeleton()->write('Procfile', "web: x\nreverb: php artisan reverb:start\n");
        mkdir($project.'/etc');
        $this->skeleton()->write('etc/reverb.conf', "; command=php artisan reverb:start\n[program:reverb]\ncommand=php /srv/artisan reverb:start --host=0.0.0.0\n");

        $finding = self::find($check->check($project), Status::Warning, 'Procfile:2, etc/reverb.conf:3');
        $this->assertStringContainsString('fanfare:start', (string) $finding->fix);
    }

    #[DataProvider('strangers')]
    public function test_whatever_answers_in_the_place_of_the_daemon(string $answer, string $message, string $fix): void
    {
        $port = $this->stranger($answer);

        $findings = (new BrowserCheck(3.0))->check(new Endpoint('127.0.0.1', $port, false), 'key-1', 'http://localhost');

        $this->assertStringContainsString($fix, (string) self::find($findings, Status::Failure, $message)->fix);
    }

    /**
     * @return iterable<string, array{string, string, string}>
     */
    public static function strangers(): iterable
    {
        $head = static fn (string $status, string $more = '', string $body = ''): string => "HTTP/1.1 {$status}\r\n{$more}Content-Length: ".strlen($body)."\r\n\r\n{$body}";

        yield 'a proxy without upgrade' => [$head('426 Upgrade Required', "Upgrade: websocket\r\n"), 'taken the Upgrade headers off', 'proxy_set_header Upgrade'];
        yield 'a web server' => [$head('200 OK', "Server: nginx\r\n", '<html>'), '200 (nginx)', 'another one than the daemon'];
        yield 'a redirection' => [$head('301 Moved', "Location: https://localhost/app\r\n"), 'points to https://localhost/app', 'FANFARE_SCHEME'];
        yield 'no such path' => [$head('404 Not Found'), 'nothing is there', 'location /app/'];
        yield 'no daemon behind the proxy' => [$head('502 Bad Gateway'), 'does not reach the daemon', 'proxy_pass'];
        yield 'a port of TLS' => [$head('400 Bad Request', '', 'The plain HTTP request was sent to HTTPS port'), 'speaks TLS', 'FANFARE_SCHEME=https'];
        yield 'a door' => [$head('401 Unauthorized'), 'does not let it through', 'without authentication'];
        yield 'no HTTP' => ["-ERR what?\r\n", 'no WebSocket server (-ERR what?)', 'FANFARE_PORT'];
        yield 'nothing' => ['', 'nothing answers', 'FANFARE_SCHEME=https'];
        yield 'the answer to another' => ["HTTP/1.1 101 X\r\nSec-WebSocket-Accept: x\r\n\r\n", 'no WebSocket server', 'FANFARE_PORT'];
    }

    public function test_a_clock_that_is_wrong_there(): void
    {
        $port = $this->stranger("HTTP/1.1 404 X\r\nDate: ".gmdate('D, d M Y H:i:s', time() - 3_600)." GMT\r\nContent-Length: 0\r\n\r\n");

        self::find((new BrowserCheck(3.0))->check(new Endpoint('127.0.0.1', $port, false), 'k', null), Status::Warning, 'seconds behind');
    }

    public function test_nobody_there_and_no_name(): void
    {
        $check = new BrowserCheck(2.0);
        $server = stream_socket_server('tcp://127.0.0.1:0');
        $port = (int) substr((string) strrchr((string) stream_socket_get_name($server, false), ':'), 1);
        fclose($server);

        self::find($check->check(new Endpoint('127.0.0.1', $port, false), 'k', null), Status::Failure, 'refused');
        self::find($check->check(new Endpoint('nowhere.invalid', 80, false), 'k', null), Status::Failure, 'is not known');
        self::find($check->check(new Endpoint('127.0.0.1', $port, false), null, null), Status::Failure, 'no key');
    }

    public function test_plain_http_where_tls_is_expected(): void
    {
        $port = $this->stranger("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");

        $this->assertStringContainsString('FANFARE_SCHEME=http', (string) self::find(
            (new BrowserCheck(3.0))->check(new Endpoint('127.0.0.1', $port, true), 'k', null), Status::Failure, 'no TLS there'
        )->fix);
    }

    /**
     * Somebody who answers whatever comes with these bytes, then hangs up.
     */
    private function stranger(string $answer): int
    {
        $script = 'do { $s = @stream_socket_server("tcp://127.0.0.1:".random_int(20000, 31999)); } while (! $s); echo strrchr(stream_socket_get_name($s, false), ":"), "\n";'
            .'while ($c = stream_socket_accept($s, 20)) { fread($c, 4096); fwrite($c, base64_decode($argv[1])); fclose($c); }';
        $this->server = new Process([PHP_BINARY, '-r', $script, '--', base64_encode($answer)], null, null, null, 30);
        $this->server->start();
        $this->server->waitUntil(fn (): bool => str_contains($this->server->getOutput(), "\n"));

        return (int) substr(trim($this->server->getOutput()), 1);
    }
}

/**
 * How many descriptors this process may open.
 */
function getrlimit(): int
{
    $limit = posix_getrlimit()['soft openfiles'] ?? 0;

    return is_numeric($limit) ? (int) $limit : PHP_INT_MAX;
}
