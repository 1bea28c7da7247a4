<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Unit;

use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Support\Connection;
use LogicException;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;

final class ConnectionTest extends TestCase
{
    private const CREDENTIALS = ['app_id' => 'a', 'key' => 'k', 'secret' => 'a-secret-nobody-shall-see'];

    public function test_it_reads_every_key(): void
    {
        $connection = Connection::fromConfig(self::CREDENTIALS + ['jsonp' => true, 'options' => [
            'socket' => '/tmp/f.sock', 'timeout' => '0.5', 'on_failure' => 'queue', 'mode' => 'async', 'ack' => 'cluster',
        ]], 'main');

        $this->assertSame('/tmp/f.sock', $connection->socket);
        $this->assertSame(0.5, $connection->timeout);
        $this->assertSame('queue', $connection->onFailure);
        $this->assertSame('async', $connection->mode);
        $this->assertSame('cluster', $connection->ack);
        $this->assertTrue($connection->jsonp);
        $this->assertSame('main', $connection->name);
        $this->assertSame(['a', 'a-secret-nobody-shall-see'], $connection->publishingCredentials());
        $this->assertSame(['k', 'a-secret-nobody-shall-see'], $connection->signingCredentials());
        $this->assertSame([], $connection->publishingFaults());
    }

    public function test_what_is_not_set_has_a_default(): void
    {
        $connection = Connection::fromConfig(self::CREDENTIALS + ['options' => ['socket' => '', 'timeout' => '', 'ack' => '']]);

        $this->assertNull($connection->socket);
        $this->assertNull($connection->timeout);
        $this->assertSame('throw', $connection->onFailure);
        $this->assertSame('sync', $connection->mode);
        $this->assertNull($connection->ack);
        $this->assertFalse($connection->jsonp);
    }

    public function test_a_number_is_a_good_id(): void
    {
        $this->assertSame('42', Connection::fromConfig(['app_id' => 42] + self::CREDENTIALS)->appId);
    }

    public function test_an_empty_connection_names_every_missing_line(): void
    {
        $connection = Connection::fromConfig([]);

        $this->assertCount(1, $connection->publishingFaults());

        foreach (['FANFARE_APP_ID', 'FANFARE_APP_KEY', 'FANFARE_APP_SECRET'] as $line) {
            $this->assertStringContainsString($line, $connection->publishingFaults()[0]);
        }

        $this->expectException(MisconfiguredException::class);
        $this->expectExceptionMessage('FANFARE_APP_KEY=...');
        $connection->signingCredentials();
    }

    public function test_only_what_is_missing_is_named(): void
    {
        $fault = Connection::fromConfig(['secret' => ''] + self::CREDENTIALS)->publishingFaults()[0];

        $this->assertStringContainsString('FANFARE_APP_SECRET', $fault);
        $this->assertStringNotContainsString('FANFARE_APP_ID', $fault);
        $this->assertStringNotContainsString('FANFARE_APP_KEY', $fault);
    }

    public function test_publishing_needs_no_key_and_signing_no_id(): void
    {
        $this->assertSame([], Connection::fromConfig(['key' => null] + self::CREDENTIALS)->publishingFaults());
        $this->assertSame('k', Connection::fromConfig(['app_id' => null] + self::CREDENTIALS)->signingCredentials()[0]);
    }

    /**
     * @param  array<string, mixed>  $options
     */
    #[DataProvider('badOptions')]
    public function test_a_bad_value_is_named_with_what_is_allowed(array $options, string $message): void
    {
        $connection = Connection::fromConfig(self::CREDENTIALS + ['options' => $options]);

        $this->assertStringContainsString($message, implode($connection->publishingFaults()));
        $this->assertSame('throw', $connection->onFailure);
        $this->assertSame('sync', $connection->mode);
        $this->assertNull($connection->ack);
    }

    /**
     * @return iterable<string, array{array<string, mixed>, string}>
     */
    public static function badOptions(): iterable
    {
        yield 'on_failure' => [['on_failure' => 'ignore'], 'FANFARE_ON_FAILURE) is "ignore", but must be one of: throw, log, queue'];
        yield 'mode' => [['mode' => 'fast'], 'FANFARE_MODE) is "fast", but must be one of: sync, async'];
        yield 'ack' => [['ack' => 'all'], 'FANFARE_ACK) is "all", but must be one of: local, cluster'];
        yield 'timeout word' => [['timeout' => 'soon'], 'FANFARE_TIMEOUT'];
        yield 'timeout 0' => [['timeout' => 0], 'FANFARE_TIMEOUT'];
        yield 'timeout array' => [['timeout' => []], 'FANFARE_TIMEOUT'];
    }

    public function test_the_channel_key_is_the_one_of_pusher(): void
    {
        $raw = str_repeat("\x01", 32);
        $connection = Connection::fromConfig(['options' => ['encryption_master_key_base64' => base64_encode($raw)]]);

        $this->assertSame(hash('sha256', 'private-encrypted-a'.$raw, true), $connection->channelKey('private-encrypted-a'));
        $this->assertNotSame($connection->channelKey('private-encrypted-a'), $connection->channelKey('private-encrypted-b'));
    }

    #[DataProvider('badMasterKeys')]
    public function test_a_bad_master_key_is_named(?string $key): void
    {
        $this->expectException(MisconfiguredException::class);
        $this->expectExceptionMessage('FANFARE_ENCRYPTION_MASTER_KEY');

        Connection::fromConfig(['options' => ['encryption_master_key_base64' => $key]])->channelKey('private-encrypted-a');
    }

    /**
     * @return iterable<string, array{?string}>
     */
    public static function badMasterKeys(): iterable
    {
        yield 'none' => [null];
        yield 'empty' => [''];
        yield 'not base64' => ['***'];
        yield 'too short' => [base64_encode(str_repeat('a', 31))];
        yield 'too long' => [base64_encode(str_repeat('a', 33))];
    }

    public function test_dumps_hide_the_secrets(): void
    {
        $master = base64_encode(str_repeat('m', 32));
        $connection = Connection::fromConfig(self::CREDENTIALS + ['options' => ['encryption_master_key_base64' => $master]]);

        ob_start();
        var_dump($connection);
        $dump = (string) ob_get_clean();

        $this->assertStringNotContainsString('a-secret-nobody-shall-see', $dump.print_r($connection, true));
        $this->assertStringNotContainsString($master, $dump.print_r($connection, true));
        $this->assertStringContainsString('(set)', $dump);
    }

    public function test_it_cannot_be_serialized(): void
    {
        $this->expectException(LogicException::class);

        serialize(Connection::fromConfig(self::CREDENTIALS));
    }
}
