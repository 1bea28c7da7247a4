<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Dotenv\Dotenv;
use Fanfare\Laravel\Support\Install\DevScript;
use Fanfare\Laravel\Support\Install\EnvFile;
use Fanfare\Laravel\Tests\CommandTestCase;
use PHPUnit\Framework\Attributes\DataProvider;

final class InstallTest extends CommandTestCase
{
    private const REVERB = "BROADCAST_CONNECTION=reverb\nREVERB_APP_ID=123\nREVERB_APP_KEY=reverb-key\nREVERB_APP_SECRET=reverb-secret\n"
        ."REVERB_HOST=ws.example.com\nREVERB_PORT=443\nREVERB_SCHEME=https\n\nVITE_REVERB_APP_KEY=\"\${REVERB_APP_KEY}\"\nVITE_REVERB_HOST=\"\${REVERB_HOST}\"\n";

    private const TAKE_OVER = 'Take over the credentials and the address of Reverb (REVERB_APP_ID and so on)? Browsers need no new build then.';

    private const SCRIPT = 'Start the daemon with "composer run dev", too?';

    private const CHANGE = 'Change these files?';

    /**
     * Laravel's skeleton as composer create-project leaves it, as far as the installer looks.
     */
    private function fresh(string $env = "APP_NAME=Laravel\nBROADCAST_CONNECTION=log\nQUEUE_CONNECTION=database\n"): void
    {
        $skeleton = $this->skeleton();
        mkdir($skeleton->path.'/resources/js', 0755, true);
        unlink($skeleton->path.'/routes/channels.php');
        $skeleton->write('.env', $env);
        $skeleton->write('bootstrap/app.php', <<<'PHP'
            <?php

            use Illuminate\Foundation\Application;

            return Application::configure(basePath: dirname(__DIR__))
                ->withRouting(
                    web: __DIR__.'/../routes/web.php',
                    commands: __DIR__.'/../routes/console.php',
                    health: '/up',
                )
                ->withMiddleware()
                ->withExceptions()
                ->create();

            PHP);
        $skeleton->write('routes/web.php', '<?php');
        $skeleton->write('package.json', "{\n    \"devDependencies\": {\n        \"axios\": \"^1.11.0\"\n    }\n}\n");
        $skeleton->write('resources/js/bootstrap.js', "import axios from 'axios';\nwindow.axios = axios;\n");
        $skeleton->write('resources/js/app.js', "import './bootstrap';\n");
    }

    private function file(string $name): string
    {
        return (string) file_get_contents($this->skeleton()->path.'/'.$name);
    }

    /**
     * @return array<string, ?string>
     */
    private function lines(): array
    {
        return Dotenv::parse($this->file('.env'));
    }

    /**
     * @return array<string, string> by name
     */
    private function everything(): array
    {
        $files = [];
        foreach (['.env', 'bootstrap/app.php', 'config/broadcasting.php', 'routes/channels.php', 'resources/js/echo.js',
            'resources/js/bootstrap.js', 'resources/js/app.js', 'package.json', 'composer.json'] as $name) {
            $files[$name] = $this->file($name);
        }

        return $files;
    }

