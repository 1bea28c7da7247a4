<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Pulse\Livewire;

use Illuminate\Contracts\Support\Renderable;
use Illuminate\Support\Facades\View;
use Laravel\Pulse\Livewire\Card;
use Livewire\Livewire;

/**
 * A card with one graph for each key that a recorder has written.
 */
abstract class FanfareCard extends Card
{
    /**
     * What the card is called, by which event its graphs are told of new figures, and its lines: type and aggregate of the
     * entries, label and color.
     *
     * @return array{title: string, event: string, lines: list<array{type: string, aggregate: 'count'|'min'|'max'|'sum'|'avg', label: string, color: string}>}
     */
    abstract protected function picture(): array;

    public function render(): Renderable
    {
        $picture = $this->picture();

        [$graphs, $time, $runAt] = $this->remember(fn (): array => $this->graphs($picture['lines']));

        if (Livewire::isLivewireRequest()) {
            $this->dispatch($picture['event'], graphs: $graphs);
        }

        return View::make('fanfare::livewire.graphs', $picture + ['graphs' => $graphs, 'time' => $time, 'runAt' => $runAt]);
    }

    /**
     * @param  list<array{type: string, aggregate: 'count'|'min'|'max'|'sum'|'avg', label: string, color: string}>  $lines
     * @return array<string, list<array<string, mixed>>> by key, then by line, the values by time
     */
    private function graphs(array $lines): array
    {
        $graphs = [];

        foreach ($lines as $index => $line) {
            foreach ($this->graph([$line['type']], $line['aggregate']) as $key => $types) {
                $graphs[$key] ??= array_fill(0, count($lines), []);
                foreach ($types as $values) {
                    $graphs[$key][$index] = $values->all();
                }
            }
        }
        ksort($graphs);

        return $graphs;
    }
}
