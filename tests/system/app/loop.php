<?php

declare(strict_types=1);

/*
 * A worker as Octane's are: the application is booted once, each request is handled by a copy of it. Requests stand on
 * standard input, a line of JSON each: {method, uri, headers, cookies, body, times}; answers are lines of JSON. With
 * `times` it is handled so often, and "%n" in the body is how often it was before.
 */

use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Container\Container;
use Illuminate\Contracts\Http\Kernel;
use Illuminate\Foundation\Application;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Facade;

require __DIR__.'/vendor/autoload.php';

/** Makes it the one that container, facades and helpers speak of. */
function become(Application $app): void
{
    $app->instance('app', $app);
    $app->instance(Container::class, $app);
    Container::setInstance($app);
    Facade::clearResolvedInstances();
    Facade::setFacadeApplication($app);
}

/** What a request left in services that all copies share. */
function renew(Application $sandbox): void
{
    $sandbox->instance('config', clone $sandbox->make('config'));
    $sandbox->make(Kernel::class)->setApplication($sandbox);
    $sandbox->make('router')->setContainer($sandbox);
    $sandbox->make('auth')->setApplication($sandbox)->forgetGuards();
    $sandbox->forgetInstance('auth.driver');
    $sandbox->make('cache')->setApplication($sandbox);
    $sandbox->make('db')->setApplication($sandbox);
    $sandbox->make('queue')->setApplication($sandbox);
    $sandbox->make('session')->setContainer($sandbox);
    $sandbox->make('session')->driver()->flush();
    $sandbox->make('session')->driver()->regenerate();
    $sandbox->make('cookie')->flushQueuedCookies();
    $sandbox->make('view')->setContainer($sandbox);
    $sandbox->make(Illuminate\Contracts\Auth\Access\Gate::class)->setContainer($sandbox);
    if ($sandbox->resolved(BroadcastManager::class)) {
        $sandbox->make(BroadcastManager::class)->setApplication($sandbox);
    }
}

/** @param array<string, mixed> $in */
function handle(Application $app, array $in): Symfony\Component\HttpFoundation\Response
{
    $request = Request::create($in['uri'], $in['method'] ?? 'GET', cookies: $in['cookies'] ?? [], content: $in['body'] ?? null);
    $request->headers->set('Accept', 'application/json');
    foreach ($in['headers'] ?? [] as $name => $value) {
        $request->headers->set($name, $value);
    }
    $sandbox = clone $app;
    become($sandbox);
    renew($sandbox);
    $sandbox->instance('request', $request);
    $kernel = $sandbox->make(Kernel::class);
    $response = $kernel->handle($request);
    $kernel->terminate($request, $response);
    $sandbox->make('events')->dispatch('Laravel\Octane\Events\RequestTerminated', [new stdClass]);
    $request->route()?->flushController();
    $app->forgetScopedInstances();
    $sandbox->flush();
    become($app);
    $GLOBALS['sandboxes'][] = WeakReference::create($sandbox);

    return $response;
}

$app = require __DIR__.'/bootstrap/app.php';
$app->instance('request', Request::create('http://localhost'));
$app->make(Kernel::class)->bootstrap();
foreach (['auth', 'cache', 'cache.store', 'cookie', 'db', 'encrypter', 'files', 'hash', 'log', 'queue', 'router', 'routes', 'session', 'session.store', 'translator', 'url', 'view'] as $service) {
    $app->bound($service) && $app->make($service);
}
echo "\"ready\"\n";

while (($line = fgets(STDIN)) !== false) {
    $in = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $sandboxes = [];
    for ($i = 0; $i < ($in['times'] ?? 1); $i++) {
        $response = handle($app, array_replace($in, ['body' => str_replace('"%n"', (string) $i, $in['body'] ?? '')]));
    }
    $answer = [
        'status' => $response->getStatusCode(),
        'body' => $response->getContent(),
        'cookies' => array_map(fn ($cookie) => [$cookie->getName(), $cookie->getValue()], $response->headers->getCookies()),
    ];
    unset($response);
    gc_collect_cycles();
    // The last one is still known to what the next one will replace it in.
    $answer['kept'] = count(array_filter(array_slice($sandboxes, 0, -1), fn (WeakReference $one): bool => $one->get() !== null));
    unset($sandboxes);
    $answer['heap'] = memory_get_usage();
    $answer['process'] = 4096 * (int) explode(' ', (string) file_get_contents('/proc/self/statm'))[1];
    echo json_encode($answer, JSON_THROW_ON_ERROR)."\n";
}