    public function test_alone_it_sets_everything_up_and_the_second_time_nothing_changes(): void
    {
        $this->fresh();
        $this->console([]);
        unlink($this->skeleton()->path.'/config/broadcasting.php');

        [$code, $output] = $this->silently('fanfare:install');

        $this->assertSame(0, $code, $output);
        $lines = $this->lines();
        $this->assertSame('fanfare', $lines['BROADCAST_CONNECTION']);
        $this->assertMatchesRegularExpression('/^\d{6}$/', (string) $lines['FANFARE_APP_ID']);
        $this->assertMatchesRegularExpression('/^[0-9a-f]{20}$/', (string) $lines['FANFARE_APP_KEY']);
        $this->assertMatchesRegularExpression('/^[0-9a-f]{40}$/', (string) $lines['FANFARE_APP_SECRET']);
        $this->assertSame(32, strlen((string) base64_decode((string) $lines['FANFARE_ENCRYPTION_MASTER_KEY'], true)));
        $this->assertStringStartsWith('/', (string) $lines['FANFARE_SOCKET']);
        $this->assertSame($lines['FANFARE_APP_KEY'], $lines['VITE_REVERB_APP_KEY']);
        $this->assertSame(['localhost', '8080', 'http'], [$lines['VITE_REVERB_HOST'], $lines['VITE_REVERB_PORT'], $lines['VITE_REVERB_SCHEME']]);
        $this->assertArrayNotHasKey('FANFARE_DIRECT', $lines);
        $this->assertStringStartsWith("APP_NAME=Laravel\nBROADCAST_CONNECTION=fanfare\nQUEUE_CONNECTION=database\n", $this->file('.env'));
        $this->assertStringContainsString("        commands: __DIR__.'/../routes/console.php',\n        channels: __DIR__.'/../routes/channels.php',\n", $this->file('bootstrap/app.php'));
        $this->assertStringContainsString('App.Models.User.{id}', $this->file('routes/channels.php'));
        $this->assertStringContainsString("broadcaster: 'reverb'", $this->file('resources/js/echo.js'));
        $this->assertStringContainsString("import './echo'", $this->file('resources/js/bootstrap.js'));
        $this->assertStringContainsString('npm install --save-dev laravel-echo pusher-js', $output);
        $this->assertStringNotContainsString((string) $lines['FANFARE_APP_SECRET'], $output);

        $before = $this->everything();
        $this->console([]);
        unlink($this->skeleton()->path.'/config/broadcasting.php');
        file_put_contents($this->skeleton()->path.'/config/broadcasting.php', $before['config/broadcasting.php']);
        [$code, $output] = $this->silently('fanfare:install');

        $this->assertSame(0, $code);
        $this->assertStringContainsString('nothing was changed', $output);
        $this->assertSame($before, $this->everything());
    }

    public function test_it_asks_before_it_edits_and_no_means_no(): void
    {
        $this->fresh();
        $this->console([]);
        $before = $this->file('.env');

        $this->artisan('fanfare:install')
            ->expectsConfirmation(self::directQuestion(), 'yes')
            ->expectsConfirmation(self::CHANGE, 'no')
            ->expectsOutputToContain('Nothing was changed')
            ->assertExitCode(1)
            ->run();

        $this->assertSame($before, $this->file('.env'));
        $this->assertFileDoesNotExist($this->skeleton()->path.'/resources/js/echo.js');
    }

    public function test_what_is_answered_counts(): void
    {
        $this->fresh();
        $this->skeleton()->write('composer.json', (string) json_encode(['scripts' => ['dev' => ['npx concurrently -c "#93c5fd,#fdba74" "php artisan serve" "npm run dev" --names=server,vite --kill-others']]], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES));
        $this->console([]);

        $command = $this->artisan('fanfare:install')->expectsConfirmation(self::directQuestion(), 'yes');
        if (! class_exists('Illuminate\Foundation\DevCommands')) {
            $command->expectsConfirmation(self::SCRIPT, 'yes');
        }
        $command->expectsConfirmation(self::CHANGE, 'yes')
            ->expectsConfirmation('Run "npm install --save-dev laravel-echo pusher-js"?', 'no')
            ->assertExitCode(0)
            ->run();

        $this->assertSame('true', $this->lines()['FANFARE_DIRECT']);
        $this->assertSame(! class_exists('Illuminate\Foundation\DevCommands'), str_contains($this->file('composer.json'), 'php artisan fanfare:start'));
    }

    public function test_reverbs_credentials_are_taken_over(): void
    {
        $this->fresh(self::REVERB);
        $this->console([]);

        [$code, $output] = $this->silently('fanfare:install', ['--switch' => true]);

        $this->assertSame(0, $code, $output);
        $lines = $this->lines();
        $this->assertSame(['fanfare', '123', 'reverb-key', 'reverb-secret', 'ws.example.com', '443', 'https'], array_map(
            static fn (string $name): ?string => $lines[$name],
            ['BROADCAST_CONNECTION', 'FANFARE_APP_ID', 'FANFARE_APP_KEY', 'FANFARE_APP_SECRET', 'FANFARE_HOST', 'FANFARE_PORT', 'FANFARE_SCHEME']
        ));
        // What browsers have been built with says the same, so it stays.
        $this->assertStringContainsString('VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"', $this->file('.env'));
        $this->assertStringContainsString('VITE_REVERB_PORT="${FANFARE_PORT}"', $this->file('.env'));
    }

