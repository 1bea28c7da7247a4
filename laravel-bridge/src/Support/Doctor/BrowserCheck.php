<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

use Fanfare\Laravel\Support\Endpoint;

/**
 * Goes the way of a browser: the host and the port that Echo is given, through whatever stands in between.
 */
final class BrowserCheck
{
    private const LABEL = 'Browsers';

    /** Seconds by which a clock may be wrong before somebody should know. */
    private const SKEW = 60;

    private const NGINX = 'in nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';

    public function __construct(private readonly float $patience = 5.0)
    {
    }

    /**
     * @param  ?string  $origin  the application's own address, from which its pages connect
     * @return list<Finding>
     */
    public function check(Endpoint $endpoint, ?string $key, ?string $origin): array
    {
        if ($key === null) {
            return [Finding::failure(self::LABEL, 'no key: browsers cannot connect', 'add FANFARE_APP_KEY=... to .env: php artisan fanfare:install makes one')];
        }
        $seen = Handshake::with($endpoint, $key, $origin, $this->patience);

        return [$this->judge($seen, $endpoint, $origin), ...$this->clock($seen)];
    }

    private function judge(Handshake $seen, Endpoint $endpoint, ?string $origin): Finding
    {
        $url = $endpoint->url();

        return match ($seen->outcome) {
            'open' => Finding::ok(self::LABEL, "{$url} leads to the daemon, and a WebSocket opens"),
            'unresolved' => Finding::failure(self::LABEL, "{$url}: the host \"{$seen->detail}\" is not known to this machine's name service", 'correct FANFARE_HOST in .env, or the DNS'),
            'unreachable' => Finding::failure(self::LABEL, "{$url}: {$seen->detail}", 'start the daemon, or correct FANFARE_HOST and FANFARE_PORT in .env; a daemon that listens on 127.0.0.1 is only reached there, or through a proxy'),
            'certificate' => Finding::failure(self::LABEL, "{$url}: the certificate is not trusted: {$seen->detail}", "give \"{$endpoint->host}\" a certificate for this name with its whole chain (fullchain.pem), or correct FANFARE_HOST; a certificate of one's own has to be trusted by the browser"),
            'tls' => Finding::failure(self::LABEL, "{$url}: no TLS there: {$seen->detail}", 'FANFARE_SCHEME=http in .env if that port speaks plain HTTP, else correct FANFARE_PORT (443)'),
            'silent' => Finding::failure(self::LABEL, "{$url}: ".($seen->detail === '' ? 'the connection opens and nothing answers a handshake' : $seen->detail), $endpoint->tls
                ? 'see whether the proxy reaches the daemon'
                : 'FANFARE_SCHEME=https in .env if that port speaks TLS; else see what listens there'),
            'garbled' => Finding::failure(self::LABEL, "{$url}: what listens there is no WebSocket server ({$this->printable($seen->detail)})", 'correct FANFARE_PORT and FANFARE_SCHEME in .env'),
            'refused' => $this->refused($seen, $url, $origin),
            'status' => $this->status($seen, $endpoint),
        };
    }

    private function refused(Handshake $seen, string $url, ?string $origin): Finding
    {
        $said = sprintf('%s: the daemon says %d, %s', $url, $seen->code, $this->printable($seen->detail));

        return Finding::failure(self::LABEL, $said, match ($seen->code) {
            4001 => 'its applications do not have this key: compare FANFARE_APP_KEY in .env with the daemon\'s configuration, or another daemon listens there',
            4003 => 'set enabled = yes for the application in the daemon\'s configuration',
            4004 => 'raise max_connections of the application in the daemon\'s configuration',
            4009 => "allowed_origins of the application must have {$origin} (APP_URL)",
            4100 => 'the daemon is full: raise max_connections under [limits], or its descriptors',
            4200 => 'the daemon is being stopped or restarted: try again',
            default => null,
        });
    }

    private function status(Handshake $seen, Endpoint $endpoint): Finding
    {
        $server = $seen->headers['server'] ?? '';
        $said = sprintf('%s answers %d%s instead of opening a WebSocket', $endpoint->url(), $seen->status, $server === '' ? '' : " ({$this->printable($server)})");
        // Our own page for whoever comes without the header: a proxy has taken it off.
        $stripped = $seen->status === 426 || ($seen->status === 400 && preg_match('/upgrade/i', $seen->body) === 1);

        [$message, $fix] = match (true) {
            $stripped => ["{$said}: a proxy has taken the Upgrade headers off", self::NGINX],
            in_array($seen->status, [301, 302, 307, 308], true) => ["{$said}, and points to {$this->printable($seen->headers['location'] ?? '?')}", 'browsers do not follow: set FANFARE_SCHEME, FANFARE_HOST and FANFARE_PORT in .env to where it points'],
            $seen->status === 400 && preg_match('/plain HTTP request was sent to HTTPS/i', $seen->body) === 1 => ["{$said}: that port speaks TLS", 'FANFARE_SCHEME=https in .env'],
            in_array($seen->status, [401, 403], true) => ["{$said}: a proxy or firewall does not let it through", 'let /app/ through without authentication'],
            $seen->status === 404 => ["{$said}: nothing is there for {$endpoint->path}/app/", 'in nginx: location '.$endpoint->path.'/app/ { proxy_pass http://127.0.0.1:8080; ... }; with path_prefix in the daemon\'s configuration the path must be the same for Echo (wsPath)'],
            in_array($seen->status, [500, 502, 503, 504], true) => ["{$said}: the proxy does not reach the daemon", 'start the daemon, and compare proxy_pass with its address ([server] listen)'],
            $seen->status === 200 => ["{$said}: a web server answers there and not the daemon", 'the port is another one than the daemon\'s, or the proxy passes /app/ to Laravel: '.self::NGINX],
            $seen->status === 429 => ["{$said}: too many handshakes from this address", 'handshake_rate under [limits]'],
            default => [$said, self::NGINX],
        };

        return Finding::failure(self::LABEL, $message, $fix);
    }

    /**
     * @return list<Finding>
     */
    private function clock(Handshake $seen): array
    {
        $there = strtotime($seen->headers['date'] ?? '');

        if ($there === false || abs($there - time()) <= self::SKEW) {
            return [];
        }

        return [Finding::warning('Clock', sprintf('the clock there is %d seconds %s', abs($there - time()), $there > time() ? 'ahead' : 'behind'), 'let both machines keep the time with NTP')];
    }

    private function printable(string $text): string
    {
        return (string) preg_replace('/[^\x20-\x7e]+/', '?', trim(substr($text, 0, 200)));
    }
}
