// Webhooks that a Laravel application takes: signature checked by hand and by pusher/pusher-php-server, events of laravel-echo.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP, Daemon, freePort } from '../lib/daemon.mjs';
import { Laravel, connected, missing, subscribed } from '../lib/laravel.mjs';
import { until } from '../lib/wait.mjs';

// A stock application has Pusher's library, and Laravel's own driver for it.
const pusherDriver = (port) => ({
    BROADCAST_CONNECTION: 'pusher',
    PUSHER_APP_ID: APP.id,
    PUSHER_APP_KEY: APP.key,
    PUSHER_APP_SECRET: APP.secret,
    PUSHER_HOST: '127.0.0.1',
    PUSHER_PORT: port,
    PUSHER_SCHEME: 'http',
});

for (const kind of ['fanfare', 'pusher']) describe(`webhooks to a Laravel application with the driver ${kind}`, { skip: missing() }, () => {
    let daemon, app, echo;

    before(async () => {
        const port = await freePort();
        daemon = await Daemon.start({ workers: 2, sections: { 'app "app1"': { webhook_url: `http://127.0.0.1:${port}/webhooks/fanfare` } } });
        app = await Laravel.create(daemon, kind === 'fanfare' ? {} : { stock: true, env: pusherDriver(daemon.port) });
        app.httpPort = port;
        app.url = `http://127.0.0.1:${port}`;
        await app.serve();
    });
    after(async () => {
        echo?.disconnect();
        await app?.stop();
        await daemon?.stop();
    });

    test('they are accepted, and tell what Echo did', async () => {
        const log = join(app.dir, 'storage/logs/webhooks.log');
        const events = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : []);
        const session = await app.session(1);
        echo = session.echo();
        await connected(echo);
        const room = echo.join('room.1');
        await subscribed(room);
        room.whisper('typing', { text: 'Grüße' });
        const socketId = echo.socketId();
        await until(() => events().some(({ name }) => name === 'client_event'), () => `the whisper; got ${JSON.stringify(events())}\n${daemon.stderr}`);
        echo.disconnect();
        echo = null;
        await until(() => events().some(({ name }) => name === 'channel_vacated'), () => `the end; got ${JSON.stringify(events())}`);
        const channel = 'presence-room.1';
        assert.deepEqual(events(), [
            { name: 'channel_occupied', channel },
            { name: 'member_added', channel, user_id: '1' },
            { name: 'client_event', channel, event: 'client-typing', data: '{"text":"Grüße"}', socket_id: socketId, user_id: '1' },
            { name: 'member_removed', channel, user_id: '1' },
            { name: 'channel_vacated', channel },
        ]);
        assert.equal((await daemon.metrics()).get('webhook_requests_failed_total'), 0);
    });

    test('one with another signature is refused', async () => {
        const response = await fetch(`${app.url}/webhooks/fanfare`, { method: 'POST', body: '{"time_ms":1,"events":[]}', headers: { 'x-pusher-key': 'key1', 'x-pusher-signature': 'a'.repeat(64) } });
        assert.equal(response.status, 401);
    });
});
