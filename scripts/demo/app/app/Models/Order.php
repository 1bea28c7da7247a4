<?php

declare(strict_types=1);

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

/**
 * One order of the board, made up.
 *
 * @property int $id
 * @property string $item
 * @property string $city
 * @property int $quantity
 */
final class Order extends Model
{
    private const ITEMS = ['Trumpet', 'Bugle', 'Cornet', 'Flugelhorn', 'Trombone', 'French horn', 'Tuba', 'Euphonium', 'Alto horn', 'Mute', 'Mouthpiece', 'Music stand'];

    private const CITIES = ['Lisbon', 'Turin', 'Ghent', 'Graz', 'Aarhus', 'Tartu', 'Krakow', 'Porto', 'Galway', 'Bergen', 'Malaga', 'Split'];

    protected $fillable = ['item', 'city', 'quantity'];

    public static function place(): self
    {
        return self::create([
            'item' => self::ITEMS[array_rand(self::ITEMS)],
            'city' => self::CITIES[array_rand(self::CITIES)],
            'quantity' => random_int(1, 4),
        ]);
    }

    /** @return array{number: int, item: string, city: string, quantity: int} */
    public function forBoard(): array
    {
        return ['number' => 1000 + $this->id, 'item' => $this->item, 'city' => $this->city, 'quantity' => $this->quantity];
    }
}
