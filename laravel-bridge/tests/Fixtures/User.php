<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

use Illuminate\Auth\GenericUser;

class User extends GenericUser
{
    public static function make(int|string $id): self
    {
        return new self(['id' => $id]);
    }
}
