// The cases with which Laravel Reverb tests its WebSocket server, as an outsider sees them, under the names of its test files.
// "differs:" marks where docs/protocol.md decides otherwise.
//
// Not here: publishing and whispering through Redis (ServerTest, 2; RedisPubSub, 5), which needs nodes; Autobahn (Specification), for
// which the conformance tests stand; Factory (how PHP reads its options; lifecycle and TLS tests have ours).
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { get, post } from '../lib/api.mjs';
import { APP, APP2, Daemon } from '../lib/daemon.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, PING, PONG, Raw, clientFrame, handshake, quiet, settle } from '../lib/ws.mjs';

const app = (id) => ({ id, key: id, secret: `secret-of-${id}` });
const ORIGINS = ['laravel', 'localhost', 'sub', 'wild'].map((id) => app(id));
const NONE = app('none'), ALL = app('all'), QUOTA = app('quota'), FAST = app('fast'), RATED = app('rated'), ENDED = app('ended');
const settings = {
    laravel: { allowed_origins: 'laravel.com' },
    localhost: { allowed_origins: 'localhost' },
    sub: { allowed_origins: '*.localhost' },
    wild: { allowed_origins: '*.laravel.com' },
    none: { client_events: 'none' },
    all: { client_events: 'all' },
    quota: { max_connections: 1 },
    fast: { client_event_rate: 1 },
    rated: { message_rate: 1 },
    ended: { message_rate: 1, message_rate_terminate: 'yes' },
};
const sections = Object.fromEntries([...ORIGINS, NONE, ALL, QUOTA, FAST, RATED, ENDED].map(({ id, key, secret }) => [`app "${id}"`, { key, secret, ...settings[id] }]));
const ZEROS = `${APP.key}:${'0'.repeat(64)}`;

