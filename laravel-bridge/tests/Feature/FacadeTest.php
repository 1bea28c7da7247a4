<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Feature;

use Fanfare\Laravel\Contracts\AsyncPublisher;
use Fanfare\Laravel\Contracts\Factory;
use Fanfare\Laravel\Contracts\Gateway;
use Fanfare\Laravel\Contracts\Inspector;
use Fanfare\Laravel\Contracts\Publisher;
use Fanfare\Laravel\Contracts\Server;
use Fanfare\Laravel\Contracts\Terminator;
use Fanfare\Laravel\Contracts\UserPublisher;
use Fanfare\Laravel\Facades\Fanfare;
use Fanfare\Laravel\FanfareManager;
use Fanfare\Laravel\Testing\FanfareFake;
use Fanfare\Laravel\Tests\Fixtures\OrderShippedNow;
use Fanfare\Laravel\Tests\TestCase;
use Illuminate\Foundation\AliasLoader;
use Mockery;
use PHPUnit\Framework\Attributes\DataProvider;
use ReflectionClass;
use ReflectionMethod;

final class FacadeTest extends TestCase
{
    protected function tearDown(): void
    {
        Mockery::close();
        parent::tearDown();
    }

    public function test_it_expects_calls_as_every_facade_does(): void
    {
        $this->boot();
        Fanfare::shouldReceive('terminateUser')->once()->with(7)->andReturn(3);

        $this->assertSame(3, Fanfare::terminateUser(7));
        $this->assertTrue(Fanfare::getFacadeRoot() === app(Terminator::class));
    }

    public function test_it_is_watched_as_every_facade_is(): void
    {
        $this->boot();
        $this->fake();
        $spy = Fanfare::spy();

        Fanfare::sendToUser(7, 'Hello');

        $spy->shouldHaveReceived('sendToUser')->once();
        $this->addToAssertionCount(1);
    }

    public function test_its_root_can_be_another_one(): void
    {
        $this->boot();
        $root = new class extends FanfareManager
        {
            public function connectionCount(): int
            {
                return 42;
            }
        };
        Fanfare::swap($root);

        $this->assertSame(42, Fanfare::connectionCount());
        $this->assertSame(42, app(Inspector::class)->connectionCount());
    }

    public function test_a_fake_has_the_broadcasts_and_the_calls(): void
    {
        $this->boot();
        $this->assertFalse(Fanfare::isFake());
        $fake = Fanfare::fake();

        event(new OrderShippedNow(1));
        Fanfare::sendToUser(7, 'Hello');
        app(UserPublisher::class)->sendToUser(8, 'Hello');
        Fanfare::connection('fanfare')->sendToUser(9, 'Hello');

        $this->assertTrue(Fanfare::isFake());
        $this->assertSame($fake, app(FanfareManager::class));
        $fake->assertPublished(OrderShippedNow::class, 1)->assertPublished('Hello', 3)->assertSentToUser(9, 'Hello');
    }

    public function test_each_contract_is_injected(): void
    {
        $this->boot();

        foreach ([Factory::class, Server::class, UserPublisher::class, Inspector::class, Terminator::class] as $contract) {
            $this->assertSame(app(FanfareManager::class), app($contract));
        }

        $this->fake()->withConnectionCount(5);
        $this->assertSame(5, app(Factory::class)->connection()->connectionCount());
    }

    public function test_its_short_name_is_registered(): void
    {
        $this->boot();

        $this->assertSame(Fanfare::class, AliasLoader::getInstance()->getAliases()['Fanfare'] ?? null);
    }

    /**
     * A method more would break whoever implements the contract.
     *
     * @param  class-string  $contract
     * @param  list<string>  $methods
     */
    #[DataProvider('contracts')]
    public function test_a_contract_does_not_grow(string $contract, array $methods): void
    {
        $own = array_filter(
            (new ReflectionClass($contract))->getMethods(),
            static fn (ReflectionMethod $method): bool => $method->class === $contract
        );

        $this->assertSame($methods, array_column($own, 'name'));
    }

    /**
     * @return iterable<array{class-string, list<string>}>
     */
    public static function contracts(): iterable
    {
        yield [Publisher::class, ['publish']];
        yield [AsyncPublisher::class, ['publishAsync', 'flush']];
        yield [UserPublisher::class, ['sendToUser']];
        yield [Inspector::class, ['channels', 'channel', 'members', 'connectionCount', 'ping']];
        yield [Terminator::class, ['terminateUser', 'terminateConnection']];
        yield [Factory::class, ['connection']];
        yield [Gateway::class, []];
        yield [Server::class, []];
    }

    public function test_it_documents_every_method_of_its_root(): void
    {
        $doc = (string) (new ReflectionClass(Fanfare::class))->getDocComment();

        foreach ((new ReflectionClass(FanfareManager::class))->getMethods(ReflectionMethod::IS_PUBLIC) as $method) {
            $this->assertMatchesRegularExpression('/@method static \S.* '.$method->name.'\(/', $doc);
        }

        $this->assertTrue(is_subclass_of(FanfareFake::class, FanfareManager::class));
    }
}
