<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Pulse\Livewire;

use Livewire\Attributes\Lazy;

#[Lazy]
final class Connections extends FanfareCard
{
    protected function picture(): array
    {
        return ['title' => 'Fanfare Connections', 'event' => 'fanfare-connections', 'lines' => [
            ['type' => 'fanfare_connections', 'aggregate' => 'max', 'label' => 'Peak', 'color' => '#9333ea'],
            ['type' => 'fanfare_connections', 'aggregate' => 'avg', 'label' => 'Average', 'color' => '#10b981'],
        ]];
    }
}
