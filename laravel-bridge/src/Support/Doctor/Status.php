<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

enum Status: string
{
    case Ok = 'ok';

    /** Nothing to judge, only to know. */
    case Note = 'note';

    /** Works, and may not do what is expected. */
    case Warning = 'warning';

    case Failure = 'failure';
}
