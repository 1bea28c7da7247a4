<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests;

use Composer\Autoload\ClassLoader;
use Illuminate\Filesystem\Filesystem;
use ReflectionClass;
use RuntimeException;
use Symfony\Component\Process\Process;

/**
 * The files of the smallest Laravel application, in a temporary directory.
 */
final class Skeleton
{
    public readonly string $path;

    public function __construct()
    {
        $this->path = sys_get_temp_dir().'/fanfare-bridge-'.bin2hex(random_bytes(6));

        foreach (['bootstrap/cache', 'config', 'routes', 'vendor/composer', 'resources/views', 'storage/framework/views',
            'storage/framework/cache', 'storage/logs', 'app', 'public'] as $directory) {
            mkdir($this->path.'/'.$directory, 0755, true);
        }

        $autoload = dirname((string) (new ReflectionClass(ClassLoader::class))->getFileName(), 2).'/autoload.php';
        $composer = json_decode((string) file_get_contents(dirname(__DIR__).'/composer.json'), true);

        $this->write('composer.json', '{"autoload": {"psr-4": {"App\\\\": "app/"}}}');
        $this->write('vendor/autoload.php', '<?php return require '.var_export($autoload, true).';');
        $this->write('vendor/composer/installed.json', (string) json_encode([
            'packages' => [['name' => $composer['name'], 'extra' => $composer['extra']]],
        ]));
        $this->write('artisan', <<<'PHP'
            <?php
            require __DIR__.'/vendor/autoload.php';
            $app = require __DIR__.'/bootstrap/app.php';
            exit($app->handleCommand(new Symfony\Component\Console\Input\ArgvInput));
            PHP);
        $this->write('bootstrap/app.php', <<<'PHP'
            <?php
            return Illuminate\Foundation\Application::configure(basePath: dirname(__DIR__))
                ->withRouting(channels: __DIR__.'/../routes/channels.php', commands: __DIR__.'/../routes/console.php')
                ->withMiddleware()
                ->withExceptions()
                ->create();
            PHP);
        $this->write('routes/channels.php', <<<'PHP'
            <?php
            Illuminate\Support\Facades\Broadcast::channel('orders.{id}', static fn ($user, $id) => $user->getAuthIdentifier() == $id);
            PHP);
        $this->write('routes/console.php', '<?php');
    }

    /**
     * @param  array<string, mixed>  $values
     */
    public function config(string $name, array $values): void
    {
        $this->write("config/{$name}.php", '<?php return '.var_export($values, true).';');
    }

    public function write(string $file, string $text): void
    {
        if (file_put_contents($this->path.'/'.$file, $text) === false) {
            throw new RuntimeException("{$this->path}/{$file} cannot be written");
        }
    }

    /**
     * A process of its own, in an environment that says nothing about Fanfare.
     *
     * @param  list<string>  $arguments
     * @param  array<string, string>  $env
     */
    public function artisan(array $arguments, array $env = []): Process
    {
        return $this->php(['artisan', ...$arguments], $env);
    }

    /**
     * @param  list<string>  $arguments
     * @param  array<string, string>  $env
     */
    public function php(array $arguments, array $env = []): Process
    {
        $process = new Process([PHP_BINARY, ...$arguments], $this->path, $env + [
            'BROADCAST_CONNECTION' => false, 'FANFARE_APP_ID' => false, 'FANFARE_APP_KEY' => false,
            'FANFARE_APP_SECRET' => false, 'FANFARE_SOCKET' => false, 'APP_ENV' => false,
        ]);
        $process->setTimeout(60)->run();

        return $process;
    }

    public function remove(): void
    {
        (new Filesystem)->deleteDirectory($this->path);
    }
}
