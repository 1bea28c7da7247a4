<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Console;

use Fanfare\Laravel\Broadcasting\Message;
use Fanfare\Laravel\Broadcasting\SocketId;
use Fanfare\Laravel\Support\Value;
use JsonException;
use Symfony\Component\Console\Attribute\AsCommand;

#[AsCommand(name: 'fanfare:publish')]
final class PublishCommand extends FanfareCommand
{
    /** @var string */
    protected $signature = 'fanfare:publish
        {channel : The channel as the daemon knows it, such as orders, private-orders.7 or presence-room}
        {event : The event as Echo hears it: App\Events\OrderShipped, or a name that is listened to with a dot in front}
        {data? : JSON that clients receive as the event; "-" reads it from the standard input}
        {--except= : The socket id of a connection that shall not receive it}
        {--key= : A second event with the same key is not sent again within a minute}
        {--async : Do not wait for the daemon\'s receipt}
        {--connection= : The connection of config/broadcasting.php that it goes to}
        {--json : Answer as JSON}';

    /** @var string */
    protected $description = 'Publish an event by hand';

    /** @var string */
    protected $help = <<<'TXT'
          php artisan fanfare:publish orders 'App\Events\OrderShipped' '{"order": 1024}'
          php artisan fanfare:publish private-orders.7 order.paid '{"total": 12.5}' --key=order-7-paid
          cat event.json | php artisan fanfare:publish orders order.paid -

        In the browser: Echo.channel('orders').listen('OrderShipped', ...) hears the first one, and
        Echo.private('orders.7').listen('.order.paid', ...) the second. An event on an encrypted channel has to be encrypted by the
        application, so broadcast() is the way there.

        Exit codes: 0 the daemon has it, 1 it does not answer or refuses it, 2 misconfigured, or no JSON.
        TXT;

    public function handle(): int
    {
        $channel = Value::text($this->argument('channel')) ?? '';
        $event = Value::text($this->argument('event')) ?? '';
        $data = Value::text($this->argument('data')) ?? '{}';
        $except = Value::text($this->option('except'));

        if ($data === '-') {
            $data = (string) stream_get_contents(STDIN);
        }

        if (str_starts_with($channel, 'private-encrypted-')) {
            return $this->failed("what is published on \"{$channel}\" by hand would not be encrypted, and its subscribers could not read it", 'broadcast an event on new EncryptedPrivateChannel(...)', self::INVALID);
        }

        if ($except !== null && SocketId::valid($except) === null) {
            return $this->failed("\"{$except}\" is no socket id, which looks like 1234.5678", 'php artisan fanfare:connections lists them', self::INVALID);
        }

        try {
            json_decode($data, false, 512, JSON_THROW_ON_ERROR);
        } catch (JsonException $e) {
            return $this->failed("the data is no JSON: {$e->getMessage()}", 'quote it for the shell: \'{"order": 1024}\'; a text is JSON in double quotes: \'"Hello"\'', self::INVALID);
        }

        return $this->guarded(function () use ($channel, $event, $data, $except): int {
            $connection = $this->connection();
            $gateway = $this->gateway($connection);

            return $this->guarded(function () use ($gateway, $channel, $event, $data, $except): int {
                $message = new Message([$channel], $event, $data, $except, Value::text($this->option('key')));

                if ($this->option('async') === true) {
                    $gateway->publishAsync($message);
                    $failure = $gateway->flush();

                    if ($failure !== null) {
                        throw $failure;
                    }
                    $this->wantsJson() ? $this->json(['published' => true]) : $this->components->info('Published.');

                    return self::SUCCESS;
                }
                $receipt = $gateway->send($message);

                if ($this->wantsJson()) {
                    $this->json(['id' => $receipt->id, 'recipients' => $receipt->recipients, 'duplicate' => $receipt->duplicate]);
                } elseif ($receipt->duplicate) {
                    $this->components->warn('The daemon has had this key already and sent nothing again.');
                } else {
                    $this->components->info(sprintf('Published to %s.', $receipt->recipients === 1 ? '1 subscriber' : number_format($receipt->recipients).' subscribers'));
                }

                return self::SUCCESS;
            }, $connection);
        });
    }
}
