<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Install;

use Illuminate\Foundation\Application;
use Illuminate\Foundation\Console\BroadcastingInstallCommand;
use ReflectionClass;

/**
 * What an application needs to broadcast and does not have yet: the files that Laravel's own installer makes, for Echo with
 * a server of one's own. Whatever is there already stays as it is.
 */
final class Broadcasting
{
    private const ECHO_HELPERS = ['react' => '@laravel/echo-react', 'vue' => '@laravel/echo-vue'];

    /** @var list<string> what somebody has to do by hand */
    private array $byHand = [];

    public function __construct(private readonly Application $app)
    {
    }

    /**
     * @return list<Change>
     */
    public function changes(): array
    {
        return array_values(array_filter([
            $this->configuration(), $this->channels(), $this->routing(), ...$this->browser(),
        ]));
    }

    /**
     * @return list<string>
     */
    public function byHand(): array
    {
        return $this->byHand;
    }

    /**
     * The packages of npm that Echo needs and package.json does not name.
     *
     * @return list<string>
     */
    public function missingPackages(): array
    {
        $package = $this->json('package.json');

        if ($package === null) {
            return [];
        }
        $helper = $this->echoHelper();

        return array_values(array_filter(
            ['laravel-echo', 'pusher-js', ...($helper === null ? [] : [$helper])],
            fn (string $name): bool => ! $this->needs($package, $name)
        ));
    }

    /**
     * The command that adds them, for the package manager whose lock file is there.
     *
     * @param  list<string>  $packages
     * @return non-empty-list<string>
     */
    public function npmCommand(array $packages): array
    {
        return [...match (true) {
            is_file($this->app->basePath('pnpm-lock.yaml')) => ['pnpm', 'add', '--save-dev'],
            is_file($this->app->basePath('yarn.lock')) => ['yarn', 'add', '--dev'],
            is_file($this->app->basePath('bun.lock')), is_file($this->app->basePath('bun.lockb')) => ['bun', 'add', '--dev'],
            default => ['npm', 'install', '--save-dev'],
        }, ...$packages];
    }

    /**
     * "npm run build", for the same package manager.
     *
     * @return non-empty-list<string>
     */
    public function buildCommand(): array
    {
        return [$this->npmCommand([])[0], 'run', 'build'];
    }

    private function configuration(): ?Change
    {
        $file = $this->app->configPath('broadcasting.php');

        if (is_file($file)) {
            return null;
        }
        $framework = dirname((string) (new ReflectionClass(BroadcastingInstallCommand::class))->getFileName(), 5).'/config/broadcasting.php';
        $text = is_file($framework) ? file_get_contents($framework) : false;

        // Without it Laravel takes the very same file from its own folder.
        return $text === false ? null : new Change($file, $text, 'config/broadcasting.php, as Laravel publishes it');
    }

    private function channels(): ?Change
    {
        $file = $this->app->basePath('routes/channels.php');

        return is_file($file) ? null : new Change($file, $this->stub('broadcasting-routes.stub') ?? <<<'PHP'
            <?php

            use Illuminate\Support\Facades\Broadcast;

            Broadcast::channel('App.Models.User.{id}', function ($user, $id) {
                return (int) $user->id === (int) $id;
            });

            PHP, 'routes/channels.php, for the authorization of channels');
    }

    private function routing(): ?Change
    {
        $file = $this->app->bootstrapPath('app.php');
        $text = is_file($file) ? file_get_contents($file) : false;
        $line = "channels: __DIR__.'/../routes/channels.php',";

        if ($text === false || preg_match('/^\s*channels\s*:|[(,]\s*channels\s*:|withBroadcasting\s*\(/m', $text) === 1) {
            return null;
        }

        // An application that has come from Laravel 10 registers its channels in a provider.
        if (! str_contains($text, 'withRouting(')) {
            if (! is_file($this->app->path('Providers/BroadcastServiceProvider.php'))) {
                $this->byHand[] = 'Register the channels: call Broadcast::routes() and require base_path(\'routes/channels.php\') in a service provider.';
            }

            return null;
        }
        $new = preg_replace_callback('#^([ \t]*)//[ \t]*channels:.*$#m', static fn (array $match): string => $match[1].$line, $text, 1, $count);
        if ($count !== 1) {
            $new = preg_replace_callback("/^([ \t]*)commands:[^\n]*,[ \t]*\r?\n/m", static fn (array $match): string => $match[0].$match[1].$line."\n", $text, 1, $count);
        }
        if ($count !== 1) {
            $new = preg_replace_callback('/([ \t]*)->withRouting\(/', static fn (array $match): string => $match[0]."\n".$match[1].'    '.$line, $text, 1);
        }

        return $new === null || $new === $text ? null : new Change($file, $new, 'bootstrap/app.php: withRouting(channels: ...)');
    }

