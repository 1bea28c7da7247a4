<?php

declare(strict_types=1);

namespace App\Http\Controllers;

use App\Events\OrderPlaced;
use App\Models\Order;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

final class OrderController extends Controller
{
    /** Each order goes out twice, once by each way, and the two take turns in going first. */
    public function store(Request $request): JsonResponse
    {
        $count = (int) $request->validate(['count' => 'required|integer|between:1,50'])['count'];
        $took = ['direct' => [], 'queued' => []];

        for ($turn = 0; $turn < $count; $turn++) {
            $order = Order::place();

            foreach ($order->id % 2 ? ['direct', 'queued'] : ['queued', 'direct'] as $connection) {
                $start = hrtime(true);
                broadcast(new OrderPlaced($order))->via($connection);
                $took[$connection][] = (hrtime(true) - $start) / 1e6;
            }
        }

        // What this request spent on each way, in milliseconds for an order.
        return response()->json(array_map(fn (array $times): float => array_sum($times) / $count, $took), 201);
    }
}
