<?php

declare(strict_types=1);

/*
 * Events, models, channels and notifications as applications write them, each with one thing that is its own.
 */

namespace Fanfare\Laravel\Tests\Laravel;

use Fanfare\Laravel\Tests\Fixtures\User;
use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\InteractsWithBroadcasting;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Broadcasting\PresenceChannel;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBeUnique;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Contracts\Broadcasting\ShouldRescue;
use Illuminate\Database\Eloquent\BroadcastsEvents;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\SoftDeletes;
use Illuminate\Foundation\Events\Dispatchable;
use Illuminate\Notifications\Messages\BroadcastMessage;
use Illuminate\Notifications\Notifiable;
use Illuminate\Notifications\Notification;
use Illuminate\Support\Collection;
use Throwable;

class Posted implements ShouldBroadcast
{
    public string $title = 'first';

    public Collection $tags;

    protected string $draft = 'not for the public';

    public function __construct()
    {
        $this->tags = new Collection(['a' => 'b']);
    }

    /**
     * @return array<mixed>
     */
    public function broadcastOn(): array
    {
        return ['plain', new Channel('public'), new PrivateChannel('own'), new PresenceChannel('room')];
    }
}

class PostedNow extends Posted implements ShouldBroadcastNow
{
}

final class PostedByChoice extends Posted
{
    public function shouldBroadcastNow(): bool
    {
        return true;
    }
}

final class PostedWith extends Posted
{
    /**
     * @return array<string, mixed>
     */
    public function broadcastWith(): array
    {
        return ['own' => true];
    }

    public function broadcastAs(): string
    {
        return 'post.created';
    }
}

enum Name: string
{
    case Created = 'post.created';
}

final class PostedNamedByEnum extends PostedNow
{
    public function broadcastAs(): Name
    {
        return Name::Created;
    }
}

final class PostedIf extends Posted
{
    public static bool $when = true;

    public function broadcastWhen(): bool
    {
        return self::$when;
    }
}

final class PostedOn extends Posted
{
    public string $connection = 'jobs';

    public string $queue = 'broadcasts';
}

final class PostedOnNamedQueue extends Posted
{
    public function broadcastQueue(): string
    {
        return 'slow';
    }
}

final class PostedVia extends PostedNow
{
    use InteractsWithBroadcasting;

    public function __construct(string ...$connections)
    {
        parent::__construct();
        $this->broadcastVia($connections);
    }
}

final class PostedToEach extends PostedNow
{
    /**
     * @return list<string>
     */
    public function broadcastConnections(): array
    {
        return ['fanfare', 'second'];
    }

    /**
     * @return array<string, list<string>>
     */
    public function broadcastOn(): array
    {
        return ['fanfare' => ['first'], 'second' => ['other']];
    }

    /**
     * @return array<string, array<string, mixed>>
     */
    public function broadcastWith(): array
    {
        return ['fanfare' => ['n' => 1], 'second' => ['n' => 2]];
    }
}

class PostedOnce extends Posted implements ShouldBeUnique
{
    public string $uniqueId = 'one';
}

final class PostedRescued extends PostedNow implements ShouldRescue
{
}

final class PostedThrough extends Posted
{
    /** @var list<string> */
    public static array $log = [];

    public int $tries = 3;

    public int $timeout = 7;

    public int $backoff = 2;

    /**
     * @return list<callable>
     */
    public function middleware(): array
    {
        return [new Through];
    }

    public function failed(?Throwable $e): void
    {
        self::$log[] = 'failed: '.$e?->getMessage();
    }
}

final class Through
{
    public function handle(object $job, callable $next): mixed
    {
        PostedThrough::$log[] = 'through';

        return $next($job);
    }
}

final class Named implements ShouldBroadcastNow
{
    use Dispatchable, InteractsWithSockets;

    public function __construct(public string $first, public string $second)
    {
    }

    public function broadcastOn(): Channel
    {
        return new Channel('named');
    }
}

final class Unspoken
{
    use Dispatchable;
}

class Article extends Model
{
    use BroadcastsEvents;

    protected $table = 'articles';

    protected $guarded = [];

    public $timestamps = false;
}

final class TrashedArticle extends Article
{
    use SoftDeletes;
}

final class CreatedArticle extends Article
{
    /**
     * @return array<mixed>
     */
    public function broadcastOn($event): array
    {
        return $event === 'created' ? [$this, new PrivateChannel('articles')] : [];
    }

    public function broadcastAs($event): string
    {
        return "article.{$event}";
    }

    /**
     * @return array<string, mixed>
     */
    public function broadcastWith($event): array
    {
        return ['title' => $this->getAttribute('title'), 'event' => $event];
    }
}

/**
 * Found without a database.
 */
class Order extends Model
{
    public function resolveRouteBinding($value, $field = null)
    {
        return $value === '404' ? null : (new static)->forceFill(['id' => $value]);
    }
}

final class OrderChannel
{
    public function join(User $user, Order $order, string $part): bool
    {
        return $order->getAttribute('id') === 1 && $part === 'lines';
    }
}

final class Reader extends Model
{
    use Notifiable;

    protected $table = 'readers';
}

final class ReaderElsewhere extends Model
{
    use Notifiable;

    protected $table = 'readers';

    public function receivesBroadcastNotificationsOn(): string
    {
        return 'readers.'.$this->getKey();
    }
}

class Invoice extends Notification
{
    /**
     * @return list<string>
     */
    public function via(): array
    {
        return ['broadcast'];
    }

    /**
     * @return array<string, mixed>
     */
    public function toArray(): array
    {
        return ['invoice' => 1];
    }
}

final class InvoiceOnChannels extends Invoice
{
    /**
     * @return list<PrivateChannel>
     */
    public function broadcastOn(): array
    {
        return [new PrivateChannel('invoices')];
    }
}

final class InvoiceOfType extends Invoice
{
    public function broadcastType(): string
    {
        return 'invoice.paid';
    }
}

final class InvoiceNamed extends Invoice
{
    public function broadcastAs(): string
    {
        return 'invoice';
    }
}

final class InvoiceWith extends Invoice
{
    /**
     * @return array<string, mixed>
     */
    public function broadcastWith(): array
    {
        return ['more' => 'of it'];
    }
}

final class InvoiceOnQueue extends Invoice
{
    public function toBroadcast(): BroadcastMessage
    {
        return (new BroadcastMessage(['message' => 2]))->onConnection('jobs')->onQueue('slow');
    }
}