    /**
     * @return list<?Change>
     */
    private function browser(): array
    {
        // An application without a front end of its own needs none of it.
        if (! is_file($this->app->basePath('package.json'))) {
            return [];
        }
        $helper = $this->echoHelper();

        if ($helper !== null) {
            return [$this->frameworkEcho($helper)];
        }
        $echo = $this->app->resourcePath('js/echo.js');
        $changes = [];

        if (! is_file($echo) && ! is_file($this->app->resourcePath('js/echo.ts'))) {
            $changes[] = new Change($echo, $this->stub('echo-js-reverb.stub') ?? self::ECHO, 'resources/js/echo.js: Echo for a server of one\'s own');
        } elseif (is_file($echo) && preg_match('/broadcaster\s*:\s*[\'"](\w+)[\'"]/', (string) file_get_contents($echo), $match) === 1 && $match[1] !== 'reverb') {
            $this->byHand[] = "resources/js/echo.js is set up for \"{$match[1]}\". Fanfare wants broadcaster: 'reverb', with key, wsHost, wsPort, wssPort and forceTLS from VITE_REVERB_*.";
        }

        foreach (['bootstrap.js', 'bootstrap.ts', 'app.js', 'app.ts'] as $name) {
            $file = $this->app->resourcePath("js/{$name}");

            if (! is_file($file)) {
                continue;
            }
            $text = (string) file_get_contents($file);

            // Both are looked at: an application may have moved the line.
            if (! str_contains($text, './echo') && ! $this->importsEcho()) {
                $changes[] = new Change($file, rtrim($text)."\n\n".trim($this->stub('echo-bootstrap-js.stub') ?? "import './echo';")."\n", "resources/js/{$name}: import './echo'");
            }

            return $changes;
        }

        if (! $this->importsEcho()) {
            $this->byHand[] = "Import resources/js/echo.js in the application's JavaScript: import './echo';";
        }

        return $changes;
    }

    private function importsEcho(): bool
    {
        foreach (glob($this->app->resourcePath('js').'/*.{js,ts,jsx,tsx}', GLOB_BRACE) ?: [] as $file) {
            if (preg_match('#[\'"]\./echo(\.[jt]s)?[\'"]#', (string) file_get_contents($file)) === 1) {
                return true;
            }
        }

        return false;
    }

    private function frameworkEcho(string $helper): ?Change
    {
        foreach (['app.tsx', 'app.jsx', 'app.ts', 'app.js'] as $name) {
            $file = $this->app->resourcePath("js/{$name}");

            if (! is_file($file)) {
                continue;
            }
            $text = (string) file_get_contents($file);

            if (str_contains($text, 'configureEcho(') || str_contains($text, 'new Echo(') || $this->importsEcho()) {
                return null;
            }
            $call = "configureEcho({\n    broadcaster: 'reverb',\n});";
            $import = "import { configureEcho } from '{$helper}';";

            if (preg_match_all('/^import\b[^;]*;[ \t]*$/m', $text, $imports, PREG_OFFSET_CAPTURE) > 0) {
                $last = $imports[0][count($imports[0]) - 1];
                $at = $last[1] + strlen($last[0]);
                $text = substr($text, 0, $at)."\n{$import}\n\n{$call}".substr($text, $at);
            } else {
                $text = "{$import}\n\n{$call}\n\n{$text}";
            }

            return new Change($file, $text, "resources/js/{$name}: configureEcho() of {$helper}");
        }
        $this->byHand[] = "Set up Echo in the application's JavaScript: import { configureEcho } from '{$helper}'; configureEcho({ broadcaster: 'reverb' });";

        return null;
    }

    private function echoHelper(): ?string
    {
        $package = $this->json('package.json') ?? [];

        foreach (self::ECHO_HELPERS as $framework => $helper) {
            if ($this->needs($package, $framework)) {
                return $helper;
            }
        }

        return null;
    }

    /**
     * @param  array<array-key, mixed>  $package
     */
    private function needs(array $package, string $name): bool
    {
        foreach (['dependencies', 'devDependencies'] as $kind) {
            if (is_array($package[$kind] ?? null) && isset($package[$kind][$name])) {
                return true;
            }
        }

        return false;
    }

    /**
     * @return ?array<array-key, mixed>
     */
    private function json(string $file): ?array
    {
        $text = @file_get_contents($this->app->basePath($file));
        $json = $text === false ? null : json_decode($text, true);

        return is_array($json) ? $json : null;
    }

    /**
     * What Laravel's own installer copies, so that an application gets the form of its Laravel.
     */
    private function stub(string $name): ?string
    {
        $file = dirname((string) (new ReflectionClass(BroadcastingInstallCommand::class))->getFileName()).'/stubs/'.$name;
        $text = is_file($file) ? file_get_contents($file) : false;

        return $text === false ? null : $text;
    }

    private const ECHO = <<<'JS'
        import Echo from 'laravel-echo';
        import Pusher from 'pusher-js';

        window.Pusher = Pusher;

        window.Echo = new Echo({
            broadcaster: 'reverb',
            key: import.meta.env.VITE_REVERB_APP_KEY,
            wsHost: import.meta.env.VITE_REVERB_HOST,
            wsPort: import.meta.env.VITE_REVERB_PORT ?? 80,
            wssPort: import.meta.env.VITE_REVERB_PORT ?? 443,
            forceTLS: (import.meta.env.VITE_REVERB_SCHEME ?? 'https') === 'https',
            enabledTransports: ['ws', 'wss'],
        });

        JS;
}