    public function test_reverbs_credentials_are_not_taken_over_against_the_answer(): void
    {
        $this->fresh(self::REVERB);
        $this->console([]);

        $this->artisan('fanfare:install', ['--switch' => true, '--direct' => true])
            ->expectsConfirmation(self::TAKE_OVER, 'no')
            ->expectsConfirmation(self::CHANGE, 'yes')
            ->expectsConfirmation('Run "npm install --save-dev laravel-echo pusher-js"?', 'no')
            ->assertExitCode(0)
            ->run();

        $lines = $this->lines();
        $this->assertNotSame('reverb-key', $lines['FANFARE_APP_KEY']);
        $this->assertSame($lines['FANFARE_APP_KEY'], $lines['VITE_REVERB_APP_KEY']);
        $this->assertSame('localhost', $lines['VITE_REVERB_HOST']);
        $this->assertSame('reverb-key', $lines['REVERB_APP_KEY']);
    }

    public function test_alone_it_does_not_take_the_place_of_a_broadcaster_in_use(): void
    {
        $this->fresh("BROADCAST_CONNECTION=ably\n");
        $this->console([]);

        [$code, $output] = $this->silently('fanfare:install');

        $this->assertSame(0, $code);
        $this->assertSame('ably', $this->lines()['BROADCAST_CONNECTION']);
        $this->assertArrayHasKey('FANFARE_APP_ID', $this->lines());
        $this->assertStringContainsString('still broadcasts through "ably"', $output);
    }

    public function test_a_dry_run_changes_nothing(): void
    {
        $this->fresh();
        $this->console([]);
        $before = $this->file('.env');

        [$code, $output] = $this->silently('fanfare:install', ['--dry-run' => true]);

        $this->assertSame(0, $code);
        $this->assertStringContainsString('FANFARE_APP_SECRET', $output);
        $this->assertSame($before, $this->file('.env'));
        $this->assertFileDoesNotExist($this->skeleton()->path.'/routes/channels.php');
    }

    public function test_without_an_env_file_the_lines_are_shown(): void
    {
        $this->fresh();
        unlink($this->skeleton()->path.'/.env');
        $this->console([]);

        [$code, $output] = $this->silently('fanfare:install', ['--without-echo' => true]);

        $this->assertSame(0, $code, $output);
        $this->assertStringContainsString('There is no .env', $output);
        $this->assertMatchesRegularExpression('/^  FANFARE_APP_SECRET=[0-9a-f]{40}/m', $output);
        $this->assertFileDoesNotExist($this->skeleton()->path.'/.env');
        $this->assertFileDoesNotExist($this->skeleton()->path.'/routes/channels.php');
    }

    public function test_lines_of_the_environment_are_not_made_up_again(): void
    {
        $this->fresh();
        putenv('FANFARE_APP_ID=from-outside');
        $this->console([]);

        try {
            $this->silently('fanfare:install');
        } finally {
            putenv('FANFARE_APP_ID');
        }

        $this->assertArrayNotHasKey('FANFARE_APP_ID', $this->lines());
        $this->assertArrayHasKey('FANFARE_APP_KEY', $this->lines());
    }

    public function test_a_file_that_cannot_be_written_is_told_and_exits_with_1(): void
    {
        $this->fresh();
        $this->console([]);
        // A folder is where the file should go, which stops root as well.
        mkdir($this->skeleton()->path.'/routes/channels.php.d');
        rename($this->skeleton()->path.'/resources/js', $this->skeleton()->path.'/resources/js-gone');
        $this->skeleton()->write('resources/js', 'no folder');

        [$code, $output] = $this->silently('fanfare:install');

        $this->assertSame(1, $code, $output);
        $this->assertStringContainsString('cannot be made', $output);
    }

    public function test_permissions_and_links_of_the_env_file_stay(): void
    {
        $this->fresh();
        rename($this->skeleton()->path.'/.env', $this->skeleton()->path.'/shared.env');
        symlink($this->skeleton()->path.'/shared.env', $this->skeleton()->path.'/.env');
        chmod($this->skeleton()->path.'/shared.env', 0640);
        $this->console([]);

        $this->silently('fanfare:install');

        clearstatcache();
        $this->assertTrue(is_link($this->skeleton()->path.'/.env'));
        $this->assertSame(0640, fileperms($this->skeleton()->path.'/shared.env') & 0777);
        $this->assertStringContainsString('FANFARE_APP_ID', $this->file('shared.env'));
        $this->assertSame([], glob($this->skeleton()->path.'/shared.env.*'));
    }

