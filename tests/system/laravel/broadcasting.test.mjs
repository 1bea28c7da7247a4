// Every way in which Laravel broadcasts, from a request to `php artisan serve`, received by laravel-echo and pusher-js.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Laravel, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { hmac } from '../lib/sign.mjs';
import { Inbox } from '../lib/wait.mjs';

const skip = missing();

describe('a Laravel application', { skip }, () => {
    let daemon, app, ann, bob;
    const echoes = new Set();

    before(async () => {
        daemon = await Daemon.start({ workers: 2 });
        app = await Laravel.create(daemon);
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
        await app?.stop();
        await daemon?.stop();
    });

    const echo = async (session = ann, options) => {
        const made = session.echo(options);
        echoes.add(made);
        await connected(made);
        return made;
    };
    const channel = (prefix = 'c') => `${prefix}.${Math.random().toString(36).slice(2)}`;

    test('ShouldBroadcastNow reaches Echo on public, private and presence channels', async () => {
        const client = await echo();
        for (const [type, listen] of [['public', (name) => client.channel(name)], ['private', (name) => client.private(name)], ['presence', (name) => client.join(name)]]) {
            const name = type === 'presence' ? channel('room') : channel('open');
            const subscription = listen(name);
            const inbox = hear(subscription, 'Now');
            await subscribed(subscription);
            await ann.act('now', { channels: [`${type}:${name}`], value: { deep: [1, 2.5, null, true], type } });
            assert.deepEqual(await inbox.take(type), { value: { deep: [1, 2.5, null, true], type } });
        }
    });

    test('one event on many channels', async () => {
        const client = await echo();
        const names = Array.from({ length: 120 }, () => channel('open'));
        const heard = [];
        for (const [i, name] of names.entries()) {
            if (i % 30) continue;
            const subscription = client.private(name);
            heard.push(hear(subscription, 'Now'));
            await subscribed(subscription);
        }
        await ann.act('now', { channels: names.map((name) => `private:${name}`), value: 1 });
        for (const inbox of heard) assert.equal((await inbox.take()).value, 1);
    });

    test('ShouldBroadcast goes through the queue worker, under its broadcastAs name', async () => {
        const client = await echo();
        const name = channel('open');
        const subscription = client.private(name);
        const inbox = hear(subscription, '.was.queued');
        await subscribed(subscription);
        await ann.act('queued', { channel: name, value: 'ü' });
        const event = await inbox.take('the queued event');
        assert.equal(event.value, 'ü');
        assert.equal(event.pid, app.queue.pid, 'sent by the worker');
    });

    test('what the queue worker tries three times arrives once', async () => {
        const client = await echo();
        const name = channel('open');
        const subscription = client.private(name);
        const tried = hear(subscription, '.was.tried');
        const failed = hear(subscription, 'Now');
        await subscribed(subscription);
        await ann.act('queued-beyond', { channel: name });
        assert.match((await failed.take('the last attempt')).value, /missing/);
        await tried.take('the event');
        assert.equal(tried.waiting.length, 0, 'it arrived again');
    });

    test('anonymous broadcasts: on, private, presence; named, default, queued', async () => {
        const client = await echo();
        const cases = [
            ['on', channel(), (name) => client.channel(name), {}],
            ['private', channel('open'), (name) => client.private(name), { as: 'named' }],
            ['presence', channel('room'), (name) => client.join(name), { as: 'named' }],
            ['private', channel('open'), (name) => client.private(name), { queued: true }],
        ];
        for (const [type, name, listen, extra] of cases) {
            const subscription = listen(name);
            const inbox = hear(subscription, `.${extra.as ?? 'AnonymousEvent'}`);
            await subscribed(subscription);
            await ann.act('anonymous', { type, channel: name, value: type, ...extra });
            assert.equal((await inbox.take(`${type} ${JSON.stringify(extra)}`)).value, type);
        }
    });

    test('model broadcasting: created, updated, deleted, on the owner\'s and the model\'s channel', async () => {
        const client = await echo();
        const own = client.private('App.Models.User.1');
        const inbox = hear(own, '.PostCreated', '.PostUpdated', '.PostDeleted');
        await subscribed(own);
        const id = await ann.act('create', { user: 1, title: 'first' });
        assert.deepEqual(await inbox.take('PostCreated'), { event: '.PostCreated', data: { model: { id, title: 'first' }, event: 'created' } });

        const model = client.private(`App.Models.Post.${id}`);
        const onModel = hear(model, '.PostUpdated', '.PostDeleted');
        await subscribed(model);
        await ann.act('retitle', { id, title: 'second' });
        for (const each of [inbox, onModel]) assert.deepEqual((await each.take('PostUpdated')).data.model, { id, title: 'second' });
        await ann.act('delete', { id });
        for (const each of [inbox, onModel]) assert.equal((await each.take('PostDeleted')).event, '.PostDeleted');
    });

    test('notifications reach notification() of the user\'s channel and nobody else', async () => {
        const client = await echo(ann);
        const other = await echo(bob);
        const inbox = new Inbox();
        const foreign = new Inbox();
        const own = client.private('App.Models.User.1').notification((data) => inbox.push(data));
        const theirs = other.private('App.Models.User.2').notification((data) => foreign.push(data));
        await subscribed(own);
        await subscribed(theirs);
        await bob.act('notify', { user: 1, order: 5 });
        const notification = await inbox.take('the notification');
        assert.equal(notification.order, 5);
        assert.equal(notification.type, 'App\\Notifications\\Shipped');
        assert.match(notification.id, /^[0-9a-f-]{36}$/);
        await bob.act('notify', { user: 2, order: 6 });
        assert.equal((await foreign.take()).order, 6);
    });

    test('toOthers does not reach the sender, at once, queued and anonymous', async () => {
        const [sender, tab] = [await echo(ann), await echo(ann)];
        const name = channel('open');
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
        // The sender heard nothing of it: the next thing for both is this one.
        await ann.act('now', { channels: [`private:${name}`], value: 'all' }, { socketId });
        for (const inbox of heard) assert.deepEqual(await inbox.take('the last'), ['Now', 'all']);
    });

    test('a socket id that is none is no error and excludes nobody', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        for (const socketId of ['undefined', 'null', '', '123', '1.2.3', "1.2'; drop"]) {
            await ann.act('others', { channels: [`public:${name}`], value: socketId }, { socketId });
            assert.equal((await inbox.take(`an event with the socket id ${socketId}`)).value, socketId);
        }
    });

    describe('/broadcasting/auth', () => {
        test('signs private channels as Pusher does', async () => {
            const { auth, ...rest } = await ann.authorize('123.456', 'private-open.x');
            assert.equal(auth, `${APP.key}:${hmac(APP.secret, '123.456:private-open.x')}`);
            assert.deepEqual(rest, {});
        });
        test('signs presence channels with the user in a string', async () => {
            const answer = await ann.authorize('123.456', 'presence-room.x');
            assert.deepEqual(JSON.parse(answer.channel_data), { user_id: '1', user_info: { id: 1, name: 'Ann', room: 'x' } });
            assert.equal(answer.auth, `${APP.key}:${hmac(APP.secret, `123.456:presence-room.x:${answer.channel_data}`)}`);
        });
        test('gives encrypted channels their secret', async () => {
            const answer = await ann.authorize('123.456', 'private-encrypted-open.x');
            assert.equal(answer.auth, `${APP.key}:${hmac(APP.secret, '123.456:private-encrypted-open.x')}`);
            assert.equal(Buffer.from(answer.shared_secret, 'base64').length, 32);
        });
        test('refuses what the callbacks refuse, unknown channels, and guests', async () => {
            const guest = await app.session();
            for (const [session, name] of [[ann, 'private-closed.x'], [ann, 'private-App.Models.User.2'], [ann, 'private-nowhere'], [guest, 'private-open.x'], [guest, 'presence-room.x']]) {
                await assert.rejects(session.authorize('123.456', name), { status: 403 }, name);
            }
        });
        test('a refused subscription reaches error() of Echo', async () => {
            const client = await echo(ann);
            await assert.rejects(subscribed(client.private('closed.x')));
            await assert.rejects(subscribed(client.private('App.Models.User.2')));
        });
        test('a signature that the daemon refuses reaches error() of Echo as well', async () => {
            const client = await echo(ann, {
                options: { channelAuthorization: { customHandler: (_, callback) => callback(null, { auth: `${APP.key}:${'0'.repeat(64)}` }) } },
            });
            await assert.rejects(subscribed(client.private('open.x')), (error) => {
                assert.equal(error.error.status, 401);
                assert.equal(error.error.type, 'AuthError');
                return true;
            });
            // And the connection goes on.
            const name = channel();
            const subscription = client.channel(name);
            await subscribed(subscription);
        });
    });

    test('here, joining and leaving across two tabs of one user', async () => {
        const name = channel('room');
        const log = new Inbox();
        const first = await echo(ann);
        const room = first.join(name)
            .here((users) => log.push(['here', users.map((user) => user.name)]))
            .joining((user) => log.push(['joining', user.name]))
            .leaving((user) => log.push(['leaving', user.name]));
        await subscribed(room);
        assert.deepEqual(await log.take(), ['here', ['Ann']]);

        const seen = [];
        const tabs = [await echo(bob), await echo(bob)];
        for (const tab of tabs) {
            await subscribed(tab.join(name).here((users) => seen.push(users)));
        }
        assert.deepEqual(await log.take(), ['joining', 'Bob']);
        for (const users of seen) assert.deepEqual(users, [{ id: 1, name: 'Ann', room: name.slice(5) }, { id: 2, name: 'Bob', room: name.slice(5) }]);

        tabs[0].leave(name);
        tabs[1].leave(name);
        assert.deepEqual(await log.take(), ['leaving', 'Bob']);

        const third = await echo(await app.session(3));
        await subscribed(third.join(name));
        assert.deepEqual(await log.take(), ['joining', 'Zoë "Zed" O\'Neill']);
        third.disconnect();
        assert.deepEqual(await log.take(), ['leaving', 'Zoë "Zed" O\'Neill']);
        assert.deepEqual(log.waiting, []);
    });

    test('whispers reach the other members', async () => {
        const name = channel('room');
        const [a, b] = [await echo(ann), await echo(bob)];
        const rooms = [a.join(name), b.join(name)];
        await Promise.all(rooms.map((room) => subscribed(room)));
        const heard = rooms.map((room) => {
            const inbox = new Inbox();
            room.listenForWhisper('typing', (data, meta) => inbox.push([data, meta?.user_id]));
            return inbox;
        });
        rooms[0].whisper('typing', { name: 'Ann', n: 1.5, list: [], empty: {} });
        const [data, user] = await heard[1].take('a whisper');
        assert.deepEqual(data, { name: 'Ann', n: 1.5, list: [], empty: {} });
        assert.ok(user === undefined || user === '1');
        rooms[1].whisper('typing', { back: true });
        assert.deepEqual((await heard[0].take('the whisper back'))[0], { back: true });
    });

    test('encrypted channels are decrypted by pusher-js, each with its own key', async () => {
        const client = await echo(ann);
        const names = [channel('open'), channel('open')];
        const heard = [];
        for (const name of names) {
            const subscription = client.encryptedPrivate(name);
            heard.push(hear(subscription, 'Now'));
            await subscribed(subscription);
        }
        const plain = client.channel(channel());
        const plainHeard = hear(plain, 'Now');
        await subscribed(plain);
        // One event on two encrypted channels: everybody must be able to read it.
        await ann.act('now', { channels: names.map((name) => `encrypted:${name}`), value: { secret: 'ключ \u{1f511}' } });
        for (const inbox of heard) assert.deepEqual((await inbox.take('an encrypted event')).value, { secret: 'ключ \u{1f511}' });
        await ann.act('now', { channels: [`encrypted:${names[0]}`], value: 2 });
        assert.equal((await heard[0].take()).value, 2);
        assert.deepEqual(plainHeard.waiting, []);
    });

    test('the daemon never sees an encrypted payload', async () => {
        const { Client } = await import('../lib/ws.mjs');
        const raw = await Client.open(daemon, { app: APP });
        const name = `private-encrypted-${channel('open')}`;
        await raw.subscribe(name);
        await ann.act('now', { channels: [name], value: 'SECRET-TEXT' });
        const message = await raw.next();
        assert.deepEqual(Object.keys(JSON.parse(message.data)).sort(), ['ciphertext', 'nonce']);
        assert.ok(!message.text.includes('SECRET-TEXT'));
        raw.destroy();
    });

    for (const kind of ['now', 'queued']) {
        test(`an event of a rolled-back transaction is not sent, of a committed one it is (${kind})`, async () => {
            const client = await echo();
            const name = channel();
            const subscription = client.channel(name);
            const inbox = hear(subscription, kind === 'now' ? 'AfterCommit' : 'QueuedAfterCommit');
            await subscribed(subscription);
            assert.equal(await ann.act('transaction', { kind, channel: name, value: 'rolled back', fail: true }), 'rolled back');
            assert.equal(await ann.act('transaction', { kind, channel: name, value: 'committed' }), 'committed');
            assert.equal((await inbox.take()).value, 'committed');
            assert.deepEqual(inbox.waiting, []);
        });
    }
    test('an event without it is sent at once, whatever becomes of the transaction', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        await ann.act('transaction', { kind: 'plain', channel: name, value: 'sent', fail: true });
        assert.equal((await inbox.take()).value, 'sent');
    });

    test('1,000 messages of one request arrive in their order', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        await ann.act('many', { channels: [`public:${name}`], count: 1000 });
        for (let i = 0; i < 1000; i++) assert.equal((await inbox.take(`message ${i}`)).value, i);
    });

    test('unicode and 90 KB payloads arrive byte for byte', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        for (const value of [
            'Grüße, 世界, \u{1f600}\u{1f468}\u200d\u{1f469}\u200d\u{1f467}, \u2028\u2029, \u0000\u0001\u001f\u007f, "quotes" \\ back / slash </script>',
            'é'.repeat(14_000) + 'x',
            'x'.repeat(90 * 1024),
            { keys: { 'ключ "k"': [[], {}, '', 0, -1.5e-7, 9007199254740991] } },
            '',
            0,
            false,
        ]) {
            await ann.act('now', { channels: [`public:${name}`], value });
            assert.deepEqual((await inbox.take('the payload')).value, Array.isArray(value) || typeof value !== 'object' ? value : { keys: { 'ключ "k"': [[], [], '', 0, -1.5e-7, 9007199254740991] } });
        }
    });

    test('a payload that is too large is an error that says so, and the next one passes', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        await assert.rejects(ann.act('now', { channels: [`public:${name}`], value: 'x'.repeat(200_000) }), (error) => {
            assert.equal(error.status, 500);
            assert.equal(error.broadcast, true, error.text);
            assert.match(error.text, /max_event_size/);
            assert.ok(!error.text.includes(APP.secret));
            return true;
        });
        await ann.act('now', { channels: [`public:${name}`], value: 'small' });
        assert.equal((await inbox.take()).value, 'small');
    });

    test('a bad channel name is a BroadcastException', async () => {
        await assert.rejects(ann.act('now', { channels: ['public:no such name'], value: 1 }), { status: 500, broadcast: true });
        await assert.rejects(ann.act('now', { channels: ['public:c', 'private:no/such'], value: 1 }), { broadcast: true });
    });

    test('leaving a channel ends its events', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        client.leave(name);
        const again = client.channel(channel());
        await subscribed(again);
        await ann.act('now', { channels: [`public:${name}`], value: 1 });
        await ann.act('now', { channels: [`public:${again.name}`], value: 2 });
        const other = hear(again, 'Now');
        await ann.act('now', { channels: [`public:${again.name}`], value: 3 });
        await other.take();
        assert.deepEqual(inbox.waiting, []);
    });

    test('an artisan command broadcasts', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        const { code, stdout, stderr } = await app.artisan('test:act', 'now', JSON.stringify({ channels: [`public:${name}`], value: 'from artisan' }));
        assert.equal(code, 0, stdout + stderr);
        assert.equal((await inbox.take()).value, 'from artisan');
    });

    test('a job broadcasts from the queue worker', async () => {
        const client = await echo();
        const name = channel();
        const subscription = client.channel(name);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        await ann.act('job', { action: 'now', input: { channels: [`public:${name}`], value: 'from a job' } });
        assert.equal((await inbox.take()).value, 'from a job');
    });

    test('config:cache, optimize and the commands that list things work', async () => {
        for (const command of [['config:cache'], ['optimize'], ['list'], ['channel:list'], ['about'], ['optimize:clear']]) {
            const { code, stdout, stderr } = await app.artisan(...command);
            assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
        }
    });
});
