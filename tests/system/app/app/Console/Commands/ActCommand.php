<?php

declare(strict_types=1);

namespace App\Console\Commands;

use App\Testing\Actions;
use Illuminate\Console\Command;
use Throwable;

/**
 * Runs an action, or, without one, those that stand on standard input: a line of JSON each, answered by a line of JSON.
 * So a test has one PHP process that lives on.
 */
final class ActCommand extends Command
{
    protected $signature = 'test:act {action?} {input?}';

    protected $description = 'Run an action of the system tests';

    public function handle(): int
    {
        if ($this->argument('action') !== null) {
            $input = json_decode($this->argument('input') ?? '{}', true, flags: JSON_THROW_ON_ERROR);
            $this->line(json_encode(Actions::run($this->argument('action'), $input), JSON_THROW_ON_ERROR));

            return 0;
        }
        $this->line('"ready"');
        while (($line = fgets(STDIN)) !== false) {
            $request = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
            try {
                $answer = ['result' => Actions::run($request['action'], $request['input'] ?? [])];
            } catch (Throwable $e) {
                $answer = Actions::failure($e);
            }
            fwrite(STDOUT, json_encode($answer, JSON_THROW_ON_ERROR)."\n");
        }

        return 0;
    }
}
