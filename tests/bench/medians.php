<?php

/**
 * Reads JSON lines with the same fields, prints one line a driver with the medians of their numbers.
 */

declare(strict_types=1);

$groups = [];
while (($line = fgets(STDIN)) !== false) {
    $row = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $groups[$row['driver']][] = $row;
}
foreach ($groups as $rows) {
    $result = $rows[0] + ['requests' => 0];
    $result['requests'] = count($rows);
    foreach ($rows[0] as $field => $value) {
        if (is_float($value) || is_int($value)) {
            $values = array_column($rows, $field);
            sort($values);
            $result[$field] = $values[intdiv(count($values), 2)];
        }
    }
    echo json_encode($result), "\n";
}
