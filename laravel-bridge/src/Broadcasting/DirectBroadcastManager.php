<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Illuminate\Broadcasting\BroadcastManager;

/**
 * Takes the place of Laravel's manager where a connection asks for "options.direct". Not final, so that tests can mock it.
 */
class DirectBroadcastManager extends BroadcastManager
{
    use PublishesDirectly;

    /**
     * With everything that the other one has been told so far.
     */
    public static function inPlaceOf(BroadcastManager $manager): self
    {
        $direct = new self($manager->app);

        foreach (get_object_vars($manager) as $name => $value) {
            $direct->{$name} = $value;
        }

        return $direct;
    }
}
