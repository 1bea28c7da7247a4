<x-pulse::card :cols="$cols" :rows="$rows" :class="$class">
    <x-pulse::card-header
        :name="$title"
        title="Time: {{ number_format($time) }}ms; Run at: {{ $runAt }};"
        details="past {{ $this->periodForHumans() }}"
    >
        <x-slot:icon>
            <x-pulse::icons.arrows-left-right />
        </x-slot:icon>
        <x-slot:actions>
            <div class="flex flex-wrap gap-4">
                @foreach ($lines as $line)
                    <div class="flex items-center gap-2 text-xs text-gray-600 dark:text-gray-400 font-medium">
                        <div class="h-0.5 w-3 rounded-full" style="background-color: {{ $line['color'] }}"></div>
                        {{ $line['label'] }}
                    </div>
                @endforeach
            </div>
        </x-slot:actions>
    </x-pulse::card-header>

    <x-pulse::scroll :expand="$expand" wire:poll.5s="">
        @if ($graphs === [])
            <x-pulse::no-results />
        @else
            <div class="grid gap-3 mx-px mb-px">
                @foreach ($graphs as $key => $values)
                    <div wire:key="{{ $event }}:{{ $key }}">
                        <h3 class="font-bold text-gray-700 dark:text-gray-300">{{ $key }}</h3>
                        <div class="mt-3 relative">
                            <div class="absolute -left-px -top-2 max-w-fit h-4 flex items-center px-1 text-xs leading-none text-white font-bold bg-purple-500 rounded">
                                {{ number_format(collect($values)->flatten()->max() ?? 0) }}
                            </div>
                            <div
                                wire:ignore
                                class="h-14"
                                x-data="fanfareGraph(@js(['key' => (string) $key, 'event' => $event, 'lines' => $lines, 'values' => $values]))"
                            >
                                <canvas x-ref="canvas" class="ring-1 ring-gray-900/5 dark:ring-gray-100/10 bg-gray-50 dark:bg-gray-800 rounded-md shadow-sm"></canvas>
                            </div>
                        </div>
                    </div>
                @endforeach
            </div>
        @endif
    </x-pulse::scroll>
</x-pulse::card>

@script
<script>
Alpine.data('fanfareGraph', ({ key, event, lines, values }) => ({
    init() {
        const labels = (values) => Object.keys(values.find((line) => Object.keys(line).length > 0) ?? {})
        const highest = (values) => Math.max(1, ...values.flatMap((line) => Object.values(line)))

        let chart = new Chart(this.$refs.canvas, {
            type: 'line',
            data: {
                labels: labels(values),
                datasets: lines.map((line, index) => ({
                    label: line.label,
                    borderColor: line.color,
                    data: Object.values(values[index] ?? {}),
                })),
            },
            options: {
                maintainAspectRatio: false,
                layout: { autoPadding: false, padding: { top: 1 } },
                datasets: {
                    line: { borderWidth: 2, borderCapStyle: 'round', pointHitRadius: 10, pointStyle: false, tension: 0.2, spanGaps: false },
                },
                scales: { x: { display: false }, y: { display: false, min: 0, max: highest(values) } },
                plugins: {
                    legend: { display: false },
                    tooltip: {
                        mode: 'index',
                        position: 'nearest',
                        intersect: false,
                        callbacks: {
                            beforeBody: (items) => items.map((item) => `${item.dataset.label}: ${item.formattedValue}`).join(', '),
                            label: () => null,
                        },
                    },
                },
            },
        })

        Livewire.on(event, ({ graphs }) => {
            if (chart === undefined) {
                return
            }

            // Nothing was recorded in the period that is shown now.
            if (graphs[key] === undefined) {
                chart.destroy()
                chart = undefined

                return
            }

            chart.data.labels = labels(graphs[key])
            chart.data.datasets.forEach((dataset, index) => dataset.data = Object.values(graphs[key][index] ?? {}))
            chart.options.scales.y.max = highest(graphs[key])
            chart.update()
        })
    },
}))
</script>
@endscript
