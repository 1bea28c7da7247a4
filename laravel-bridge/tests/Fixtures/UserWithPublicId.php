<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Fixtures;

final class UserWithPublicId extends User
{
    public static function make(int|string $id): self
    {
        return new self(['id' => $id]);
    }

    public function getAuthIdentifierForBroadcasting(): string
    {
        return 'public-'.$this->getAuthIdentifier();
    }
}
