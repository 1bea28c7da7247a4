// Questions and terminations over the Unix socket, held against what the HTTP API answers to the official SDK.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { need } from '../lib/deps.mjs';
import { APP, APP2 } from '../lib/daemon.mjs';
import * as ipc from '../lib/ipc.mjs';
import { Ipc, frame } from '../lib/ipc.mjs';
import { hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { steady } from '../lib/wait.mjs';
import { clientFrame, settle } from '../lib/ws.mjs';

const COUNTS = ['subscription_count', 'user_count'];

const rejects = (promise, reason, pattern = /./) =>
    assert.rejects(promise, (error) => {
        assert.equal(error.reason, reason, error.message);
        assert.match(error.text, pattern);
        return true;
    });

const sections = { limits: { max_channels_per_connection: 5000 }, 'app "big"': { key: 'big', secret: 's', cache_max: '64M' } };

suite('questions over IPC', { workers: [1, 3], sections }, (ctx) => {
    const big = { id: 'big', key: 'big', secret: 's' };
    const sdk = (app = APP) => new (need('pusher'))({ appId: app.id, key: app.key, secret: app.secret, useTLS: false, host: '127.0.0.1', port: String(ctx.daemon.port) });
    const http = async (path, params = {}, app = APP) => (await sdk(app).get({ path, params })).json();

    async function signedIn(id, app = APP) {
        const client = await ctx.open({ app });
        const user_data = JSON.stringify({ id });
        client.send({ event: 'pusher:signin', data: { auth: `${app.key}:${hmac(app.secret, `${client.socketId}::user::${user_data}`)}`, user_data } });
        await client.expect('pusher:signin_success');
        return client;
    }

    async function ended(client) {
        await client.error(4009);
        await client.closedWith(4009);
    }

    test('channels by both doors, with their counts', async () => {
        const prefix = unique('both');
        const names = [`${prefix}-a`, `private-${prefix}`, `presence-${prefix}`, `cache-${prefix}`];
        const clients = [await ctx.open(), await ctx.open(), await ctx.open()];
        for (const name of names) {
            for (const [i, client] of clients.entries()) {
                await client.subscribe(name, name.startsWith('presence') ? { data: { user_id: String(i % 2), user_info: { i } } } : {});
                for (const each of clients) await each.sync();
            }
        }
        await signedIn('not listed');
        const seen = await ctx.ipc.channels(null, COUNTS);
        assert.ok(!seen.some(({ name }) => name.startsWith('#')), 'users have no channels to be listed');
        for (const name of names) {
            const info = name.startsWith('presence') ? 'user_count' : 'subscription_count';
            const { occupied, ...api } = await http(`/channels/${name}`, { info });
            const one = await ctx.ipc.channel(name, COUNTS);
            assert.deepEqual(one, { name, occupied: true, subscriptions: 3, users: name.startsWith('presence') ? 2 : null, cache: null });
            assert.equal(occupied, one.occupied);
            assert.deepEqual(api, name.startsWith('presence') ? { user_count: one.users } : { subscription_count: one.subscriptions });
            assert.deepEqual(seen.find((channel) => channel.name === name), one);
        }
        // the whole list, by each door
        const { channels } = await http('/channels', {});
        assert.deepEqual(Object.keys(channels).sort(), seen.map(({ name }) => name).sort());
        const { channels: presence } = await http('/channels', { filter_by_prefix: 'presence-', info: 'user_count' });
        const same = (await ctx.ipc.channels('presence-', ['user_count'])).map(({ name, users }) => [name, { user_count: users }]);
        assert.deepEqual(Object.fromEntries(same), presence);
        for (const client of clients) await client.close();
    });

    test('only what is asked for is answered, and only for a prefix', async () => {
        const prefix = unique('asked');
        const client = await ctx.open();
        await client.subscribe(`${prefix}-a`);
        await client.subscribe(`${prefix}-b`);
        assert.deepEqual(await ctx.ipc.channels(`${prefix}-b`), [{ name: `${prefix}-b`, occupied: true, subscriptions: null, users: null, cache: null }]);
        assert.deepEqual((await ctx.ipc.channels(prefix, ['subscription_count', 'colour'])).map(({ name, subscriptions }) => [name, subscriptions]).sort(), [[`${prefix}-a`, 1], [`${prefix}-b`, 1]]);
        assert.deepEqual(await ctx.ipc.channels(`${prefix}-c`), []);
        assert.equal((await ctx.ipc.channels('')).length, (await ctx.ipc.channels()).length);
        await client.close();
    });

    test('a channel that nobody is on', async () => {
        const name = unique('presence');
        assert.deepEqual(await ctx.ipc.channel(name, [...COUNTS, 'cache']), { name, occupied: false, subscriptions: 0, users: 0, cache: null });
        assert.deepEqual(await http(`/channels/${name}`, { info: 'user_count' }), { occupied: false });
        assert.deepEqual(await ctx.ipc.members(name), []);
    });

    test('the cached event, as both doors tell it', async () => {
        const name = unique('cache');
        assert.equal((await ctx.ipc.channel(name, ['cache'])).cache, null);
        for (const data of ['{"a":"\\"é\\u2028"}', 'plain "text" \\ \n', '', 'x'.repeat(100_000)]) {
            await ctx.ipc.publish({ channel: name, data });
            const { cache } = await ctx.ipc.channel(name, ['cache']);
            assert.equal(cache.data, data);
            assert.ok(cache.ttl > 1700 && cache.ttl <= 1800);
            const { cache: api } = await http(`/channels/${name}`, { info: 'cache' });
            assert.equal(api.data, data);
            assert.ok(Math.abs(api.ttl - cache.ttl) <= 1);
        }
        assert.equal((await ctx.ipc.channel(name)).cache, null, 'not asked for');
        const client = await ctx.open();
        await client.subscribe(name);
        assert.equal((await ctx.ipc.channels(name, ['cache']))[0].cache.data.length, 100_000);
        await client.close();
    });

    test('members in the order of their arrival, with their info', async () => {
        const name = unique('presence');
        const clients = [];
        const users = [{ user_id: 'b', user_info: { name: 'B "é"', n: [1] } }, { user_id: 7 }, { user_id: 'b' }, { user_id: 'a', user_info: null }, { user_id: 'x\u00e9', user_info: [] }];
        for (const data of users) {
            const client = await ctx.open();
            await client.subscribe(name, { data });
            clients.push(client);
        }
        const members = await ctx.ipc.members(name);
        assert.deepEqual(members.map(({ id }) => id), ['b', '7', 'a', 'xé']);
        assert.deepEqual(JSON.parse(members[0].info), users[0].user_info);
        assert.equal(members[1].info, null);
        assert.equal(members[3].info, '[]');
        const api = await http(`/channels/${name}/users`);
        assert.deepEqual(api.users.map(({ id }) => String(id)), members.map(({ id }) => id));
        await clients[0].close();
        assert.equal((await ctx.ipc.members(name)).length, 4, 'b has another connection');
        for (const client of clients) await client.close();
    });

    test('connections of the application', async () => {
        const before = await steady(() => ctx.ipc.connections());
        const clients = [await ctx.open(), await ctx.open(), await ctx.open({ app: APP2 })];
        assert.equal(await ctx.ipc.connections(), before + 2);
        assert.equal((await http('/connections')).connections, before + 2);
        for (const client of clients) await client.close();
    });

    test('names that cannot be are refused as by the HTTP API', async () => {
        await rejects(ctx.ipc.channel('a b'), 'invalid_channel', /invalid/);
        await rejects(ctx.ipc.channel(''), 'invalid_channel');
        await rejects(ctx.ipc.channel('x'.repeat(201)), 'invalid_channel');
        await rejects(ctx.ipc.members('a b'), 'invalid_channel');
        await rejects(ctx.ipc.members('orders'), 'invalid_channel', /presence/);
        await rejects(ctx.ipc.terminate(''), 'other', /1 to 128/);
        await rejects(ctx.ipc.terminate('x'.repeat(129)), 'other', /1 to 128/);
        await rejects(ctx.ipc.disconnect('undefined'), 'other', /digits/);
        assert.ok((await (ctx.daemon.twin ?? ctx.daemon).metrics()).get('ipc_queries_refused_total') >= 8);
        await ctx.ipc.ping();
    });

    test('terminate ends all connections of a user and says how many', async () => {
        const id = unique('u');
        const channel = unique('presence');
        const all = [await signedIn(id), await signedIn(id), await signedIn(id), await ctx.open(), await ctx.open()];
        await all[3].subscribe(channel, { data: { user_id: id } });
        await all[2].subscribe(channel, { data: { user_id: id } }); // both: counted once
        const other = await signedIn(`${id}0`);
        assert.equal(await ctx.ipc.terminate(id), 4);
        for (const client of all.slice(0, 4)) await ended(client);
        assert.equal(await ctx.ipc.terminate(id), 0);
        assert.deepEqual(await ctx.ipc.members(channel), []);
        assert.deepEqual(await settle(ctx.ipc, all[4], other), [[], []]);
        await all[4].close();
        await other.close();
    });

    test('what follows a termination waits for it, and is answered in order', async () => {
        const id = unique('u');
        const client = await signedIn(id);
        const own = await Ipc.open(ctx.daemon.socket, APP);
        own.write(Buffer.concat([
            frame([ipc.TERMINATE, 1, id]),
            frame([ipc.PUBLISH, 2, ...Ipc.message({ channel: `#server-to-user-${id}` })]),
            frame([ipc.TERMINATE, 3, id]),
            frame([ipc.DISCONNECT, 4, '1.1']),
            frame([ipc.PING, 5]),
        ]));
        const got = [];
        for (let i = 0; i < 5; i++) got.push(await own.inbox.take('an answer'));
        assert.deepEqual(got.map(([type, seq]) => [type, seq]), [[70, 1], [66, 2], [70, 3], [71, 4], [68, 5]]);
        assert.deepEqual([got[0][2], got[2][2], got[3][2]], [1, 0, 0]);
        await ended(client);
        own.close();
    });

    test('a publisher that hangs up behind a termination has ended them', async () => {
        for (let i = 0; i < 20; i++) {
            const id = unique('u');
            const client = await signedIn(id);
            const own = await Ipc.open(ctx.daemon.socket, APP);
            own.socket.end(frame([ipc.TERMINATE, 1, id]));
            await ended(client);
            await own.ended;
        }
        await ctx.ipc.ping();
    });

    test('disconnect ends this one connection', async () => {
        const [one, two] = [await ctx.open(), await ctx.open()];
        assert.equal(await ctx.ipc.disconnect('1.1'), 0);
        assert.equal(await ctx.ipc.disconnect('99999999999999999999999999.9'), 0);
        assert.equal(await ctx.ipc.disconnect(one.socketId), 1);
        await ended(one);
        assert.equal(await ctx.ipc.disconnect(one.socketId), 0);
        assert.deepEqual(await settle(ctx.ipc, two), [[]]);
        await two.close();
    });

    test('what is sent to a user is a publish to the channel of the user', async () => {
        const id = unique('ü');
        const clients = [await signedIn(id), await signedIn(id)];
        const channel = `#server-to-user-${id}`;
        const key = unique('key');
        const first = await ctx.ipc.publish({ channel, data: '1', except: clients[0].socketId, key });
        assert.equal(first.recipients, 1);
        assert.equal((await clients[1].expect('E', channel)).data, '1');
        assert.deepEqual(await ctx.ipc.publish({ channel, data: '1', key }), { ...first, duplicate: true });
        assert.deepEqual(await settle(ctx.ipc, ...clients), [[], []]);
        await rejects(ctx.ipc.publish({ channel: '#server-to-user-' }), 'invalid_channel');
        await rejects(ctx.ipc.publish({ channel: `#server-to-user-${'x'.repeat(129)}` }), 'invalid_channel');
        for (const client of clients) await client.close();
    });

    test('another application sees and ends nothing of ours', async () => {
        const theirs = await ctx.ipcOf(APP2);
        const id = unique('u');
        const channel = unique('presence');
        const cache = unique('cache');
        const client = await signedIn(id);
        await client.subscribe(channel, { data: { user_id: id } });
        await client.subscribe(cache);
        await client.expect('pusher:cache_miss');
        await ctx.ipc.publish({ channel: cache, data: '1' });
        await client.expect('E', cache);
        assert.deepEqual(await theirs.channels(channel, COUNTS), []);
        assert.equal((await theirs.channel(channel, COUNTS)).occupied, false);
        assert.equal((await theirs.channel(cache, ['cache'])).cache, null);
        assert.deepEqual(await theirs.members(channel), []);
        assert.equal(await theirs.connections(), (await http('/connections', {}, APP2)).connections);
        assert.equal(await theirs.terminate(id), 0);
        assert.equal(await theirs.disconnect(client.socketId), 0);
        assert.equal((await theirs.publish({ channel: `#server-to-user-${id}` })).recipients, 0);
        assert.deepEqual(await settle(ctx.ipc, client), [[]]);
        assert.equal((await ctx.ipc.channel(channel, COUNTS)).users, 1);
        await client.close();
    });

    test('many channels, and an answer that would be over 16 MiB', async () => {
        const own = await ctx.ipcOf(big);
        const client = await ctx.open({ app: big });
        const name = (i) => `cache-${String(i).padStart(4, '0')}`;
        const n = 4000;
        client.write(Buffer.concat(Array.from({ length: n }, (_, i) => clientFrame(JSON.stringify(client.subscribeMessage(name(i)))))));
        for (let i = 0; i < n; i++) {
            await client.expect('pusher_internal:subscription_succeeded', name(i));
            await client.expect('pusher:cache_miss', name(i));
        }
        assert.deepEqual((await own.channels('cache-', ['subscription_count'])).map((channel) => [channel.name, channel.subscriptions]).sort(), Array.from({ length: n }, (_, i) => [name(i), 1]));
        const data = 'x'.repeat(100_000);
        for (let i = 0; i < 180; i++) await own.publish({ channel: name(i), data });
        await rejects(own.channels('cache-', ['cache']), 'too_large', /16 MiB/);
        assert.equal((await own.channels('cache-01', ['cache'])).filter(({ cache }) => cache).length, 80);
        // an answer over output_hard is a slow consumer's nowhere: it was asked for
        const large = await own.channels('cache-00', ['cache']);
        assert.equal(large.filter(({ cache }) => cache?.data === data).length, 100);
        await own.ping();
        await client.close();
    });
});
