<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests;

use Illuminate\Console\OutputStyle;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Testing\Concerns\InteractsWithConsole;
use Laravel\Prompts\Prompt;
use Mockery;
use Symfony\Component\Console\Output\BufferedOutput;

/**
 * Runs commands in the application of this process: artisan() of Laravel's own tests, with questions and answers.
 */
abstract class CommandTestCase extends TestCase
{
    use InteractsWithConsole;

    protected ?Application $app = null;

    protected function tearDown(): void
    {
        $this->app = null;
        Prompt::setOutput(new BufferedOutput);
        if (($container = Mockery::getContainer()) !== null) {
            $this->addToAssertionCount($container->mockery_getExpectationCount());
        }
        Mockery::close();
        parent::tearDown();
    }

    /**
     * @param  array<string, mixed>  $connection
     * @param  array<string, array<string, mixed>>  $config
     */
    protected function console(array $connection = self::CREDENTIALS, array $config = []): Application
    {
        $this->app = $this->boot($connection, $config);
        $this->app->make(Kernel::class)->bootstrap();

        return $this->app;
    }

    /**
     * Runs a command that asks nothing.
     *
     * @param  array<string, mixed>  $parameters
     * @return array{int, string} exit code and output
     */
    protected function silently(string $command, array $parameters = []): array
    {
        $this->app?->offsetUnset(OutputStyle::class);
        $output = new BufferedOutput;
        $code = (int) $this->app?->make(Kernel::class)->call($command, $parameters + ['--no-interaction' => true], $output);

        return [$code, $output->fetch()];
    }

    /**
     * The answer of a command with --json.
     *
     * @param  array<string, mixed>  $parameters
     * @return array{int, array<string, mixed>}
     */
    protected function json(string $command, array $parameters = []): array
    {
        [$code, $text] = $this->silently($command, $parameters + ['--json' => true]);
        $answer = json_decode($text, true);
        $this->assertIsArray($answer, $text);

        return [$code, $answer];
    }
}