suite('Reverb: server', { workers: [1, 3], sections }, (ctx) => {
    const trigger = (channel, name = 'NewEvent', more = {}) => post(ctx.daemon, '/events', { name, channel, data: '{"some":"data"}', ...more });
    const occupied = async (channel) => (await get(ctx.daemon, `/channels/${channel}`)).json.occupied;
    const succeeded = (channel, data = '{}') => ({ event: 'pusher_internal:subscription_succeeded', data, channel });
    const user = (id) => ({ data: { user_id: id, user_info: { name: `User ${id}` } } });
    const options = (channel, id = 1) => (channel.startsWith('presence-') ? user(id) : {});
    /** `count` subscribers of one channel, as different users if it is one of presence. */
    async function joined(channel, count) {
        const clients = [];
        for (let i = 1; i <= count; i++) {
            const client = await ctx.open();
            await client.subscribe(channel, options(channel, i));
            if (/^(private-encrypted-|private-|presence-)?cache-/.test(channel)) await client.expect('pusher:cache_miss', channel);
            if (channel.startsWith('presence-')) for (const earlier of clients) await earlier.expect('pusher_internal:member_added', channel);
            clients.push(client);
        }
        return clients;
    }

    describe('connecting', () => {
        test('clients connect to different applications', async () => {
            for (const each of [APP, APP2, NONE]) {
                const client = await ctx.dial({ app: each });
                const { data } = await client.established();
                assert.match(JSON.parse(data).socket_id, /^\d+\.\d+$/);
                assert.equal(JSON.parse(data).activity_timeout, 30);
            }
        });
        test('an unknown key is 4001 (differs: the close frame has the code too)', async () => {
            const client = await ctx.dial({ app: app('invalid-key') });
            assert.equal((await client.response()).status, 101);
            await client.error(4001, 'Application does not exist');
            await client.closedWith(4001);
        });
        for (const [what, key, origin, good] of [
            ['http://localhost where laravel.com is allowed', 'laravel', 'http://localhost', false],
            ['a subdomain where the domain is allowed', 'laravel', 'http://sub.laravel.com', false],
            ['the domain where *.laravel.com is allowed', 'wild', 'http://laravel.com', false],
            ['localhost where it is allowed', 'localhost', 'http://localhost', true],
            ['a subdomain where *.localhost is allowed', 'sub', 'http://sub.localhost', true],
        ]) {
            test(`origin: ${what} is ${good ? 'accepted' : 'refused with 4009 (differs: and closed)'}`, async () => {
                const client = await ctx.dial({ app: app(key), headers: { Origin: origin } });
                if (good) return void (await client.established());
                assert.equal((await client.response()).status, 101);
                await client.error(4009, 'Origin not allowed');
                await client.closedWith(4009);
            });
        }
        test('over max_connections it is 4004 (differs: unsubscribed ones count, and it is closed)', async () => {
            const first = await ctx.open({ app: QUOTA });
            const second = await ctx.dial({ app: QUOTA });
            assert.equal((await second.response()).status, 101);
            await second.error(4004, 'Application is over connection quota');
            await second.closedWith(4004);
            await first.sync();
        });
        test('X-Powered-By (differs: nothing says what server this is)', async () => {
            const raw = await Raw.connect(ctx.daemon.port);
            raw.write(handshake(`/app/${APP.key}?protocol=7`));
            const response = await raw.response();
            assert.equal(response.status, 101);
            assert.deepEqual(Object.keys(response.headers).sort(), ['connection', 'sec-websocket-accept', 'upgrade']);
            raw.destroy();
        });
    });

    describe('subscribing', () => {
        for (const prefix of ['', 'private-', 'cache-', 'private-cache-', 'private-encrypted-', 'private-encrypted-cache-']) {
            test(`${prefix || 'public'}: the exact answer${prefix.includes('cache') ? ', then cache_miss' : ''}`, async () => {
                const channel = prefix + unique();
                const client = await ctx.open();
                assert.deepEqual({ ...(await client.subscribe(channel)) }, succeeded(channel));
                if (prefix.includes('cache')) assert.deepEqual({ ...(await client.next()) }, { event: 'pusher:cache_miss', data: '{}', channel });
                await quiet(ctx.ipc, client);
            });
        }
        for (const prefix of ['presence-', 'presence-cache-']) {
            test(`${prefix}: the exact answer`, async () => {
                const channel = prefix + unique();
                const client = await ctx.open();
                const { data } = await client.subscribe(channel, user(1));
                assert.equal(data, '{"presence":{"count":1,"ids":[1],"hash":{"1":{"name":"User 1"}}}}');
                if (prefix.includes('cache')) await client.expect('pusher:cache_miss', channel);
            });
            test(`${prefix}: without channel_data it is refused (differs: Reverb counts nobody)`, async () => {
                const channel = prefix + unique();
                const client = await ctx.open();
                client.send(client.subscribeMessage(channel));
                const { data } = await client.expect('pusher:subscription_error', channel);
                assert.equal(JSON.parse(data).type, 'InvalidMember');
                assert.equal(await occupied(channel), false);
                await quiet(ctx.ipc, client);
            });
        }
        for (const prefix of ['private-', 'presence-', 'private-cache-', 'presence-cache-', 'private-encrypted-']) {
            for (const [what, given] of [['a wrong signature', ZEROS], ['no signature', undefined], ['null', null]]) {
                test(`${prefix}: ${what} is 4009; the connection stays`, async () => {
                    const channel = prefix + unique();
                    const client = await ctx.open();
                    const data = { channel, auth: given };
                    if (prefix.startsWith('presence-')) data.channel_data = '{"user_id":1}';
                    client.send({ event: 'pusher:subscribe', data });
                    const { error } = await client.refused(channel);
                    assert.equal(error.message, 'Connection is unauthorized');
                    assert.equal(await occupied(channel), false);
                    await client.subscribe(unique());
                });
            }
        }
        test('one connection on four channels', async () => {
            const client = await ctx.open();
            const channels = ['', 'private-', 'presence-', 'cache-'].map((prefix) => prefix + unique());
            for (const channel of channels) await client.subscribe(channel, options(channel)).then(() => channel.startsWith('cache-') && client.expect('pusher:cache_miss'));
            for (const channel of channels) {
                await trigger(channel);
                await client.expect('NewEvent', channel);
            }
        });
        test('two connections on several channels, and their counts', async () => {
            const [both, one] = [unique(), unique()];
            const [a] = await joined(both, 2);
            await a.subscribe(one);
            const count = async (channel) => (await get(ctx.daemon, `/channels/${channel}`, { query: { info: 'subscription_count' } })).json.subscription_count;
            assert.equal(await count(both), 2);
            assert.equal(await count(one), 1);
        });
        test('an empty channel name is refused and harms nobody', async () => {
            const client = await ctx.open();
            client.send({ event: 'pusher:subscribe', data: { channel: '' } });
            const { data } = await client.expect('pusher:subscription_error', '');
            assert.equal(JSON.parse(data).type, 'InvalidChannel');
            await client.sync();
        });
        test('channel_data of 10,100 bytes is over the message size', async () => {
            const client = await ctx.open();
            client.send(client.subscribeMessage(unique('presence'), { data: JSON.stringify({ user_id: 1, user_info: { name: 'x'.repeat(10_100) } }) }));
            assert.equal((await client.closedWith(1009)).reason, 'Maximum message size exceeded');
        });
    });

    describe('leaving', () => {
        for (const prefix of ['', 'private-', 'presence-']) {
            test(`${prefix || 'public'}: unsubscribing is silent and ends events; the last one removes the channel`, async () => {
                const channel = prefix + unique();
                const [a, b] = await joined(channel, 2);
                a.unsubscribe(channel);
                await a.sync();
                if (prefix === 'presence-') await b.expect('pusher_internal:member_removed', channel);
                await trigger(channel);
                await b.expect('NewEvent', channel);
                await quiet(ctx.ipc, a, b);
                b.unsubscribe(channel);
                await settle(ctx.ipc, b);
                assert.equal(await occupied(channel), false);
            });
            test(`${prefix || 'public'}: a close unsubscribes`, async () => {
                const channels = [prefix + unique(), prefix + unique()];
                const client = await ctx.open();
                for (const channel of channels) await client.subscribe(channel, options(channel));
                await client.close();
                for (const channel of channels) await until(async () => (await occupied(channel)) === false, `${channel} to be empty`);
            });
        }
        test('an unknown channel: nothing happens', async () => {
            const client = await ctx.open();
            client.unsubscribe(unique());
            await quiet(ctx.ipc, client);
        });
    });

    describe('presence', () => {
        test('member_added is seen by earlier members only', async () => {
            const channel = unique('presence');
            const clients = [];
            for (const id of [1, 2, 3]) {
                const client = await ctx.open();
                const { data } = await client.subscribe(channel, user(id));
                assert.equal(JSON.parse(data).presence.count, id);
                for (const earlier of clients) {
                    const message = await earlier.next();
                    assert.deepEqual({ ...message }, { event: 'pusher_internal:member_added', data: JSON.stringify(user(id).data), channel });
                }
                clients.push(client);
            }
            await quiet(ctx.ipc, ...clients);
        });
        test('member_added of a user without user_info', async () => {
            const channel = unique('presence');
            const [first] = await joined(channel, 1);
            const second = await ctx.open();
            await second.subscribe(channel, { data: { user_id: 2 } });
            assert.deepEqual(JSON.parse((await first.expect('pusher_internal:member_added')).data), { user_id: 2 });
        });
        test('member_removed when one leaves', async () => {
            const channel = unique('presence');
            const [a, b, c] = await joined(channel, 3);
            await c.close();
            for (const client of [a, b]) assert.deepEqual({ ...(await client.next()) }, { event: 'pusher_internal:member_removed', data: '{"user_id":3}', channel });
            a.unsubscribe(channel);
            assert.equal((await b.next()).data, '{"user_id":1}');
        });
        test('both once per user, whose two tabs are one member', async () => {
            const channel = unique('presence');
            const [other] = await joined(channel, 1);
            const tabs = [await ctx.open(), await ctx.open()];
            for (const tab of tabs) {
                const { data } = await tab.subscribe(channel, user(2));
                assert.deepEqual(JSON.parse(data).presence.ids, [1, 2]);
                assert.equal(JSON.parse(data).presence.count, 2);
            }
            await other.expect('pusher_internal:member_added');
            await tabs[0].close();
            await quiet(ctx.ipc, other, tabs[1]);
            await tabs[1].close();
            assert.equal((await other.expect('pusher_internal:member_removed')).data, '{"user_id":2}');
            await quiet(ctx.ipc, other);
        });
        test('ids [1] and count 1 for two tabs of the first user', async () => {
            const channel = unique('presence');
            const tabs = [await ctx.open(), await ctx.open()];
            for (const tab of tabs) assert.equal(JSON.parse((await tab.subscribe(channel, user(1))).data).presence.ids.join(), '1');
        });
    });

    describe('events', () => {
        test('one of the server reaches all three subscribers, one with an excluded socket the other two', async () => {
            for (const prefix of ['', 'private-', 'presence-']) {
                const channel = prefix + unique();
                const clients = await joined(channel, 3);
                await trigger(channel);
                for (const client of clients) assert.deepEqual({ ...(await client.next()) }, { event: 'NewEvent', data: '{"some":"data"}', channel });
                await trigger(channel, 'Others', { socket_id: clients[0].socketId });
                for (const client of clients.slice(1)) await client.expect('Others', channel);
                await quiet(ctx.ipc, ...clients);
            }
        });
        for (const prefix of ['cache-', 'private-cache-', 'presence-cache-', 'private-encrypted-cache-']) {
            test(`${prefix}: the last event is cached and comes on joining`, async () => {
                const channel = prefix + unique();
                const [first] = await joined(channel, 1);
                for (const name of ['First', 'Last']) await trigger(channel, name);
                for (const name of ['First', 'Last']) await first.expect(name, channel);
                const late = await ctx.open();
                await late.subscribe(channel, options(channel, 2));
                assert.deepEqual({ ...(await late.next()) }, { event: 'Last', data: '{"some":"data"}', channel });
                // differs: what is not published is not cached; Reverb keeps member_removed and client events.
                if (prefix.startsWith('presence-')) {
                    await first.expect('pusher_internal:member_added');
                    await late.close();
                    await first.expect('pusher_internal:member_removed');
                    const last = await ctx.open();
                    await last.subscribe(channel, options(channel, 3));
                    await last.expect('Last', channel);
                }
            });
        }
        test('pusher:ping is answered with pusher:pong, which has no data', async () => {
            const client = await ctx.open();
            client.send({ event: 'pusher:ping' });
            assert.equal((await client.next()).text, '{"event":"pusher:pong"}');
        });
        test('pusher:connection_established from a client is 4200 (differs: Reverb says it again)', async () => {
            const client = await ctx.open();
            client.send({ event: 'pusher:connection_established' });
            await client.error(4200);
        });
    });

    describe('client events', () => {
        test('reach the other member, with the user_id, and not the sender', async () => {
            const channel = unique('presence');
            const [a, b] = await joined(channel, 2);
            a.send({ event: 'client-start-typing', channel, data: { id: 123 } });
            assert.deepEqual({ ...(await b.next()) }, { event: 'client-start-typing', channel, data: '{"id":123}', user_id: '1' });
            await quiet(ctx.ipc, a, b);
        });
        test('on a private channel without a user_id; without data; other members are dropped', async () => {
            const channel = unique('private');
            const [a, b] = await joined(channel, 2);
            a.send({ event: 'client-x', channel, data: { a: 1 }, user_id: 'forged' });
            const message = await b.next();
            assert.deepEqual({ ...message }, { event: 'client-x', channel, data: '{"a":1}' });
            a.send({ event: 'client-x', channel });
            await b.expect('client-x', channel);
        });
        test('on a public channel they need the mode all (differs: Reverb lets members)', async () => {
            const channel = unique();
            const [a, b] = await joined(channel, 2);
            a.send({ event: 'client-x', channel, data: {} });
            await a.expect('pusher:error');
            await quiet(ctx.ipc, a, b);
            const [c, d] = [await ctx.open({ app: ALL }), await ctx.open({ app: ALL })];
            for (const client of [c, d]) await client.subscribe(channel);
            c.send({ event: 'client-x', channel, data: {} });
            await d.expect('client-x', channel);
        });
        test('of a non-member are 4009', async () => {
            const channel = unique('private');
            const [member] = await joined(channel, 1);
            const stranger = await ctx.open();
            stranger.send({ event: 'client-x', channel, data: {} });
            await stranger.error(4009, 'The client is not a member of the specified channel.');
            await quiet(ctx.ipc, stranger, member);
        });
        test('of a non-member in the mode all are 4009 as well (differs: Reverb delivers them)', async () => {
            const channel = unique('private');
            const member = await ctx.open({ app: ALL });
            await member.subscribe(channel);
            const stranger = await ctx.open({ app: ALL });
            stranger.send({ event: 'client-x', channel, data: {} });
            await stranger.error(4009);
            await member.sync();
        });
        test('in the mode none are 4301', async () => {
            const channel = unique('private');
            const client = await ctx.open({ app: NONE });
            await client.subscribe(channel);
            client.send({ event: 'client-x', channel, data: {} });
            await client.error(4301, 'The app does not have client messaging enabled.');
        });
        test('with an unsupported name are ignored', async () => {
            const channel = unique('private');
            const [a, b] = await joined(channel, 2);
            a.send({ event: 'not-client-x', channel, data: {} });
            await quiet(ctx.ipc, a, b);
        });
        test('over their rate are 4301, and the connection stays', async () => {
            const channel = unique('private');
            const client = await ctx.open({ app: FAST });
            await client.subscribe(channel);
            for (let i = 0; i < 3; i++) client.send({ event: 'client-x', channel, data: {} });
            await client.error(4301);
            await client.sync();
        });
    });

    describe('the rate of messages', () => {
        const pings = (client, count) => client.write(Buffer.concat(Array.from({ length: count }, () => clientFrame('{"event":"pusher:ping"}'))));
        test('over it each message is 4301, and the connection stays', async () => {
            const client = await ctx.open({ app: RATED });
            pings(client, 5);
            await client.expect('pusher:pong');
            const got = [await client.next(), await client.next(), await client.next(), await client.next()];
            const refused = got.filter((message) => message.event === 'pusher:error');
            assert.ok(refused.length > 0);
            for (const { data } of refused) assert.deepEqual(data, { code: 4301, message: 'Rate limit exceeded' });
            client.write(clientFrame('x', { opcode: PING }));
            assert.equal((await client.frame()).pong?.toString(), 'x');
        });
        test('with termination the connection ends (differs: after the error, and with its code)', async () => {
            const client = await ctx.open({ app: ENDED });
            pings(client, 5);
            let message = await client.next();
            while (message.event === 'pusher:pong') message = await client.next();
            assert.deepEqual(message.data, { code: 4301, message: 'Rate limit exceeded' });
            await client.closedWith(4301);
        });
        test('by default there is none', async () => {
            const client = await ctx.open();
            pings(client, 200);
            for (let i = 0; i < 200; i++) await client.expect('pusher:pong');
        });
    });

    describe('messages that are 4200, after each of which the connection stays', () => {
        for (const [what, message] of [
            ['garbage', 'not json'],
            ['an event that is a list', { event: [], data: {} }],
            ['data that is text', { event: 'pusher:subscribe', data: 'sfsfsfs' }],
            ['a channel that is a list', { event: 'pusher:subscribe', data: { channel: [] } }],
            ['a channel that is null', { event: 'pusher:subscribe', data: { channel: null } }],
            ['auth that is a list', { event: 'pusher:subscribe', data: { channel: 'private-c', auth: [] } }],
            ['channel_data that is a list', { event: 'pusher:subscribe', data: { channel: 'presence-c', auth: ZEROS, channel_data: [] } }],
            ['channel_data that is no JSON', { event: 'pusher:subscribe', data: { channel: 'presence-c', auth: ZEROS, channel_data: 'Hello' } }],
            ['a client event whose channel is a list', { event: 'client-x', channel: [], data: {} }],
            ['a client event without a channel', { event: 'client-x', data: {} }],
        ]) {
            test(what, async () => {
                const client = await ctx.open();
                client.send(message);
                await client.error(4200, 'Invalid message format');
                await client.subscribe(unique());
            });
        }
    });
});

