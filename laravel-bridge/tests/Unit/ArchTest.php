<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Unit;

use Fanfare\Laravel\Broadcasting\DirectBroadcastManager;
use Fanfare\Laravel\FanfareManager;
use Fanfare\Laravel\Testing\FanfareFake;
use FilesystemIterator;
use PhpToken;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use RecursiveDirectoryIterator;
use RecursiveIteratorIterator;
use ReflectionClass;
use SplFileInfo;

/**
 * What every file of the package keeps to.
 */
final class ArchTest extends TestCase
{
    /** What a test or an application may want to extend. */
    private const NOT_FINAL = [FanfareManager::class, FanfareFake::class, DirectBroadcastManager::class];

    /** What prints, or stays behind from a search for a bug. */
    private const BANNED = ['dd', 'ddd', 'dump', 'ray', 'var_dump', 'print_r', 'var_export', 'debug_backtrace', 'debug_zval_refcount',
        'md5', 'sha1', 'rand', 'mt_rand', 'uniqid', 'unserialize', 'extract', 'compact', 'shell_exec', 'passthru', 'error_log'];

    /** What commands may do, and nothing that runs in a request. */
    private const FOR_COMMANDS = ['sleep', 'usleep', 'exec', 'system', 'proc_open', 'ini_set', 'putenv', 'getenv'];

    /**
     * @return iterable<string, array{string}>
     */
    public static function files(): iterable
    {
        $root = dirname(__DIR__, 2);

        foreach (['src', 'config'] as $folder) {
            $files = new RecursiveIteratorIterator(new RecursiveDirectoryIterator("{$root}/{$folder}", FilesystemIterator::SKIP_DOTS));

            /** @var SplFileInfo $file */
            foreach ($files as $file) {
                if ($file->getExtension() === 'php') {
                    yield substr($file->getPathname(), strlen($root) + 1) => [$file->getPathname()];
                }
            }
        }
    }

    /**
     * @return list<PhpToken> without spaces and comments
     */
    private static function tokens(string $file): array
    {
        return array_values(array_filter(
            PhpToken::tokenize((string) file_get_contents($file)), static fn (PhpToken $token): bool => ! $token->isIgnorable()
        ));
    }

    private static function isSource(string $file): bool
    {
        return str_starts_with($file, dirname(__DIR__, 2).'/src/');
    }

    private static function isIn(string $file, string $folder): bool
    {
        return str_starts_with($file, dirname(__DIR__, 2).'/src/'.$folder.'/');
    }

    /**
     * Commands, and what only they use.
     */
    private static function isForCommands(string $file): bool
    {
        return array_filter(
            ['Console', 'Support/Daemon', 'Support/Doctor', 'Support/Install'], static fn (string $folder): bool => self::isIn($file, $folder)
        ) !== [];
    }

    #[DataProvider('files')]
    public function test_types_are_strict(string $file): void
    {
        $this->assertMatchesRegularExpression('/\A<\?php\n\ndeclare\(strict_types=1\);\n/', (string) file_get_contents($file));
    }

    #[DataProvider('files')]
    public function test_a_class_is_final_abstract_or_meant_to_be_extended(string $file): void
    {
        // The cards extend one of Laravel Pulse's, which need not be installed.
        if (! self::isSource($file) || (self::isIn($file, 'Pulse/Livewire') && ! class_exists('Laravel\\Pulse\\Livewire\\Card'))) {
            $this->expectNotToPerformAssertions();

            return;
        }

        $name = 'Fanfare\\Laravel\\'.strtr(substr($file, strlen(dirname(__DIR__, 2).'/src/'), -4), '/', '\\');
        $this->assertTrue(class_exists($name) || interface_exists($name) || trait_exists($name) || enum_exists($name), "{$file} holds {$name}");

        $class = new ReflectionClass($name);
        $this->assertTrue(
            $class->isFinal() || $class->isAbstract() || $class->isInterface() || $class->isTrait() || $class->isEnum()
                || in_array($name, self::NOT_FINAL, true),
            "{$name} is open"
        );
        if (self::isIn($file, 'Contracts')) {
            $this->assertTrue($class->isInterface());
        }
    }

    #[DataProvider('files')]
    public function test_nothing_is_called_that_prints_sleeps_or_ends_the_process(string $file): void
    {
        $tokens = self::tokens($file);
        $command = self::isForCommands($file);
        $banned = $command ? self::BANNED : [...self::BANNED, ...self::FOR_COMMANDS];
        $statements = $command ? [T_EVAL, T_GLOBAL, T_GOTO] : [T_EVAL, T_GLOBAL, T_GOTO, T_EXIT, T_ECHO, T_PRINT];
        $found = [];

        foreach ($tokens as $at => $token) {
            $called = $token->is([T_STRING, T_NAME_FULLY_QUALIFIED]) && ($tokens[$at + 1] ?? null)?->text === '('
                && ! ($tokens[$at - 1] ?? null)?->is([T_OBJECT_OPERATOR, T_NULLSAFE_OBJECT_OPERATOR, T_DOUBLE_COLON, T_FUNCTION, T_NEW]);

            if ($token->is($statements) || ($called && in_array(ltrim(strtolower($token->text), '\\'), $banned, true))) {
                $found[] = "{$token->text} in line {$token->line}";
            }
        }

        $this->assertSame([], $found);
    }

    #[DataProvider('files')]
    public function test_the_environment_is_read_by_configuration_alone(string $file): void
    {
        $text = implode(' ', array_map(static fn (PhpToken $token): string => $token->text, self::tokens($file)));
        $pattern = self::isSource($file) ? '/(?<![\w>:] )\benv \(|\bEnv :: get\b|\$_(ENV|SERVER)\b/' : '/\$_(ENV|SERVER)\b/';

        $this->assertDoesNotMatchRegularExpression($pattern, $text);
    }

    #[DataProvider('files')]
    public function test_symbols_of_others_stand_where_they_belong(string $file): void
    {
        $found = [];

        foreach (self::tokens($file) as $token) {
            if (! $token->is([T_NAME_QUALIFIED, T_NAME_FULLY_QUALIFIED])) {
                continue;
            }

            $name = ltrim($token->text, '\\');

            // The extension may be missing: only the adapter names what is its.
            if (str_starts_with($name, 'Fanfare\\') && ! str_starts_with($name, 'Fanfare\\Laravel') && ! self::isIn($file, 'Extension')) {
                $found[] = $name;
            }
            // So may Pusher's SDK.
            if (str_starts_with($name, 'Pusher\\') && ! self::isIn($file, 'Compat')) {
                $found[] = $name;
            }
            // And assertions are for the fake.
            if (str_starts_with($name, 'PHPUnit\\') && ! self::isIn($file, 'Testing')) {
                $found[] = $name;
            }
        }

        $this->assertSame([], $found);
    }

    public function test_no_other_file_uses_the_extension_by_its_root_namespace(): void
    {
        $users = [];

        foreach (self::files() as $name => [$file]) {
            if (! self::isIn($file, 'Extension') && preg_match('/^use Fanfare(;| as )/m', (string) file_get_contents($file)) === 1) {
                $users[] = $name;
            }
        }

        $this->assertSame([], $users);
    }
}
