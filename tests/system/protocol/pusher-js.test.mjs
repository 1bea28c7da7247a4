// How the unchanged pusher-js, laravel-echo and `ws` act on what the daemon sends, the refusals above all.
import { afterEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, Daemon } from '../lib/daemon.mjs';
import { load, need } from '../lib/deps.mjs';
import { long } from '../lib/paths.mjs';
import { auth } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { Inbox, deadline, until } from '../lib/wait.mjs';

const Pusher = need('pusher-js');
const WebSocket = need('ws');
const { default: Echo } = await load('laravel-echo/dist/echo.js');

suite('pusher-js', { workers: [1, 3], sections: { 'app "off"': { key: 'off', secret: 'secret-of-off', enabled: 'no' }, 'app "small"': { key: 'small', secret: 'secret-of-small', max_connections: 1 } } }, (ctx) => {
    const open = new Set();
    afterEach(() => {
        for (const pusher of open) pusher.disconnect();
        open.clear();
    });
    function connect(key = APP.key, user = 1, options = {}) {
        const pusher = new Pusher(key, {
            cluster: '',
            wsHost: '127.0.0.1',
            wsPort: ctx.daemon.port,
            forceTLS: false,
            enabledTransports: ['ws'],
            channelAuthorization: {
                customHandler: ({ socketId, channelName }, callback) => {
                    const data = channelName.startsWith('presence-') ? JSON.stringify({ user_id: String(user), user_info: { name: `User ${user}` } }) : undefined;
                    callback(null, { auth: auth(APP, socketId, channelName, data), ...(data ? { channel_data: data } : {}) });
                },
            },
            ...options,
        });
        open.add(pusher);
        return pusher;
    }
    const state = (pusher, wanted) =>
        deadline(new Promise((done) => {
            if (pusher.connection.state === wanted) done();
            pusher.connection.bind('state_change', ({ current }) => current === wanted && done());
        }), () => `${wanted}; it is ${pusher.connection.state}`);
    const bound = (target, event) => deadline(new Promise((done) => target.bind(event, done)), event);

    test('connects, subscribes, receives', async () => {
        const pusher = connect();
        await state(pusher, 'connected');
        assert.match(pusher.connection.socket_id, /^\d+\.\d+$/);
        for (const name of [unique(), unique('private'), unique('presence')]) {
            const channel = pusher.subscribe(name);
            await bound(channel, 'pusher:subscription_succeeded');
            const got = bound(channel, 'E');
            await ctx.ipc.publish({ channel: name, data: { a: [1, 'ü'] } });
            assert.deepEqual(await got, { a: [1, 'ü'] });
        }
    });

    test('presence members, in both directions', async () => {
        const name = unique('presence');
        const [one, two] = [connect(APP.key, 1), connect(APP.key, 2)];
        const first = one.subscribe(name);
        await bound(first, 'pusher:subscription_succeeded');
        assert.equal(first.members.count, 1);
        assert.equal(first.members.me.id, '1');
        const added = bound(first, 'pusher:member_added');
        const second = two.subscribe(name);
        const members = await bound(second, 'pusher:subscription_succeeded');
        assert.deepEqual(await added, { id: '2', info: { name: 'User 2' } });
        assert.deepEqual(members.get('1'), { id: '1', info: { name: 'User 1' } });
        const removed = bound(first, 'pusher:member_removed');
        two.disconnect();
        assert.equal((await removed).id, '2');
        assert.equal(first.members.count, 1);
    });

    test('trigger() reaches the others with the user id as metadata', async () => {
        const name = unique('presence');
        const [one, two] = [connect(APP.key, 1), connect(APP.key, 2)];
        const channels = [one.subscribe(name), two.subscribe(name)];
        await Promise.all(channels.map((channel) => bound(channel, 'pusher:subscription_succeeded')));
        const got = deadline(new Promise((done) => channels[1].bind('client-x', (data, meta) => done([data, meta]))), 'client-x');
        assert.ok(channels[0].trigger('client-x', { a: 1 }));
        assert.deepEqual(await got, [{ a: 1 }, { user_id: '1' }]);
    });

    test('client events of every kind arrive as what they were', async () => {
        const name = unique('presence');
        const [one, two] = [connect(APP.key, 1), connect(APP.key, 2)];
        const channels = [one.subscribe(name), two.subscribe(name)];
        await Promise.all(channels.map((channel) => bound(channel, 'pusher:subscription_succeeded')));
        const got = new Inbox();
        channels[1].bind('client-x', (data, meta) => got.push([data, meta]));
        for (const data of [{ a: [1, 'ü "x"'] }, [], 0, 1.5, true, null, 'text', '', undefined]) {
            assert.ok(channels[0].trigger('client-x', data));
            assert.deepEqual(await got.take(), [data, { user_id: '1' }]);
        }
    });

    test('an error reaches the application as an object with code and message', async () => {
        const pusher = connect();
        await state(pusher, 'connected');
        const errors = new Inbox();
        pusher.connection.bind('error', (error) => errors.push(error));
        pusher.send_event('pusher:nonsense', {});
        assert.deepEqual((await errors.take()).data, { code: 4200, message: 'Invalid message format' });
        for (const data of [[], '', null, undefined, 5]) {
            const pong = bound(pusher.connection, 'message');
            pusher.send_event('pusher:ping', data);
            assert.equal((await pong).event, 'pusher:pong');
        }
    });

    test('a cache channel without an event says so', async () => {
        const channel = connect().subscribe(unique('cache'));
        assert.deepEqual(await bound(channel, 'pusher:cache_miss'), {});
    });

    test('laravel-echo: whispers of every kind, members, refusals', async () => {
        const name = unique();
        const echos = [1, 2].map((user) => new Echo({ broadcaster: 'pusher', key: APP.key, client: connect(APP.key, user) }));
        const rooms = echos.map((echo) => echo.join(name));
        const here = rooms.map((room) => deadline(new Promise((done) => room.here(done)), 'who is here'));
        assert.deepEqual((await here[1]).length + (await here[0]).length >= 2, true);
        const heard = new Inbox();
        rooms[1].listenForWhisper('typing', (data) => heard.push(data));
        for (const data of [{ name: 'Grüße' }, [1], 'text', 7, null]) {
            rooms[0].whisper('typing', data);
            assert.deepEqual(await heard.take(), data);
        }
        const refused = new Echo({
            broadcaster: 'pusher',
            key: APP.key,
            client: connect(APP.key, 3, { channelAuthorization: { customHandler: (_, callback) => callback(null, { auth: `${APP.key}:${'f'.repeat(64)}` }) } }),
        });
        const error = await deadline(new Promise((done) => refused.private(name).error(done)), 'the refusal');
        assert.equal(error.status, 401);
    });

    for (const [name, key, code] of [['an unknown key', 'nobody', 4001], ['a disabled application', 'off', 4003]]) {
        test(`${name}: gives up with ${code}`, async () => {
            const pusher = connect(key);
            const errors = new Inbox();
            pusher.connection.bind('error', (error) => errors.push(error));
            await state(pusher, 'disconnected');
            const error = await errors.take('an error');
            assert.equal(error.error.data.code, code, JSON.stringify(error));
        });
    }

    test('over quota: gives up with 4004 and the first one goes on', async () => {
        const first = connect('small');
        await state(first, 'connected');
        const second = connect('small');
        await state(second, 'disconnected');
        assert.equal(first.connection.state, 'connected');
    });

    test('a refused signature raises pusher:subscription_error on its channel and leaves the connection open', async () => {
        const pusher = connect(APP.key, 1, { channelAuthorization: { customHandler: (_, callback) => callback(null, { auth: `${APP.key}:${'f'.repeat(64)}` }) } });
        const name = unique('private');
        const channel = pusher.subscribe(name);
        const error = await bound(channel, 'pusher:subscription_error');
        assert.equal(error.type, 'AuthError');
        assert.equal(error.status, 401);
        const other = pusher.subscribe(unique());
        await bound(other, 'pusher:subscription_succeeded');
        assert.equal(pusher.connection.state, 'connected');
    });

    test('its activity check is answered', async () => {
        const pusher = connect(APP.key, 1, { activityTimeout: 1000, pongTimeout: 2000 });
        await state(pusher, 'connected');
        const id = pusher.connection.socket_id;
        let pongs = 0;
        pusher.connection.bind('message', ({ event }) => event === 'pusher:pong' && pongs++);
        await until(() => pongs >= 2, 'two pongs');
        assert.equal(pusher.connection.socket_id, id);
    });

    test('`ws` accepts the handshake and every frame', async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${ctx.daemon.port}/app/${APP.key}?protocol=7`);
        const messages = new Inbox();
        socket.on('message', (data, binary) => messages.push([data.toString(), binary]));
        const [established, binary] = await messages.take();
        assert.equal(binary, false);
        assert.equal(JSON.parse(established).event, 'pusher:connection_established');
        const channel = unique();
        socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel } }));
        await messages.take();
        for (const size of [0, 1, 125, 126, 65_535, 65_536, 100_000]) {
            await ctx.ipc.publish({ channel, data: 'x'.repeat(size) });
            assert.equal(JSON.parse((await messages.take())[0]).data.length, size);
        }
        const pong = deadline(new Promise((done) => socket.once('pong', done)), 'a pong');
        socket.ping('hello');
        assert.equal((await pong).toString(), 'hello');
        const closed = deadline(new Promise((done) => socket.once('close', (code, reason) => done([code, reason.toString()]))), 'the close');
        socket.close(4321, 'bye');
        assert.equal((await closed)[0], 4321);
    });
});

suite('pusher-js and a node at its limit', { sections: { limits: { max_connections: 1 } } }, (ctx) => {
    test('4100: tries again until there is room', async () => {
        const options = { cluster: '', wsHost: '127.0.0.1', wsPort: ctx.daemon.port, forceTLS: false, enabledTransports: ['ws'] };
        const first = new Pusher(APP.key, options);
        await until(() => first.connection.state === 'connected', 'the first');
        const second = new Pusher(APP.key, options);
        const refused = new Inbox();
        second.connection.bind('error', (error) => refused.push(error));
        await refused.take('the refusal');
        assert.notEqual(second.connection.state, 'connected');
        first.disconnect();
        await until(() => second.connection.state === 'connected', 'the second to get in', 40_000);
        second.disconnect();
    });
});

test('pusher-js comes back after 4200, subscribed as before', long, async () => {
    const daemon = await Daemon.start();
    const pusher = new Pusher(APP.key, { cluster: '', wsHost: '127.0.0.1', wsPort: daemon.port, forceTLS: false, enabledTransports: ['ws'] });
    const channel = pusher.subscribe('c');
    await until(() => channel.subscribed, 'the subscription');
    const gone = deadline(new Promise((done) => pusher.connection.bind('state_change', ({ previous }) => previous === 'connected' && done())), 'pusher-js to notice');
    await daemon.stop({ keep: true });
    await gone;
    await daemon.launch();
    await until(() => pusher.connection.state === 'connected' && channel.subscribed, 'pusher-js to come back', 40_000);
    pusher.disconnect();
    await daemon.stop();
});