// Most of them wait for the clock of the daemon: at the same time.
describe('Reverb: server around daemons of their own', { concurrency: true }, () => {
    const around = (options, body) => async () => {
        const daemon = await Daemon.start(options);
        const clients = [];
        const open = async (more) => {
            const client = await Client.open(daemon, { app: APP, ...more });
            clients.push(client);
            return client;
        };
        try {
            await body(daemon, open);
        } finally {
            for (const client of clients) client.destroy();
            await daemon.stop();
        }
    };

    test('a message over the limit of the application, 1 byte, is 1009', around({ sections: { 'app "app1"': { max_message_size: 1 } } }, async (daemon, open) => {
        const client = await open();
        client.send('xx');
        assert.equal((await client.closedWith(1009)).reason, 'Maximum message size exceeded');
    }));
    test('channel_data of 20,000 bytes is accepted with a larger limit', around({ sections: { limits: { max_message_size: '30K' } } }, async (daemon, open) => {
        const client = await open();
        await client.subscribe(unique('presence'), { data: { user_id: 1, user_info: { name: 'x'.repeat(20_000) } } });
    }));
    test('a path prefix is needed where it is configured', around({ sections: { server: { path_prefix: '/ws' } } }, async (daemon, open) => {
        await open({ path: `/ws/app/${APP.key}` });
        const raw = await Client.dial(daemon, { app: APP });
        assert.equal((await raw.response()).status, 404);
        raw.destroy();
    }));

    const quick = { sections: { limits: { ping_interval: 1, pong_timeout: 1 } } };
    test('an inactive subscriber gets pusher:ping; then it is pruned with 4201 and its channel removed', around(quick, async (daemon, open) => {
        const channel = unique();
        const [client, watcher] = [await open(), await open()];
        await client.subscribe(channel);
        assert.equal((await client.next()).text, '{"event":"pusher:ping"}');
        watcher.destroy();
        await client.error(4201, 'Pong reply not received in time');
        await client.closedWith(4201);
        assert.deepEqual((await get(daemon, '/channels')).json, { channels: {} });
    }));
    test('a ping frame is answered and counts as activity; from then on control frames are used', around(quick, async (daemon, open) => {
        const client = await open();
        await client.expect('pusher:ping');
        client.write(clientFrame('x', { opcode: PING }));
        assert.equal((await client.frame()).pong?.toString(), 'x');
        assert.ok((await client.frame('a control ping instead of the end')).ping);
    }));
    test('a pong frame gets no answer and counts as activity', around(quick, async (daemon, open) => {
        const client = await open();
        await client.expect('pusher:ping');
        client.write(clientFrame('', { opcode: PONG }));
        assert.ok((await client.frame('a control ping instead of the end')).ping);
    }));
    test('who answers by messages is pinged by pusher:ping again', around(quick, async (daemon, open) => {
        const client = await open();
        await client.expect('pusher:ping');
        client.send({ event: 'pusher:pong' });
        await client.expect('pusher:ping');
    }));
});
