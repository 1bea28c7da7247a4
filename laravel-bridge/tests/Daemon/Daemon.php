<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Daemon;

use RuntimeException;
use Symfony\Component\Process\Process;

/**
 * A real fanfared with two applications, in a directory of its own.
 */
final class Daemon
{
    public readonly string $socket;

    public readonly int $port;

    private ?Process $process = null;

    private readonly string $directory;

    public function __construct(private readonly string $executable, string $sections = '')
    {
        $this->directory = sys_get_temp_dir().'/fanfare-daemon-'.bin2hex(random_bytes(6));
        mkdir($this->directory);
        $this->socket = $this->directory.'/f.sock';
        $this->port = self::freePort();
        file_put_contents($this->directory.'/fanfare.conf', <<<CONF
            [server]
            listen = 127.0.0.1:{$this->port}
            workers = 1
            [ipc]
            socket = {$this->socket}
            [admin]
            listen =
            [limits]
            max_event_size = 100K
            {$sections}
            [app "app-1"]
            key = key-1
            secret = secret-of-app-1
            [app "app-2"]
            key = key-2
            secret = secret-of-app-2

            CONF);
        $this->start();
    }

    /**
     * Does not wait until it is there.
     */
    public function launch(): void
    {
        $this->process = new Process([$this->executable, '--config', $this->directory.'/fanfare.conf'], $this->directory);
        $this->process->start();
    }

    public function start(): void
    {
        $this->launch();
        $end = microtime(true) + 10;

        foreach (["unix://{$this->socket}", "tcp://127.0.0.1:{$this->port}"] as $address) {
            while (! ($connection = @stream_socket_client($address, timeout: 1))) {
                if (! $this->process->isRunning() || microtime(true) > $end) {
                    throw new RuntimeException('fanfared did not start: '.$this->process->getErrorOutput());
                }
                usleep(2_000); // a refused connection gives no event to wait for: it is tried again
            }
            fclose($connection);
        }
    }

    public function stop(): void
    {
        $this->process?->stop(10);
        $this->process = null;
    }

    public function remove(): void
    {
        $this->stop();
        foreach (array_diff((array) scandir($this->directory), ['.', '..']) as $file) {
            unlink($this->directory.'/'.$file);
        }
        rmdir($this->directory);
    }

    private static function freePort(): int
    {
        for ($try = 0; $try < 100; $try++) {
            $port = random_int(20_000, 31_999);
            $server = @stream_socket_server("tcp://127.0.0.1:{$port}");
            if ($server !== false) {
                fclose($server);

                return $port;
            }
        }

        throw new RuntimeException('no free port');
    }
}
