// Laravel's own drivers `reverb` and `pusher`, unmodified, publishing through the HTTP API: an application that has neither our
// extension nor our bridge, and whose clients notice no difference.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP, Daemon, freePort } from '../lib/daemon.mjs';
import { Laravel, MASTER_KEY, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { hmac } from '../lib/sign.mjs';
import { Inbox, deadline } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const skip = missing();

/** What Laravel's documentation has one write into the options of a connection of config/broadcasting.php. */
function options(app, lines) {
    const file = join(app.dir, 'config/broadcasting.php');
    const before = readFileSync(file, 'utf8');
    const after = before.replaceAll("'options' => [\n", `'options' => [\n${lines.map((line) => `                ${line},\n`).join('')}`);
    assert.notEqual(after, before);
    writeFileSync(file, after);
}

/** What goes into .env; as variables of the environment they win over it. */
const credentials = (driver, port) => {
    const of = driver.toUpperCase();
    return {
        BROADCAST_CONNECTION: driver,
        [`${of}_APP_ID`]: APP.id,
        [`${of}_APP_KEY`]: APP.key,
        [`${of}_APP_SECRET`]: APP.secret,
        [`${of}_HOST`]: '127.0.0.1',
        [`${of}_PORT`]: String(port),
        [`${of}_SCHEME`]: 'http',
    };
};

let app;
before(async () => {
    if (skip) return;
    // The daemons come later; until then nothing is broadcast.
    app = await Laravel.create({}, { stock: true, env: { BROADCAST_CONNECTION: 'log' } });
    options(app, [`'encryption_master_key_base64' => '${MASTER_KEY}'`, "'path' => env('BROADCAST_PATH', '')"]);
});
after(() => app?.stop());

for (const [driver, prefix] of [['reverb', ''], ['pusher', ''], ['reverb', '/live']]) {
    describe(`the driver ${driver}${prefix ? ` below ${prefix}` : ''}`, { skip }, () => {
        let daemon, ann, bob;
        const echoes = new Set();

        before(async () => {
            daemon = await Daemon.start({ workers: 2, sections: prefix ? { server: { path_prefix: prefix } } : {} });
            app.daemon = daemon;
            app.env = { ...app.env, ...credentials(driver, daemon.port), BROADCAST_PATH: prefix && `${prefix}/` };
            app.httpPort = await freePort();
            app.url = `http://127.0.0.1:${app.httpPort}`;
            await app.serve();
            app.queue = app.worker();
            ann = await app.session(1);
            bob = await app.session(2);
        });
        afterEach(() => {
            for (const echo of echoes) echo.disconnect();
            echoes.clear();
        });
        after(async () => {
            await app?.halt();
            await daemon?.stop();
        });

        const echo = async (session = ann, extra = {}) => {
            const made = session.echo({ options: { wsPath: prefix, ...extra } });
            echoes.add(made);
            await connected(made);
            return made;
        };
        const channel = (start = 'open') => `${start}.${Math.random().toString(36).slice(2)}`;

        test('the application has neither the extension nor the bridge', async () => {
            assert.ok(!existsSync(join(app.dir, 'vendor/fanfare')));
            assert.ok(existsSync(join(app.dir, 'vendor/pusher/pusher-php-server')));
            assert.ok(!existsSync(join(app.dir, 'vendor/laravel/reverb')));
            const { stdout } = await app.artisan('about', '--only=drivers');
            assert.match(stdout, new RegExp(`Broadcasting[ .]+${driver}`));
            assert.ok(!/fanfare/i.test(stdout), stdout);
        });

        test('events on public, private, presence and encrypted channels', async () => {
            const client = await echo();
            for (const [type, listen] of [
                ['public', (name) => client.channel(name)],
                ['private', (name) => client.private(name)],
                ['presence', (name) => client.join(name)],
                ['encrypted', (name) => client.encryptedPrivate(name)],
            ]) {
                const name = channel(type === 'presence' ? 'room' : 'open');
                const subscription = listen(name);
                const inbox = hear(subscription, 'Now');
                await subscribed(subscription);
                const value = { deep: [1, 2.5, null, true], type, text: 'Zoë \u{1f600} / "q" \u2028' };
                await ann.act('now', { channels: [`${type}:${name}`], value });
                assert.deepEqual(await inbox.take(type), { value });
            }
        });

        test('the payload of an encrypted channel does not pass in the clear', async () => {
            const raw = await Client.open(daemon, { app: APP, path: `${prefix}/app/${APP.key}` });
            const name = `private-encrypted-${channel()}`;
            await raw.subscribe(name);
            await ann.act('now', { channels: [name], value: 'SECRET-TEXT' });
            const message = await raw.next();
            assert.deepEqual(Object.keys(JSON.parse(message.data)).sort(), ['ciphertext', 'nonce']);
            raw.destroy();
        });

        test('120 channels at once, which the driver sends as two requests', async () => {
            const client = await echo();
            const names = Array.from({ length: 120 }, () => channel());
            const heard = [];
            for (const at of [0, 99, 100, 119]) {
                const subscription = client.channel(names[at]);
                heard.push(hear(subscription, 'Now'));
                await subscribed(subscription);
            }
            await ann.act('now', { channels: names.map((name) => `public:${name}`), value: 1 });
            for (const inbox of heard) assert.equal((await inbox.take()).value, 1);
        });

        test('the queue: ShouldBroadcast, jobs and notifications come from the worker', async () => {
            const client = await echo();
            const name = channel();
            const subscription = client.private(name);
            const inbox = hear(subscription, '.was.queued', 'Now');
            await subscribed(subscription);
            await ann.act('queued', { channel: name, value: 'ü' });
            assert.deepEqual(await inbox.take('the queued event'), { event: '.was.queued', data: { value: 'ü', pid: app.queue.pid } });
            await ann.act('job', { action: 'now', input: { channels: [`private:${name}`], value: 'from a job' } });
            assert.deepEqual(await inbox.take('the event of a job'), { event: 'Now', data: { value: 'from a job' } });

            const notified = new Inbox();
            await subscribed(client.private('App.Models.User.1').notification((data) => notified.push(data)));
            await bob.act('notify', { user: 1, order: 5 });
            const notification = await notified.take('the notification');
            assert.equal(notification.order, 5);
            assert.equal(notification.type, 'App\\Notifications\\Shipped');
        });

        test('anonymous events and model broadcasting', async () => {
            const client = await echo();
            for (const [type, name, listen, extra] of [
                ['on', channel('c'), (it) => client.channel(it), {}],
                ['private', channel(), (it) => client.private(it), { as: 'named' }],
                ['presence', channel('room'), (it) => client.join(it), { as: 'named', queued: true }],
            ]) {
                const subscription = listen(name);
                const inbox = hear(subscription, `.${extra.as ?? 'AnonymousEvent'}`);
                await subscribed(subscription);
                await ann.act('anonymous', { type, channel: name, value: type, ...extra });
                assert.equal((await inbox.take(type)).value, type);
            }
            const own = client.private('App.Models.User.1');
            const inbox = hear(own, '.PostCreated');
            await subscribed(own);
            const id = await ann.act('create', { user: 1, title: 'first' });
            assert.deepEqual(await inbox.take('PostCreated'), { model: { id, title: 'first' }, event: 'created' });
        });

        test('toOthers leaves the sender out: at once, queued and anonymous', async () => {
            const [sender, tab] = [await echo(), await echo()];
            const name = channel();
            const heard = [];
            for (const each of [sender, tab]) {
                const subscription = each.private(name);
                const inbox = new Inbox();
                for (const event of ['Now', '.was.queued', '.AnonymousEvent']) subscription.listen(event, (data) => inbox.push([event, data.value]));
                heard.push(inbox);
                await subscribed(subscription);
            }
            const socketId = sender.socketId();
            await ann.act('others', { channels: [`private:${name}`], value: 1 }, { socketId });
            assert.deepEqual(await heard[1].take('others'), ['Now', 1]);
            await ann.act('queued-others', { channel: name, value: 2 }, { socketId });
            assert.deepEqual(await heard[1].take('queued others'), ['.was.queued', 2]);
            await ann.act('anonymous', { type: 'private', channel: name, value: 3, others: true }, { socketId });
            assert.deepEqual(await heard[1].take('anonymous others'), ['.AnonymousEvent', 3]);
            await ann.act('now', { channels: [`private:${name}`], value: 'all' }, { socketId });
            for (const inbox of heard) assert.deepEqual(await inbox.take('the last'), ['Now', 'all']);
        });

        test('/broadcasting/auth: what it signs is accepted, what it refuses is an error() of Echo', async () => {
            const answer = await ann.authorize('123.456', 'private-open.x');
            assert.equal(answer.auth, `${APP.key}:${hmac(APP.secret, '123.456:private-open.x')}`);
            const encrypted = await ann.authorize('123.456', 'private-encrypted-open.x');
            assert.equal(Buffer.from(encrypted.shared_secret, 'base64').length, 32);
            const client = await echo();
            for (const name of ['closed.x', 'App.Models.User.2']) await assert.rejects(subscribed(client.private(name)), name);
            await assert.rejects((await app.session()).authorize('123.456', 'private-open.x'), { status: 403 });
        });

        test('presence and whispers between two users', async () => {
            const name = channel('room');
            const log = new Inbox();
            const [a, b] = [await echo(ann), await echo(bob)];
            const room = a.join(name)
                .here((users) => log.push(['here', users.map((user) => user.name)]))
                .joining((user) => log.push(['joining', user.name]))
                .leaving((user) => log.push(['leaving', user.name]))
                .listenForWhisper('typing', (data) => log.push(['typing', data]));
            await subscribed(room);
            assert.deepEqual(await log.take(), ['here', ['Ann']]);
            const other = b.join(name);
            await subscribed(other);
            assert.deepEqual(await log.take(), ['joining', 'Bob']);
            other.whisper('typing', { n: 1 });
            assert.deepEqual(await log.take(), ['typing', { n: 1 }]);
            b.leave(name);
            assert.deepEqual(await log.take(), ['leaving', 'Bob']);
        });

        test('Broadcast::driver()->getPusher(): sign-in, sendToUser, terminateUserConnections, getChannels', async () => {
            const client = await echo(ann, {
                userAuthentication: {
                    customHandler: ({ socketId }, callback) => {
                        ann.fetch('/broadcasting/user-auth', { method: 'POST', body: new URLSearchParams({ socket_id: socketId }) })
                            .then((response) => response.json())
                            .then((data) => callback(null, data), (error) => callback(error, null));
                    },
                },
            });
            const pusher = client.connector.pusher;
            const inbox = new Inbox();
            pusher.user.bind('hello', (data) => inbox.push(data));
            pusher.signin();
            await deadline(pusher.user.signinDonePromise, 'the sign-in');
            assert.equal(pusher.user.user_data?.id, '1');
            const call = (method, ...args) => ann.act('pusher', { method, args });
            await call('sendToUser', '1', 'hello', { x: 1 });
            assert.deepEqual(await inbox.take('what was sent to the user'), { x: 1 });
            const name = channel('room');
            await subscribed(client.join(name));
            assert.deepEqual(await call('getChannels', { filter_by_prefix: `presence-${name}`, info: 'user_count' }), { channels: { [`presence-${name}`]: { user_count: 1 } } });
            assert.deepEqual(await call('getPresenceUsers', `presence-${name}`), { users: [{ id: '1' }] });
            const gone = deadline(new Promise((done) => pusher.connection.bind('failed', done).bind('disconnected', done)), 'the connection to end for good');
            await call('terminateUserConnections', '1');
            await gone;
        });

        test('a daemon that refuses, or is not there, is the BroadcastException of Laravel', async () => {
            const name = channel();
            const fine = app.env;
            for (const [change, text] of [
                [{ [`${driver.toUpperCase()}_APP_SECRET`]: 'another' }, /auth_signature is not the HMAC-SHA256/],
                [{ [`${driver.toUpperCase()}_APP_ID`]: 'nobody' }, /No matching application/],
                [{ [`${driver.toUpperCase()}_PORT`]: await freePort() }, /cURL error 7/],
            ]) {
                app.env = { ...fine, ...Object.fromEntries(Object.entries(change).map(([key, value]) => [key, String(value)])) };
                const php = await app.repl();
                app.env = fine;
                const failed = await php.try('now', { channels: [`public:${name}`], value: 1 });
                assert.equal(failed.error, 'Illuminate\\Broadcasting\\BroadcastException', JSON.stringify(failed));
                assert.match(failed.message, text);
                await php.end();
            }
            await assert.rejects(ann.act('now', { channels: [`public:${name}`], value: 'x'.repeat(200_000) }), { broadcast: true });
            await ann.act('now', { channels: [`public:${name}`], value: 1 });
        });
    });
}
