// An application that broadcasts through Reverb, as `install:broadcasting --reverb` and `reverb:install` leave it, is switched to Fanfare by
// one line of .env, and back. Its browsers stay connected meanwhile and change nothing.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP, Daemon, freePort } from '../lib/daemon.mjs';
import { Laravel, MASTER_KEY, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { hmac } from '../lib/sign.mjs';
import { Inbox, deadline, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';
import { auth } from '../lib/packages.mjs';

const skip = missing();

/** What reverb:install writes into .env, where browsers and Laravel find the server at one address. */
const lines = (port) => ({
    BROADCAST_CONNECTION: 'reverb',
    REVERB_APP_ID: APP.id,
    REVERB_APP_KEY: APP.key,
    REVERB_APP_SECRET: APP.secret,
    REVERB_HOST: '127.0.0.1',
    REVERB_PORT: port,
    REVERB_SCHEME: 'http',
    VITE_REVERB_APP_KEY: '"${REVERB_APP_KEY}"',
    VITE_REVERB_HOST: '"${REVERB_HOST}"',
    VITE_REVERB_PORT: '"${REVERB_PORT}"',
    VITE_REVERB_SCHEME: '"${REVERB_SCHEME}"',
});

describe('an application of Reverb', { skip }, () => {
    let daemon, app, ann, bob;
    const browsers = {};
    const heard = {};

    before(async () => {
        daemon = await Daemon.start({ workers: 2 });
        app = await Laravel.create(daemon, { bare: true, packages: auth, env: lines(daemon.port), ini: [`fanfare.socket=${daemon.socket}`] });
        const file = join(app.dir, 'config/broadcasting.php');
        const config = readFileSync(file, 'utf8');
        writeFileSync(file, config.replace("'options' => [\n", `'options' => [\n                'encryption_master_key_base64' => '${MASTER_KEY}',\n`));
        await serve();
        ann = await app.session(1);
        bob = await app.session(2);
        for (const [name, session] of Object.entries({ ann, tab: ann, bob })) {
            browsers[name] = session.echo({ options: name === 'ann' ? { userAuthentication: { customHandler: signIn } } : {} });
            await connected(browsers[name]);
        }
        // Subscribed once, at the beginning, as whoever has the page open.
        for (const name of ['ann', 'tab']) {
            const own = browsers[name].private('open.own');
            heard[name] = hear(own, 'Now', '.was.queued');
            await subscribed(own);
        }
        for (const [kind, channel] of [['public', browsers.bob.channel('open.public')], ['encrypted', browsers.bob.encryptedPrivate('open.secret')], ['presence', browsers.bob.join('room.1')]]) {
            heard[kind] = hear(channel, 'Now');
            await subscribed(channel);
        }
        heard.notified = new Inbox();
        await subscribed(browsers.bob.private('App.Models.User.2').notification((data) => heard.notified.push(data)));
        heard.user = new Inbox();
        const { pusher } = browsers.ann.connector;
        pusher.user.bind('hello', (data) => heard.user.push(data));
        pusher.signin();
        await deadline(pusher.user.signinDonePromise, 'the sign-in');
    });
    after(async () => {
        for (const echo of Object.values(browsers)) echo.disconnect();
        await app?.stop();
        await daemon?.stop();
    });

    function signIn({ socketId }, callback) {
        ann.fetch('/broadcasting/user-auth', { method: 'POST', body: new URLSearchParams({ socket_id: socketId }) })
            .then((response) => response.json())
            .then((data) => callback(null, data), (error) => callback(error, null));
    }

    /** As a deployment does: new processes. */
    async function serve() {
        await app.halt();
        app.httpPort = await freePort();
        app.url = `http://127.0.0.1:${app.httpPort}`;
        await app.serve();
        app.queue = app.worker();
    }

    async function published() {
        const metrics = await daemon.metrics();
        return Object.fromEntries(['ipc', 'http'].map((door) => [door, metrics.get('published_total', `door="${door}"`)]));
    }

    async function env(name, value) {
        const file = join(app.dir, '.env');
        const rest = readFileSync(file, 'utf8').split('\n').filter((line) => !line.startsWith(`${name}=`));
        writeFileSync(file, [...rest.filter((line, i) => line !== '' || i < rest.length - 1), ...(value === undefined ? [] : [`${name}=${value}`]), ''].join('\n'));
    }

    const phases = [
        ['through Laravel\'s own driver', 'http', async () => {}],
        ['switched by one line', 'ipc', async () => env('FANFARE_REPLACE_REVERB', 'true')],
        ['with the configuration cached', 'ipc', async () => {
            assert.equal((await app.artisan('config:cache')).code, 0);
            await env('FANFARE_REPLACE_REVERB'); // nobody reads it now
        }],
        ['and back', 'http', async () => assert.equal((await app.artisan('config:clear')).code, 0)],
    ];

    for (const [name, door, change] of phases) describe(name, () => {
        let at;
        const call = (method, ...args) => ann.act('pusher', { method, args });

        before(async () => {
            await change();
            await serve();
            at = await published();
        });

        test('events of every kind reach the browsers that have been there before', async () => {
            await ann.act('now', { channels: ['public:open.public', 'presence:room.1'], value: name });
            for (const kind of ['public', 'presence']) assert.deepEqual(await heard[kind].take(kind), { value: name });
            await ann.act('now', { channels: ['encrypted:open.secret'], value: { zoë: '\u{1f600}/' } });
            assert.deepEqual(await heard.encrypted.take('encrypted'), { value: { zoë: '\u{1f600}/' } });
            await ann.act('queued', { channel: 'open.own', value: 1 });
            for (const who of ['ann', 'tab']) assert.deepEqual(await heard[who].take(who), { event: '.was.queued', data: { value: 1, pid: app.queue.pid } });
            await ann.act('notify', { user: 2, order: 7 });
            assert.equal((await heard.notified.take('the notification')).order, 7);
        });

        test('toOthers leaves the sender out', async () => {
            const socketId = browsers.ann.socketId();
            await ann.act('others', { channels: ['private:open.own'], value: 'others' }, { socketId });
            assert.deepEqual(await heard.tab.take('the other tab'), { event: 'Now', data: { value: 'others' } });
            await ann.act('now', { channels: ['private:open.own'], value: 'all' }, { socketId });
            for (const who of ['ann', 'tab']) assert.deepEqual(await heard[who].take(who), { event: 'Now', data: { value: 'all' } });
        });

        test('channels are authorized with the credentials of Reverb', async () => {
            assert.deepEqual(await ann.authorize('1.2', 'private-open.x'), { auth: `${APP.key}:${hmac(APP.secret, '1.2:private-open.x')}` });
            assert.equal(Buffer.from((await ann.authorize('1.2', 'private-encrypted-open.x')).shared_secret, 'base64').length, 32);
            await assert.rejects((await app.session()).authorize('1.2', 'private-open.x'), { status: 403 });
            const room = browsers.ann.join('room.1');
            await subscribed(room);
            browsers.ann.leave('room.1');
            await assert.rejects(subscribed(browsers.ann.private(`closed.${Math.random()}`)));
        });

        test('getPusher() sends, asks, and refuses alike', async () => {
            assert.deepEqual(await call('trigger', ['open.public', 'private-open.own'], 'App\\Events\\Now', { value: 'sdk' }, { socket_id: browsers.tab.socketId() }), {});
            assert.deepEqual(await heard.public.take('public'), { value: 'sdk' });
            assert.deepEqual(await heard.ann.take('private'), { event: 'Now', data: { value: 'sdk' } });
            assert.deepEqual(await call('triggerBatch', [{ channel: 'open.public', name: 'App\\Events\\Now', data: { value: 2 }, info: 'subscription_count' }]), { batch: [{ subscription_count: 1 }] });
            assert.deepEqual(await heard.public.take('batch'), { value: 2 });
            await call('sendToUser', '1', 'hello', { name });
            assert.deepEqual(await heard.user.take('what was sent to the user'), { name });
            await until(async () => (await call('getChannels', { filter_by_prefix: 'presence-', info: 'user_count' })).channels['presence-room.1']?.user_count === 1, 'one user in the room');
            assert.deepEqual(await call('getPresenceUsers', 'presence-room.1'), { users: [{ id: '2' }] });
            assert.deepEqual(await call('getChannelInfo', 'open.public', { info: 'subscription_count' }), { occupied: true, subscription_count: 1 });
            assert.equal(JSON.parse(await call('authorizeChannel', 'private-open.x', '1.2')).auth, `${APP.key}:${hmac(APP.secret, '1.2:private-open.x')}`);
            await assert.rejects(call('getPresenceUsers', 'open.public'), { error: 'Pusher\\ApiErrorException' });
            await assert.rejects(call('trigger', 'a b', 'E', 1), { error: 'Pusher\\PusherException' });
            // Without pusher-js: its client for Node waits for half a minute when it was sent away.
            const away = await Client.open(daemon, { app: APP });
            away.send({ event: 'pusher:signin', data: JSON.parse(await call('authenticateUser', away.socketId, { id: '9' })) });
            await away.expect('pusher:signin_success');
            await call('terminateUserConnections', '9');
            await away.error(4009);
            await away.closedWith(4009);
        });

        test('it went by the door that was meant', async () => {
            const now = await published();
            const other = { ipc: 'http', http: 'ipc' }[door];
            assert.equal(now[other], at[other]);
            assert.ok(now[door] >= at[door] + 8, JSON.stringify([at, now]));
            const { stdout } = await app.artisan('about', '--json');
            assert.equal(JSON.parse(stdout).drivers.broadcasting, 'reverb');
            assert.equal(JSON.parse(stdout).fanfare.connection_reverb !== undefined, door === 'ipc', stdout);
        });
    });

    test('nobody had to connect again, and no package of Reverb was needed', () => {
        for (const echo of Object.values(browsers)) assert.deepEqual(echo.errors.filter(({ data }) => data?.code), []);
        assert.ok(!existsSync(join(app.dir, 'vendor/laravel/reverb')));
        assert.equal(browsers.ann.connector.pusher.connection.state, 'connected');
    });
});
