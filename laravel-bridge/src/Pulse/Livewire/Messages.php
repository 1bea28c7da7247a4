<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Pulse\Livewire;

use Livewire\Attributes\Lazy;

#[Lazy]
final class Messages extends FanfareCard
{
    protected function picture(): array
    {
        return ['title' => 'Fanfare Messages', 'event' => 'fanfare-messages', 'lines' => [
            ['type' => 'fanfare_message:sent', 'aggregate' => 'sum', 'label' => 'To clients', 'color' => '#9333ea'],
            ['type' => 'fanfare_message:received', 'aggregate' => 'sum', 'label' => 'From clients', 'color' => '#10b981'],
        ]];
    }
}
