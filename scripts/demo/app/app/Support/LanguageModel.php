<?php

declare(strict_types=1);

namespace App\Support;

use Generator;

/** Stands in for a language model: it writes a report, token by token, at a rate of its own. */
final class LanguageModel
{
    private const OPENINGS = ['Here is the report for today.', 'This is how the day went.', 'A summary of what was sold.'];

    private const LINES = [
        'Order %1$d is on its way to %2$s: %3$s, packed in felt and signed for.',
        'In %2$s somebody has been waiting for order %1$d: %3$s, delivered before noon.',
        'Order %1$d has been paid. %4$s will leave for %2$s with the evening train.',
        '%2$s asks for order %1$d, %3$s, to be tuned a little brighter.',
    ];

    private const CITIES = ['Lisbon', 'Turin', 'Ghent', 'Graz', 'Aarhus', 'Tartu', 'Krakow', 'Porto'];

    private const ITEMS = ['two trumpets', 'a bugle', 'one cornet in B flat', 'three mutes', 'a slide trombone', 'the old tuba'];

    /**
     * Exactly so many tokens, numbered from 0, each when it is due. Who comes late, because the last one took long, gets the
     * next at once.
     *
     * @param  int  $rate  tokens a second; 0 is as fast as they are taken
     * @return Generator<int, string>
     */
    public function write(int $tokens, int $rate): Generator
    {
        $begun = hrtime(true);
        $number = 0;

        foreach ($this->text() as $token) {
            if ($rate > 0) {
                $this->wait($begun + intdiv($number * 1_000_000_000, $rate));
            }
            yield $number => $token;

            if (++$number === $tokens) {
                return;
            }
        }
    }

    /** @return Generator<int, string> without end */
    private function text(): Generator
    {
        yield from $this->split(self::OPENINGS[array_rand(self::OPENINGS)]);

        for ($order = random_int(1000, 1100); ; $order++) {
            $item = self::ITEMS[array_rand(self::ITEMS)];

            yield from $this->split(' '.sprintf(
                self::LINES[array_rand(self::LINES)], $order, self::CITIES[array_rand(self::CITIES)], $item, ucfirst($item)
            ));
        }
    }

    /** @return Generator<int, string> pieces of at most five characters, as models have them */
    private function split(string $text): Generator
    {
        preg_match_all('/ ?[^ ]{1,5}/u', $text, $pieces);

        foreach ($pieces[0] as $piece) {
            yield $piece;
        }
    }

    private function wait(int $due): void
    {
        $left = $due - hrtime(true);

        if ($left > 0) {
            usleep(max(1, intdiv($left, 1000)));
        }
    }
}
