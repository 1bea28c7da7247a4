<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Broadcasting;

use Illuminate\Contracts\Broadcasting\ShouldRescue;

/**
 * For a subclass of Laravel's broadcast manager: events that would be queued go out at once where their connections ask
 * for it ("options.direct"). An application that has a manager of its own uses it there; without it every event is queued.
 */
trait PublishesDirectly
{
    /**
     * @param  mixed  $event
     * @return void
     */
    public function queue($event)
    {
        $job = is_object($event) ? DirectEvents::job($this, $this->app, $event) : null;

        if ($job === null) {
            parent::queue($event);

            return;
        }

        // Around the broadcast itself, which may be later than this call: at the commit there is nobody to catch anything.
        DirectEvents::afterCommitIfAsked($this->app, $job, $event instanceof ShouldRescue
            ? fn (): mixed => $this->rescue(fn () => DirectEvents::publish($this->app, $job))
            : fn () => DirectEvents::publish($this->app, $job));
    }
}