    public function test_vue_gets_its_own_echo(): void
    {
        $this->fresh();
        $this->skeleton()->write('package.json', '{"dependencies": {"vue": "^3.5"}}');
        $this->skeleton()->write('resources/js/app.ts', "import './bootstrap';\nimport { createApp } from 'vue';\n\ncreateApp({}).mount('#app');\n");
        $this->console([]);

        [, $output] = $this->silently('fanfare:install');
        $text = $this->file('resources/js/app.ts');
        $this->silently('fanfare:install');

        $this->assertStringContainsString("import { createApp } from 'vue';\nimport { configureEcho } from '@laravel/echo-vue';\n\nconfigureEcho({\n    broadcaster: 'reverb',\n});\n", $text);
        $this->assertStringContainsString('@laravel/echo-vue', $output);
        $this->assertSame($text, $this->file('resources/js/app.ts'));
        $this->assertFileDoesNotExist($this->skeleton()->path.'/resources/js/echo.js');
    }

    #[DataProvider('routings')]
    public function test_channels_are_routed_whatever_the_form(string $before, string $after): void
    {
        $this->fresh();
        $this->console([]);
        $this->skeleton()->write('bootstrap/app.php', $before);

        $this->silently('fanfare:install');

        $this->assertSame($after, $this->file('bootstrap/app.php'));
    }

    /**
     * @return iterable<string, array{string, string}>
     */
    public static function routings(): iterable
    {
        $line = "channels: __DIR__.'/../routes/channels.php',";

        yield 'a comment' => ["<?php app()->withRouting(\n    // channels: __DIR__.'/../routes/channels.php',\n);\n", "<?php app()->withRouting(\n    {$line}\n);\n"];
        yield 'in one line' => ["<?php\nreturn x()\n    ->withRouting(web: 'a')\n    ->create();\n", "<?php\nreturn x()\n    ->withRouting(\n        {$line}web: 'a')\n    ->create();\n"];
        yield 'there' => ["<?php x()->withRouting(\n    channels: 'x',\n);\n", "<?php x()->withRouting(\n    channels: 'x',\n);\n"];
        yield 'with broadcasting' => ["<?php x()->withRouting(web: 'a')\n->withBroadcasting(__DIR__.'/x');\n", "<?php x()->withRouting(web: 'a')\n->withBroadcasting(__DIR__.'/x');\n"];
        yield 'none' => ["<?php\nreturn app();\n", "<?php\nreturn app();\n"];
    }

    public function test_lines_are_set_where_they_stand(): void
    {
        $env = new EnvFile("A=1\r\n# FANFARE_APP_ID=comment\r\nexport FANFARE_APP_ID=\r\nB='x y'\r\n");
        $env->fill('FANFARE_APP_ID', '7');
        $env->fill('B', 'other');
        $env->set('C', 'with "quotes" and $dollar');

        $this->assertSame("A=1\r\n# FANFARE_APP_ID=comment\r\nFANFARE_APP_ID=7\r\nB='x y'\r\n\r\nC=\"with \\\"quotes\\\" and \\\$dollar\"\r\n", $env->text());
        $this->assertSame(['FANFARE_APP_ID', 'C'], $env->changes());
        $this->assertSame('with "quotes" and $dollar', Dotenv::parse($env->text())['C']);
    }

    public function test_the_development_script_of_the_skeleton_gets_the_daemon(): void
    {
        $composer = <<<'JSON'
            {
                "scripts": {
                    "dev": [
                        "Composer\\Config::disableProcessTimeout",
                        "npx concurrently -c \"#93c5fd,#c4b5fd,#fb7185,#fdba74\" \"php artisan serve\" \"php artisan queue:listen --tries=1 --timeout=0\" \"php artisan pail --timeout=0\" \"npm run dev\" --names=server,queue,logs,vite --kill-others"
                    ]
                }
            }
            JSON;

        $with = DevScript::with($composer);

        $this->assertSame(str_replace(
            ['#fdba74\"', '\"npm run dev\"', 'logs,vite'], ['#fdba74,#86efac\"', '\"npm run dev\" \"php artisan fanfare:start\"', 'logs,vite,fanfare'], $composer
        ), $with);
        $this->assertNull(DevScript::with((string) $with));
        $this->assertNull(DevScript::with('{"scripts": {"dev": "vite"}}'));
        $this->assertNull(DevScript::with('no json'));
    }

    private static function directQuestion(): string
    {
        return 'Publish events of ShouldBroadcast at once instead of through the queue (FANFARE_DIRECT=true)? '.\Fanfare\Laravel\Console\DirectFigures::REASON;
    }
}
