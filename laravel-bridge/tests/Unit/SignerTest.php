<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Tests\Unit;

use Fanfare\Laravel\Broadcasting\Signer;
use Fanfare\Laravel\Exceptions\MisconfiguredException;
use Fanfare\Laravel\Support\Connection;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use RuntimeException;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

final class SignerTest extends TestCase
{
    private Signer $signer;

    protected function setUp(): void
    {
        // The example of Pusher's documentation.
        $this->signer = new Signer(Connection::fromConfig([
            'key' => '278d425bdf160c739803', 'secret' => '7ad3773142a6692b25b8',
            'options' => ['encryption_master_key_base64' => base64_encode(str_repeat('m', 32))],
        ]));
    }

    public function test_the_documented_signature_of_a_private_channel(): void
    {
        $this->assertSame(
            ['auth' => '278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4'],
            $this->signer->channel('1234.1234', 'private-foobar')
        );
    }

    public function test_the_documented_signature_of_a_user(): void
    {
        $this->assertSame([
            'auth' => '278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba',
            'user_data' => '{"id":"12345"}',
        ], $this->signer->user('1234.1234', ['id' => '12345']));
    }

    public function test_presence_signs_the_very_text_that_it_answers(): void
    {
        $answer = $this->signer->presence('1.2', 'presence-a', '7', ['name' => "Zoë\u{1F600}/x"]);

        $this->assertSame(['user_id' => '7', 'user_info' => ['name' => "Zoë\u{1F600}/x"]], json_decode($answer['channel_data'], true));
        $this->assertSame(
            '278d425bdf160c739803:'.hash_hmac('sha256', '1.2:presence-a:'.$answer['channel_data'], '7ad3773142a6692b25b8'),
            $answer['auth']
        );
    }

    /**
     * @param  mixed  $info
     */
    #[DataProvider('falsy')]
    public function test_falsy_user_info_is_left_out($info): void
    {
        $this->assertSame('{"user_id":"7"}', $this->signer->presence('1.2', 'presence-a', '7', $info)['channel_data']);
    }

    /**
     * @return iterable<array{mixed}>
     */
    public static function falsy(): iterable
    {
        yield from [[null], [false], [0], [''], [[]]];
    }

    public function test_an_encrypted_channel_gets_its_key(): void
    {
        $answer = $this->signer->channel('1.2', 'private-encrypted-a');

        $this->assertSame(['auth', 'shared_secret'], array_keys($answer));
        $this->assertSame(
            base64_encode(hash('sha256', 'private-encrypted-a'.str_repeat('m', 32), true)), $answer['shared_secret']
        );
    }

    public function test_pusher_js_takes_only_a_string_as_user_id(): void
    {
        $data = json_decode($this->signer->user('1.2', ['name' => 'A', 'id' => 5])['user_data'], true);

        $this->assertSame(['id' => '5', 'name' => 'A'], $data);
    }

    #[DataProvider('badSocketIds')]
    public function test_a_socket_id_that_is_none_is_denied(mixed $id): void
    {
        foreach ([
            fn () => $this->signer->channel($id, 'private-a'),
            fn () => $this->signer->presence($id, 'presence-a', '1', null),
            fn () => $this->signer->user($id, ['id' => '1']),
        ] as $sign) {
            try {
                $sign();
                $this->fail('A signature was given.');
            } catch (AccessDeniedHttpException) {
                $this->addToAssertionCount(1);
            }
        }
    }

    /**
     * @return iterable<array{mixed}>
     */
    public static function badSocketIds(): iterable
    {
        yield from [[null], [''], ['undefined'], ['1'], ['1.'], ['1.2:private-b'], ["1.2\n"], ['a.1'], [['1.2']], [1.2],
            [str_repeat('1', 64).'.1']];
    }

    #[DataProvider('badChannels')]
    public function test_a_channel_name_that_would_serve_another_purpose_is_denied(string $channel): void
    {
        $this->expectException(AccessDeniedHttpException::class);

        $this->signer->channel('1.2', $channel);
    }

    /**
     * @return iterable<array{string}>
     */
    public static function badChannels(): iterable
    {
        yield from [[''], [':user:{"id":"1"}'], ['presence-a:{"user_id":"1"}'], ["private-a\n"], ['private-ä'], ['private a']];
    }

    /**
     * @param  array<string, mixed>  $user
     */
    #[DataProvider('badUsers')]
    public function test_a_user_needs_an_id(array $user): void
    {
        $this->expectException(RuntimeException::class);
        $this->expectExceptionMessage('"id"');

        $this->signer->user('1.2', $user);
    }

    /**
     * @return iterable<array{array<string, mixed>}>
     */
    public static function badUsers(): iterable
    {
        yield from [[['name' => 'A']], [['id' => '']], [['id' => null]], [['id' => true]], [['id' => []]]];
    }

    public function test_data_that_is_no_json_is_said_to_be(): void
    {
        $this->expectException(RuntimeException::class);
        $this->expectExceptionMessage('Malformed UTF-8');

        $this->signer->presence('1.2', 'presence-a', '1', ['name' => "\xff"]);
    }

    public function test_without_credentials_the_missing_line_is_named(): void
    {
        $this->expectException(MisconfiguredException::class);
        $this->expectExceptionMessage('FANFARE_APP_KEY');

        (new Signer(Connection::fromConfig([])))->channel('1.2', 'private-a');
    }
}
