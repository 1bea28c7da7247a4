// The cases with which Laravel Reverb tests its HTTP API, as an outsider sees them, in the order and under the names of its test
// files. "differs:" marks where docs/http-api.md decides otherwise.
//
// Not here: the runs with scaling on and "socket_id of another node" (they need Redis between nodes); ChannelManager, Metrics, EventTest
// of the dispatcher, Factory, Provider and Jobs (classes of PHP; what they do shows in the cases below and in reverb-server.test.mjs).
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { get, post, send } from '../lib/api.mjs';
import { APP, Daemon } from '../lib/daemon.mjs';
import { signed } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { quiet } from '../lib/ws.mjs';

const COUNTED = { id: 'counted', key: 'counted', secret: 'secret-of-counted' };
const sections = { 'app "counted"': { key: COUNTED.key, secret: COUNTED.secret } };

suite('Reverb: HTTP API', { workers: [1, 3], sections }, (ctx) => {
    const read = (rest, options) => get(ctx.daemon, rest, options);
    const trigger = (value, options) => post(ctx.daemon, '/events', value, options);
    const batch = (value, options) => post(ctx.daemon, '/batch_events', value, options);

    /** Subscribers of one channel; presence channels get the given users. */
    async function members(channel, users = [1, 2]) {
        const clients = [];
        for (const user of users) {
            const client = await ctx.open();
            await client.subscribe(channel, channel.startsWith('presence-') ? { data: { user_id: user } } : {});
            if (channel.startsWith('presence-') && users.indexOf(user) === clients.length) {
                for (const earlier of new Set(clients)) await earlier.expect('pusher_internal:member_added');
            }
            clients.push(client);
        }
        return clients;
    }
    const unsigned = (method, rest) => send(ctx.daemon, method, `/apps/${APP.id}${rest}`, method === 'POST' ? { body: '{}' } : {});
    /** The length that the header gives is the length of the body, whatever that is. */
    function measured(response, text) {
        assert.equal(response.status, 200, response.body);
        assert.equal(response.headers['content-length'], String(Buffer.byteLength(response.body)));
        assert.match(response.headers['content-type'], /^application\/json/);
        if (text !== undefined) assert.equal(response.body, text);
    }

    describe('EventsController', () => {
        test('receives an event for one channel', async () => {
            const channel = unique();
            const [client] = await members(channel, [1]);
            measured(await trigger({ name: 'NewEvent', channel, data: '{"some":"data"}' }), '{}');
            assert.deepEqual({ ...(await client.next()) }, { event: 'NewEvent', data: '{"some":"data"}', channel });
        });
        test('receives an event for several channels', async () => {
            const channels = [unique(), unique()];
            const clients = [...(await members(channels[0], [1])), ...(await members(channels[1], [1]))];
            measured(await trigger({ name: 'NewEvent', channels, data: '{"some":"data"}' }), '{}');
            for (const [i, client] of clients.entries()) await client.expect('NewEvent', channels[i]);
        });
        test('returns user counts when asked', async () => {
            const channel = unique('presence');
            await members(channel);
            const response = await trigger({ name: 'E', channels: [channel, unique()], data: '1', info: 'user_count' });
            assert.deepEqual(response.json.channels[channel], { user_count: 2 });
        });
        test('returns subscription counts when asked', async () => {
            const channel = unique();
            await members(channel);
            const response = await trigger({ name: 'E', channels: [channel], data: '1', info: 'subscription_count' });
            assert.deepEqual(response.json, { channels: { [channel]: { subscription_count: 2 } } });
        });
        test('leaves the socket_id out', async () => {
            const channel = unique();
            const [a, b] = await members(channel);
            await trigger({ name: 'E', channels: [channel], data: '1', socket_id: a.socketId });
            await b.expect('E', channel);
            await quiet(ctx.ipc, a, b);
        });
        test('does not mind an unknown socket_id', async () => {
            const channel = unique();
            const [client] = await members(channel, [1]);
            measured(await trigger({ name: 'E', channels: [channel], data: '1', socket_id: '1234.5678' }), '{}');
            await client.expect('E', channel);
        });
        for (const [what, body] of [
            ['no data', { name: 'E', channel: 'c' }],
            ['no data, with channels', { name: 'E', channels: ['c', 'd'] }],
            ['data that is null', { name: 'E', channel: 'c', data: null }],
            ['a numeric socket_id', { name: 'E', channels: ['c'], data: '1', socket_id: 1234 }],
            ['numeric info', { name: 'E', channels: ['c'], data: '1', info: 1234 }],
        ]) {
            test(`422 for ${what}`, async () => {
                const response = await trigger(body);
                assert.equal(response.status, 422, response.body);
                assert.deepEqual(Object.keys(response.json), ['error']);
            });
        }
        test('413 for a body that is too large (differs: the data counts, 100 KB, and the error is JSON)', async () => {
            const response = await trigger({ name: 'E', channel: 'c', data: 'x'.repeat(102_401) });
            assert.equal(response.status, 413);
            assert.equal(typeof response.json.error, 'string');
        });
        test('takes what Reverb needs a larger limit for', async () => {
            const channel = unique();
            const [client] = await members(channel, [1]);
            measured(await trigger({ name: 'E', channel, data: 'x'.repeat(20_000) }), '{}');
            assert.equal((await client.expect('E', channel)).data.length, 20_000);
        });
        test('a null body is refused (differs: 422, and 400 for none; Reverb: 500)', async () => {
            assert.equal((await trigger('null')).status, 422);
            assert.equal((await trigger('')).status, 400);
        });
        test('404 for an unknown application', async () => {
            assert.equal((await trigger({ name: 'E', channel: 'c', data: '1' }, { app: { ...APP, id: 'invalid-app-id' } })).status, 404);
        });
        test('Content-Length is 2', async () => {
            assert.equal((await trigger({ name: 'E', channel: 'c', data: '1' })).headers['content-length'], '2');
        });
        test('401 unsigned', async () => assert.equal((await unsigned('POST', '/events')).status, 401));
    });

    describe('EventsBatch', () => {
        const item = (channel, more = {}) => ({ name: 'NewEvent', channel, data: '{"some":"data"}', ...more });
        test('one event (differs: {}; Reverb: {"batch":{}})', async () => {
            const channel = unique();
            const [client] = await members(channel, [1]);
            const response = await batch({ batch: [item(channel)] });
            measured(response, '{}');
            assert.deepEqual({ ...(await client.next()) }, { event: 'NewEvent', data: '{"some":"data"}', channel });
        });
        test('two events', async () => {
            const channels = [unique(), unique()];
            const clients = [...(await members(channels[0], [1])), ...(await members(channels[1], [1]))];
            measured(await batch({ batch: channels.map((channel) => item(channel)) }), '{}');
            for (const [i, client] of clients.entries()) await client.expect('NewEvent', channels[i]);
        });
        test('info for each', async () => {
            const [presence, plain] = [unique('presence'), unique()];
            await members(presence, [1]);
            await members(plain, [1, 2]);
            const response = await batch({ batch: [item(presence, { info: 'user_count' }), item(plain, { info: 'subscription_count' })] });
            assert.deepEqual(response.json, { batch: [{ user_count: 1 }, { subscription_count: 2 }] });
        });
        test('info for some', async () => {
            const presence = unique('presence');
            await members(presence, [1]);
            measured(await batch({ batch: [item(presence, { info: 'user_count' }), item(unique())] }), '{"batch":[{"user_count":1},{}]}');
        });
        test('leaves the socket_id of each event out', async () => {
            const channel = unique();
            const [a, b] = await members(channel);
            await batch({ batch: [item(channel, { socket_id: a.socketId }), { ...item(channel, { socket_id: b.socketId }), name: 'Other' }] });
            await b.expect('NewEvent', channel);
            await a.expect('Other', channel);
            await quiet(ctx.ipc, a, b);
        });
        test('a null body is refused (differs: 422; Reverb: 500)', async () => assert.equal((await batch('null')).status, 422));
        test('401 unsigned', async () => assert.equal((await unsigned('POST', '/batch_events')).status, 401));
    });

    describe('Channels', () => {
        test('all of them, with user counts, and only the occupied', async () => {
            const prefix = unique('presence');
            const [one] = await members(`${prefix}-one`);
            await members(`${prefix}-two`, [1]);
            const gone = await members(`${prefix}-three`, [1]);
            await gone[0].close();
            await until(async () => !(`${prefix}-three` in (await read('/channels')).json.channels), 'the third channel to be gone');
            const list = await read('/channels', { query: { info: 'user_count', filter_by_prefix: prefix } });
            assert.deepEqual(list.json, { channels: { [`${prefix}-one`]: { user_count: 2 }, [`${prefix}-two`]: { user_count: 1 } } });
            measured(list);
            assert.ok(one);
        });
        test('filtered by prefix', async () => {
            const prefix = unique('presence');
            await members(`${prefix}-one`, [1]);
            await members(unique('presence-other'), [1]);
            const list = await read('/channels', { query: { filter_by_prefix: prefix, info: 'user_count' } });
            assert.deepEqual(list.json, { channels: { [`${prefix}-one`]: { user_count: 1 } } });
        });
        test('empty objects when no info is asked for', async () => {
            const prefix = unique();
            await members(`${prefix}-one`, [1]);
            await members(`${prefix}-two`, [1]);
            assert.deepEqual((await read('/channels', { query: { filter_by_prefix: prefix } })).json, { channels: { [`${prefix}-one`]: {}, [`${prefix}-two`]: {} } });
        });
        test('none are an object (differs: Reverb answers a list, over which its own SDK fails)', async () => {
            measured(await read('/channels', { query: { filter_by_prefix: unique('none') } }), '{"channels":{}}');
        });
        test('401 unsigned', async () => assert.equal((await unsigned('GET', '/channels')).status, 401));
    });

    describe('Channel', () => {
        test('occupied, with its subscription count; Content-Length is 40', async () => {
            const channel = unique();
            await members(channel);
            const response = await read(`/channels/${channel}`, { query: { info: 'user_count,subscription_count,cache' } });
            measured(response, '{"occupied":true,"subscription_count":2}');
            assert.equal(response.headers['content-length'], '40');
        });
        test('unoccupied', async () => {
            measured(await read(`/channels/${unique()}`, { query: { info: 'user_count,subscription_count,cache' } }), '{"occupied":false}');
        });
        test('the cached event (differs: data and time left, as Pusher; Reverb: the envelope)', async () => {
            const channel = unique('cache');
            const [a] = await members(channel);
            await trigger({ name: 'some-event', channel, data: '{"some":"data"}' });
            const response = await read(`/channels/${channel}`, { query: { info: 'subscription_count,cache' } });
            assert.equal(response.json.occupied, true);
            assert.equal(response.json.subscription_count, 2);
            assert.equal(response.json.cache.data, '{"some":"data"}');
            assert.equal(typeof response.json.cache.ttl, 'number');
            assert.ok(a);
        });
        test('a presence channel has a user count and no subscription count', async () => {
            const channel = unique('presence');
            await members(channel);
            measured(await read(`/channels/${channel}`, { query: { info: 'user_count,subscription_count,cache' } }), '{"occupied":true,"user_count":2}');
        });
        test('only what is asked for', async () => {
            const channel = unique();
            await members(channel, [1]);
            measured(await read(`/channels/${channel}`, { query: { info: 'cache' } }), '{"occupied":true}');
            measured(await read(`/channels/${channel}`), '{"occupied":true}');
        });
        test('a failed subscription occupies nothing (differs: Reverb keeps an empty channel)', async () => {
            const channel = unique('private');
            const client = await ctx.open();
            client.send({ event: 'pusher:subscribe', data: { channel, auth: 'invalid' } });
            await client.refused(channel);
            measured(await read(`/channels/${channel}`, { query: { info: 'subscription_count' } }), '{"occupied":false}');
            assert.ok(!(channel in (await read('/channels')).json.channels));
        });
        test('401 unsigned', async () => assert.equal((await unsigned('GET', '/channels/c')).status, 401));
    });

    describe('ChannelUsers', () => {
        test('400 for a channel that is no presence channel', async () => {
            const channel = unique();
            await members(channel, [1]);
            assert.equal((await read(`/channels/${channel}/users`)).status, 400);
        });
        test('nobody in an unoccupied one (differs: 200; Reverb: 404)', async () => {
            measured(await read(`/channels/${unique('presence')}/users`), '{"users":[]}');
        });
        test('its users, with the length of it (differs: ids are strings)', async () => {
            const channel = unique('presence');
            await members(channel, ['1', 2, 33]);
            const response = await read(`/channels/${channel}/users`);
            measured(response);
            assert.deepEqual(response.json.users.sort((a, b) => a.id - b.id), [{ id: '1' }, { id: '2' }, { id: '33' }]);
        });
        test('each once', async () => {
            const channel = unique('presence');
            const clients = [];
            for (const user of [2, 2, 3]) {
                const client = await ctx.open();
                await client.subscribe(channel, { data: { user_id: user } });
                clients.push(client);
            }
            assert.deepEqual((await read(`/channels/${channel}/users`)).json, { users: [{ id: '2' }, { id: '3' }] });
        });
        test('401 unsigned', async () => assert.equal((await unsigned('GET', '/channels/presence-c/users')).status, 401));
    });

    describe('Connections', () => {
        test('two; one for a socket on two channels; Content-Length is 17', async () => {
            const [a, b] = [await ctx.open({ app: COUNTED }), await ctx.open({ app: COUNTED })];
            const channels = [unique(), unique('presence')];
            await a.subscribe(channels[0]);
            await b.subscribe(channels[1], { data: { user_id: 1 } });
            const two = await read('/connections', { app: COUNTED });
            measured(two, '{"connections":2}');
            assert.equal(two.headers['content-length'], '17');
            await b.close();
            await a.subscribe(channels[1], { data: { user_id: 1 } });
            await until(async () => (await read('/connections', { app: COUNTED })).body === '{"connections":1}', 'one connection to remain');
        });
        test('401 unsigned', async () => assert.equal((await unsigned('GET', '/connections')).status, 401));
    });

    describe('UsersTerminate', () => {
        test('404 for a wrong URL', async () => {
            assert.equal((await post(ctx.daemon, '/users/not-a-user/terminate', {})).status, 404);
            assert.equal((await post(ctx.daemon, '/users/terminate_connections', {})).status, 404);
        });
        test('ends the user on all channels and nobody else', async () => {
            const channels = [unique('presence'), unique('presence')];
            const [user, other] = [unique('user'), unique('other')];
            const [a, b] = [await ctx.open(), await ctx.open()];
            for (const channel of channels) await a.subscribe(channel, { data: { user_id: user } });
            for (const channel of channels) {
                await b.subscribe(channel, { data: { user_id: other } });
                await a.expect('pusher_internal:member_added', channel);
            }
            measured(await post(ctx.daemon, `/users/${user}/terminate_connections`, {}), '{}');
            await a.error(4009);
            await a.closedWith(4009);
            const told = [await b.next(), await b.next()];
            assert.deepEqual(told.map((message) => [message.event, message.channel, message.data]).sort(), channels.map((channel) => ['pusher_internal:member_removed', channel, JSON.stringify({ user_id: user })]).sort());
            for (const channel of channels) assert.deepEqual((await read(`/channels/${channel}/users`)).json, { users: [{ id: other }] });
            await quiet(ctx.ipc, b);
        });
        test('401 unsigned', async () => assert.equal((await unsigned('POST', '/users/1/terminate_connections')).status, 401));
    });

    test('Health: {"health":"OK"}, whose Content-Length is 15', async () => {
        const response = await send(ctx.daemon, 'GET', '/up');
        measured(response, '{"health":"OK"}');
        assert.equal(response.headers['content-length'], '15');
    });

    test('ServerTest: a body of 150 KB is put together', async () => {
        const channel = unique();
        const [client] = await members(channel, [1]);
        const events = [50_000, 50_000, 50_000].map((size, i) => ({ name: `E${i}`, channel, data: String(i).repeat(size) }));
        measured(await batch({ batch: events }), '{}');
        for (const event of events) assert.equal((await client.expect(event.name, channel)).data, event.data);
    });
});

describe('Reverb: HTTP API around a daemon of its own', () => {
    test('Health: fails when it is down', async () => {
        const daemon = await Daemon.start();
        assert.equal((await send(daemon, 'GET', '/up')).status, 200);
        await daemon.stop();
        await assert.rejects(send(daemon, 'GET', '/up'), { code: 'ECONNREFUSED' });
    });

    test('EventsController: a signature without the prefix is accepted where one is configured; the API and /up are below it', async () => {
        const daemon = await Daemon.start({ sections: { server: { path_prefix: '/ws' } } });
        try {
            assert.equal((await post(daemon, '/events', { name: 'E', channel: 'c', data: '1' }, { prefix: '/ws' })).status, 200);
            assert.equal((await send(daemon, 'GET', signed('GET', `/ws/apps/${APP.id}/channels`))).status, 200);
            assert.equal((await get(daemon, '/channels')).status, 404);
            assert.equal((await send(daemon, 'GET', '/ws/up')).body, '{"health":"OK"}');
        } finally {
            await daemon.stop();
        }
    });
});
