// The official PHP SDK of Pusher (pusher/pusher-php-server) against the daemon: every call, its answers, its signatures and its exceptions.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, APP2, Daemon, freePort } from '../lib/daemon.mjs';
import { Authority } from '../lib/certs.mjs';
import { need } from '../lib/deps.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { Laravel, MASTER_KEY, missing } from '../lib/laravel.mjs';
import { unique } from '../lib/suite.mjs';
import { Inbox, deadline } from '../lib/wait.mjs';
import { Client, quiet, settle } from '../lib/ws.mjs';

const Pusher = need('pusher-js');
const skip = missing();
const off = { id: 'off', key: 'off', secret: 'secret-of-off' };

/** One application of Composer for the whole file; the daemons differ. */
describe('pusher/pusher-php-server', { skip }, () => {
    let app;
    const daemons = {};

    before(async () => {
        const common = { 'app "off"': { key: off.key, secret: off.secret, enabled: 'no' } };
        daemons.plain = await Daemon.start({ workers: 3, sections: common });
        daemons.prefixed = await Daemon.start({ sections: { ...common, server: { path_prefix: '/ws/live' } } });
        app = await Laravel.create(daemons.plain, { stock: true });
    });
    after(async () => {
        await app?.stop();
        for (const daemon of Object.values(daemons)) await daemon.stop();
    });

    for (const [name, prefix] of [['plain', ''], ['prefixed', '/ws/live']]) {
        describe(prefix ? `below the path ${prefix}` : 'without a path', () => {
            let daemon, sdk, ipc;
            const clients = new Set();
            const open = async (options = {}) => {
                const client = await Client.open(daemon, { app: APP, path: `${prefix}/app/${APP.key}?protocol=7`, ...options });
                clients.add(client);
                return client;
            };

            before(async () => {
                daemon = daemons[name];
                ipc = await Ipc.open(daemon.socket, APP);
                // Guzzle resolves against the path as a browser does: without the slash at the end its last part is replaced.
                sdk = app.sdk({ options: { port: daemon.port, ...(prefix ? { path: `${prefix}/` } : {}), encryption_master_key_base64: MASTER_KEY } });
            });
            after(() => {
                for (const client of clients) client.destroy();
                ipc?.close();
            });

            for (const method of ['trigger', 'triggerAsync']) {
                test(`${method} on one channel and on many, and not to the socket that is left out`, async () => {
                    const channels = [unique(), unique(), unique()];
                    const [a, b] = [await open(), await open()];
                    for (const client of [a, b]) for (const channel of channels) await client.subscribe(channel);
                    assert.deepEqual(await sdk(method, [channels[0], 'App\\Events\\One', { text: 'é/"\u{1f600}"', list: [1, 2.5, null] }]), {});
                    for (const client of [a, b]) {
                        const message = await client.expect('App\\Events\\One', channels[0]);
                        assert.deepEqual(JSON.parse(message.data), { text: 'é/"\u{1f600}"', list: [1, 2.5, null] });
                    }
                    await sdk(method, [channels, 'Many', 'a string', { socket_id: a.socketId }]);
                    for (const channel of channels) assert.equal((await b.expect('Many', channel)).data, '"a string"');
                    await quiet(ipc, a, b);
                });
            }

            test('data that is encoded already goes as it is', async () => {
                const channel = unique();
                const client = await open();
                await client.subscribe(channel);
                await sdk('trigger', [channel, 'E', '{"a": 1.0, "b": {}, "c": "\\/"}', {}, true]);
                assert.equal((await client.expect('E', channel)).data, '{"a": 1.0, "b": {}, "c": "\\/"}');
            });

            test('info comes back with trigger and triggerBatch', async () => {
                const [plain, presence] = [unique(), unique('presence')];
                const client = await open();
                await client.subscribe(plain);
                await client.subscribe(presence, { data: { user_id: '1' } });
                const result = await sdk('trigger', [[plain, presence], 'E', 1, { info: 'subscription_count,user_count' }]);
                assert.deepEqual(result, { channels: { [plain]: { subscription_count: 1 }, [presence]: { user_count: 1 } } });
                const batch = await sdk('triggerBatch', [[
                    { channel: plain, name: 'E', data: 1, info: 'subscription_count' },
                    { channel: presence, name: 'E', data: 1, info: 'user_count' },
                    { channel: plain, name: 'E', data: 1 },
                ]]);
                assert.deepEqual(batch, { batch: [{ subscription_count: 1 }, { user_count: 1 }, {}] });
            });

            for (const method of ['triggerBatch', 'triggerBatchAsync']) {
                test(`${method} in its order, with a socket to leave out`, async () => {
                    const channel = unique();
                    const [a, b] = [await open(), await open()];
                    for (const client of [a, b]) await client.subscribe(channel);
                    await sdk(method, [[
                        { channel, name: 'A', data: { n: 1 } },
                        { channel, name: 'B', data: 'text', socket_id: a.socketId },
                        { channel, name: 'C', data: [3] },
                    ]]);
                    for (const event of ['A', 'B', 'C']) await b.expect(event, channel);
                    for (const event of ['A', 'C']) await a.expect(event, channel);
                    await quiet(ipc, a, b);
                });
            }

            test('100 channels in one call, 100 events in one batch', async () => {
                const channels = Array.from({ length: 100 }, () => unique());
                const client = await open();
                await client.subscribe(channels[0]);
                await client.subscribe(channels[99]);
                await sdk('trigger', [channels, 'E', 1]);
                await client.expect('E', channels[0]);
                await client.expect('E', channels[99]);
                await sdk('triggerBatch', [channels.map((channel, i) => ({ channel, name: 'B', data: i }))]);
                assert.equal((await client.expect('B', channels[0])).data, '0');
                assert.equal((await client.expect('B', channels[99])).data, '99');
            });

            test('getChannels: none, all, by prefix, with attributes', async () => {
                const prefixOf = unique('presence');
                assert.deepEqual(await sdk('getChannels', [{ filter_by_prefix: prefixOf }]), { channels: [] }, 'no channels: an empty PHP array, not a TypeError');
                const client = await open();
                const other = await open();
                await client.subscribe(`${prefixOf}-a`, { data: { user_id: '1' } });
                await other.subscribe(`${prefixOf}-a`, { data: { user_id: '2' } });
                await client.expect('pusher_internal:member_added');
                await client.subscribe(`${prefixOf}-b`, { data: { user_id: '1' } });
                const plain = unique();
                await client.subscribe(plain);
                assert.deepEqual(await sdk('getChannels', [{ filter_by_prefix: prefixOf }]), { channels: { [`${prefixOf}-a`]: {}, [`${prefixOf}-b`]: {} } });
                const counted = await sdk('getChannels', [{ filter_by_prefix: prefixOf, info: 'user_count' }]);
                assert.deepEqual(counted, { channels: { [`${prefixOf}-a`]: { user_count: 2 }, [`${prefixOf}-b`]: { user_count: 1 } } });
                const all = await sdk('getChannels');
                assert.deepEqual(all.channels[plain], {});
                assert.deepEqual(all.channels[`${prefixOf}-a`], {});
            });

            test('getChannelInfo and getPresenceUsers', async () => {
                const [plain, presence, cache] = [unique(), unique('presence'), unique('cache')];
                const [a, b] = [await open(), await open()];
                await a.subscribe(plain);
                await b.subscribe(plain);
                await a.subscribe(presence, { data: { user_id: '1', user_info: { name: 'Ann' } } });
                await b.subscribe(presence, { data: { user_id: '1' } });
                await a.subscribe(cache);
                await a.expect('pusher:cache_miss', cache);
                assert.deepEqual(await sdk('getChannelInfo', [plain]), { occupied: true });
                assert.deepEqual(await sdk('getChannelInfo', [plain, { info: 'subscription_count' }]), { occupied: true, subscription_count: 2 });
                assert.deepEqual(await sdk('getChannelInfo', [presence, { info: 'user_count' }]), { occupied: true, user_count: 1 });
                assert.deepEqual(await sdk('getChannelInfo', [unique()]), { occupied: false });
                await sdk('trigger', [cache, 'Kept', { x: 1 }]);
                const kept = (await sdk('getChannelInfo', [cache, { info: 'cache' }])).cache;
                assert.equal(kept.data, '{"x":1}');
                assert.ok(kept.ttl > 0 && kept.ttl <= 1800);
                assert.deepEqual(await sdk('getPresenceUsers', [presence]), { users: [{ id: '1' }] });
                await assert.rejects(sdk('getPresenceUsers', [plain]), { error: 'Pusher\\ApiErrorException', code: 400 });
            });

            test('get() and post() of any path', async () => {
                await open();
                assert.ok((await sdk('get', ['/connections'])).connections >= 1);
                await assert.rejects(sdk('get', ['/nothing']), { error: 'Pusher\\ApiErrorException', code: 404 });
                await assert.rejects(sdk('post', ['/channels', '{}']), { error: 'Pusher\\ApiErrorException', code: 405 });
            });

            test('authorizeChannel and authorizePresenceChannel sign what the daemon accepts', async () => {
                const [channel, presence, own] = [unique('private'), unique('presence'), unique('private')];
                const client = await open();
                await client.subscribe(channel, { auth: JSON.parse(await sdk('authorizeChannel', [channel, client.socketId])).auth });
                const signed = JSON.parse(await sdk('authorizePresenceChannel', [presence, client.socketId, 'u/1', { name: 'Zoë "Z"', url: 'https://a/b' }]));
                const { data } = await client.subscribe(presence, { auth: signed.auth, data: signed.channel_data });
                assert.deepEqual(JSON.parse(data).presence, { count: 1, ids: ['u/1'], hash: { 'u/1': { name: 'Zoë "Z"', url: 'https://a/b' } } });
                const bare = JSON.parse(await sdk('authorizePresenceChannel', [`${presence}-b`, client.socketId, '7']));
                await client.subscribe(`${presence}-b`, { auth: bare.auth, data: bare.channel_data });
                const custom = JSON.parse(await sdk('authorizeChannel', [own, client.socketId, '{"x":"y/z"}']));
                await client.subscribe(own, { auth: custom.auth, data: custom.channel_data });
                // A signature for another socket, another channel, or by another secret is none.
                for (const [wrong, args] of [[channel, ['private-else', client.socketId]], [channel, [channel, '1.1']]]) {
                    const { auth } = JSON.parse(await sdk('authorizeChannel', args));
                    client.send({ event: 'pusher:subscribe', data: { channel: `${wrong}-2`, auth } });
                    await client.refused(`${wrong}-2`);
                }
                const { auth } = JSON.parse(await sdk('authorizeChannel', [`${channel}-3`, client.socketId], { app: { ...APP, secret: 'another' } }));
                client.send({ event: 'pusher:subscribe', data: { channel: `${channel}-3`, auth } });
                await client.refused(`${channel}-3`);
            });

            test('authenticateUser signs in; sendToUser reaches every tab and nobody else; terminateUserConnections ends them with 4009', async () => {
                for (const [send, end] of [['sendToUser', 'terminateUserConnections'], ['sendToUserAsync', 'terminateUserConnectionsAsync']]) {
                    const id = unique('u@example.com');
                    const [one, two, other] = [await open(), await open(), await open()];
                    for (const [client, user] of [[one, id], [two, id], [other, `${id}x`]]) {
                        const { auth, user_data } = JSON.parse(await sdk('authenticateUser', [client.socketId, { id: user, user_info: { name: 'Zoë / "Z"' } }]));
                        client.send({ event: 'pusher:signin', data: { auth, user_data } });
                        await client.expect('pusher:signin_success');
                    }
                    await sdk(send, [id, 'hello', { to: id }]);
                    for (const client of [one, two]) assert.deepEqual(JSON.parse((await client.expect('hello', `#server-to-user-${id}`)).data), { to: id });
                    assert.deepEqual(await sdk(end, [id]), {});
                    for (const client of [one, two]) {
                        await client.error(4009);
                        await client.closedWith(4009);
                    }
                    await quiet(ipc, other);
                }
            });

            test('terminateUserConnections of an id that has to be escaped in a path', async () => {
                for (const id of ['user 1', 'Zoë', 'a+b', '50%', 'a;b,c']) {
                    const client = await open();
                    const { auth, user_data } = JSON.parse(await sdk('authenticateUser', [client.socketId, { id }]));
                    client.send({ event: 'pusher:signin', data: { auth, user_data } });
                    await client.expect('pusher:signin_success');
                    assert.deepEqual(await sdk('terminateUserConnections', [id]), {}, id);
                    await client.error(4009);
                    await client.closedWith(4009);
                }
            });

            test('encrypted channels: trigger and triggerBatch encrypt, pusher-js decrypts, the daemon sees neither', async () => {
                const channel = unique('private-encrypted');
                const raw = await open();
                await raw.subscribe(channel);
                const pusher = new Pusher(APP.key, {
                    cluster: '', wsHost: '127.0.0.1', wsPort: daemon.port, wsPath: prefix, forceTLS: false, enabledTransports: ['ws'],
                    channelAuthorization: {
                        customHandler: ({ socketId, channelName }, callback) => {
                            sdk('authorizeChannel', [channelName, socketId]).then((text) => callback(null, JSON.parse(text)), (error) => callback(error, null));
                        },
                    },
                });
                try {
                    const inbox = new Inbox();
                    const subscription = pusher.subscribe(channel);
                    subscription.bind('secret', (data) => inbox.push(data));
                    await deadline(new Promise((done, fail) => {
                        subscription.bind('pusher:subscription_succeeded', done);
                        subscription.bind('pusher:subscription_error', fail);
                    }), 'the encrypted subscription');
                    await sdk('trigger', [channel, 'secret', { text: 'SECRET \u{1f511}' }]);
                    assert.deepEqual(await inbox.take('the decrypted event'), { text: 'SECRET \u{1f511}' });
                    await sdk('triggerBatch', [[{ channel, name: 'secret', data: { n: 2 } }]]);
                    assert.deepEqual(await inbox.take('the decrypted event of a batch'), { n: 2 });
                    for (let i = 0; i < 2; i++) {
                        const message = await raw.expect('secret', channel);
                        assert.deepEqual(Object.keys(JSON.parse(message.data)).sort(), ['ciphertext', 'nonce']);
                        assert.ok(!message.text.includes('SECRET'));
                    }
                } finally {
                    pusher.disconnect();
                }
            });

            test('refusals are the ApiErrorException of the SDK, with status and reason', async () => {
                const channel = unique();
                const client = await open();
                await client.subscribe(channel);
                for (const [code, args, change] of [
                    [401, [channel, 'E', 1], { app: { ...APP, secret: 'wrong' } }],
                    [401, [channel, 'E', 1], { app: { ...APP, key: 'wrong' } }],
                    [401, [channel, 'E', 1], { app: { ...APP2, id: APP.id } }],
                    [403, [channel, 'E', 1], { app: off }],
                    [404, [channel, 'E', 1], { app: { ...APP, id: 'nobody' } }],
                    [400, [channel, 'pusher:error', 1]],
                    [400, ['c'.repeat(300), 'E', 1]],
                    [400, [channel, 'e'.repeat(300), 1]],
                    [413, [channel, 'E', 'x'.repeat(150_000)]],
                    [400, [channel, '', 1]],
                ]) {
                    await assert.rejects(sdk('trigger', args, change), (error) => {
                        assert.equal(error.error, 'Pusher\\ApiErrorException', `${code}: ${error.message}`);
                        assert.equal(error.code, code, error.message);
                        assert.equal(typeof JSON.parse(error.message).error, 'string', error.message);
                        return true;
                    });
                }
                await quiet(ipc, client);
                for (const [method, args] of [['getChannels', []], ['getChannelInfo', [channel]], ['getPresenceUsers', [channel]], ['terminateUserConnections', ['1']], ['triggerBatch', [[{ channel, name: 'E', data: 1 }]]]]) {
                    await assert.rejects(sdk(method, args, { app: { ...APP, secret: 'wrong' } }), { error: 'Pusher\\ApiErrorException', code: 401 }, method);
                }
            });

            test('one app cannot see or reach another', async () => {
                const channel = unique();
                const client = await open();
                await client.subscribe(channel);
                assert.deepEqual(await sdk('getChannelInfo', [channel], { app: APP2 }), { occupied: false });
                await sdk('trigger', [channel, 'E', 1], { app: APP2 });
                await quiet(ipc, client);
            });
        });
    }

    test('a path that the daemon does not serve is a 404', async () => {
        const sdk = app.sdk({ options: { port: daemons.prefixed.port } });
        await assert.rejects(sdk('getChannels'), { error: 'Pusher\\ApiErrorException', code: 404 });
        await assert.rejects(sdk('getChannels', [], { options: { path: '/other/' } }), { error: 'Pusher\\ApiErrorException', code: 404 });
        await assert.rejects(sdk('getChannels', [], { options: { port: daemons.plain.port, path: '/ws/live/' } }), { error: 'Pusher\\ApiErrorException', code: 404 });
    });

    test('50 at once, over as many connections', async () => {
        const sdk = app.sdk({ options: { port: daemons.plain.port } });
        const channel = unique();
        const client = await Client.open(daemons.plain, { app: APP });
        await client.subscribe(channel);
        const answers = await sdk('triggerAsync', [channel, 'E', { n: '{i}' }], { times: 50 });
        assert.deepEqual(answers, Array(50).fill({}));
        const got = [];
        for (let i = 0; i < 50; i++) got.push(Number(JSON.parse((await client.expect('E', channel)).data).n));
        assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
        client.destroy();
    });

    test('a body of 2 MB, before which the SDK asks with Expect: 100-continue, where events may be so large', async () => {
        const daemon = await Daemon.start({ sections: { limits: { max_event_size: '4M' } } });
        try {
            const sdk = app.sdk({ options: { port: daemon.port } });
            const channel = unique();
            const client = await Client.open(daemon, { app: APP });
            await client.subscribe(channel);
            for (let i = 0; i < 2; i++) {
                await sdk('trigger', [channel, 'E', 'x'.repeat(2_000_000)]);
                assert.equal((await client.expect('E', channel)).data.length, 2_000_002);
            }
            // Refused before it is sent, and said so.
            await assert.rejects(sdk('trigger', [channel, 'E', 'x'.repeat(5_000_000)]), { error: 'Pusher\\ApiErrorException', code: 413 });
            await sdk('trigger', [channel, 'E', 1]);
            await client.expect('E', channel);
            client.destroy();
        } finally {
            await daemon.stop();
        }
    });

    test('a kept-alive connection that ended meanwhile is no error', async () => {
        const daemon = await Daemon.start();
        try {
            const sdk = app.sdk({ options: { port: daemon.port } });
            for (let i = 0; i < 3; i++) await sdk('trigger', ['c', 'E', i]);
            await daemon.kill();
            await daemon.launch();
            for (let i = 0; i < 3; i++) await sdk('trigger', ['c', 'E', i]);
        } finally {
            await daemon.stop();
        }
    });

    test('over TLS, with the certificate checked', async () => {
        const ca = new Authority();
        const { certificate, key } = ca.issue('localhost', ['localhost']);
        const port = await freePort();
        const daemon = await Daemon.start({ sections: { tls: { listen: `127.0.0.1:${port}`, certificate, key } } });
        try {
            const options = { host: 'localhost', port, scheme: 'https', useTLS: true };
            const sdk = app.sdk({ options, client: { verify: ca.file } });
            const channel = unique();
            const client = await Client.open(daemon, { app: APP });
            await client.subscribe(channel);
            for (let i = 0; i < 3; i++) {
                await sdk('trigger', [channel, 'E', i]);
                assert.equal((await client.expect('E', channel)).data, String(i));
            }
            assert.deepEqual(await sdk('getChannels'), { channels: { [channel]: {} } });
            await assert.rejects(app.sdk({ options })('trigger', [channel, 'E', 1]), { message: /SSL certificate/ });
            client.destroy();
        } finally {
            await daemon.stop();
            ca.remove();
        }
    });

    test('nobody listening is an ApiErrorException too', async () => {
        const sdk = app.sdk({ options: { port: await freePort() } });
        await assert.rejects(sdk('trigger', ['c', 'E', 1]), { error: 'Pusher\\ApiErrorException', code: 0 });
    });
});
