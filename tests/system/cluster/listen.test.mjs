// Listeners on three nodes: each event once per group, whichever node saw it, also when the one that delivers it dies.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { clusterSuite, signIn } from '../lib/cluster.mjs';
import { APP } from '../lib/daemon.mjs';
import { Listener } from '../lib/listener.mjs';
import { noRedis } from '../lib/redis.mjs';
import { unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const skip = noRedis;
const MEMBERS = ['member_added', 'member_removed'];
const sections = { 'app "app1"': { client_event_rate: 0 } };

clusterSuite('listeners of three nodes', { workers: [1, 2, 1], sections, skip }, (ctx) => {
    const listen = async (i, options) => {
        const listener = await Listener.open(ctx.nodes.at(i).socket, APP, options);
        await ctx.nodes.flush(); // its word has come back, and all know of it
        return listener;
    };
    /** Users u0, u1, ... come to a channel, each on another node. */
    const joins = async (channel, n, nodes = [0, 1, 2]) => {
        for (let i = 0; i < n; i++) {
            const client = await ctx.open(nodes[i % nodes.length]);
            await client.subscribe(channel, { data: { user_id: `u${i}`, user_info: { i } } });
        }
        await ctx.nodes.flush();
        await ctx.nodes.flush(); // what is told of what has come back comes back itself
    };
    const joinsAt = async (channel, from, n, nodes) => {
        for (let i = from; i < from + n; i++) {
            const client = await ctx.open(ctx.nodes.all.indexOf(nodes[i % nodes.length]));
            await client.subscribe(channel, { data: { user_id: `u${i}` } });
        }
    };
    const drain = async (listener, from = []) => {
        for (;;) {
            const got = await listener.sofar();
            if (got.length === 0) return from;
            from.push(...got);
        }
    };
    const users = (events) => events.map(({ type, user }) => `${type} ${user}`).sort();
    const added = (n) => Array.from({ length: n }, (_, i) => `member_added u${i}`).sort();

    test('each event once per group: its listeners on all nodes share them, others each get all', async () => {
        const shared = [];
        for (const i of [0, 1, 2]) shared.push(await listen(i, { types: MEMBERS, group: 'shared' }));
        const [single, without] = [await listen(1, { types: MEMBERS, group: 'single' }), await listen(2, { types: MEMBERS })];
        const channel = unique('presence-a');
        await joins(channel, 12);
        const parts = [];
        for (const listener of shared) parts.push(await drain(listener));
        assert.deepEqual(users(parts.flat()), added(12));
        assert.ok(parts.filter((part) => part.length > 0).length >= 2, `only one node delivers: ${parts.map((part) => part.length)}`);
        for (const listener of [single, without]) {
            const got = await drain(listener);
            assert.deepEqual(users(got), added(12));
            assert.deepEqual(got.map(({ data }) => data).sort(), got.map(({ user }) => `{"i":${user.slice(1)}}`).sort(), 'with their user_info, whichever node they are on');
        }
        assert.equal(new Set(parts.flat().map(({ id }) => id)).size, 12);
        await Promise.all([...shared, single, without].map((listener) => listener.close()));
    });

    test('occupied, users and what one node sees alone: once, wherever it is', async () => {
        const listener = await listen(0, { window: 200 });
        const [one, two] = [await ctx.open(1), await ctx.open(2)];
        const channel = unique('private-b');
        await one.subscribe(channel);
        await two.subscribe(channel);
        await signIn(one, 'ann');
        await signIn(two, 'ann');
        two.send({ event: 'client-hi', channel, data: {} });
        await two.sync();
        await ctx.nodes.flush();
        one.destroy();
        await ctx.nodes.flush();
        two.destroy();
        const seen = [];
        await until(async () => (await drain(listener, seen)).filter(({ type }) => type === 'connection_closed').length === 2 && seen.some(({ type }) => type === 'user_offline'), () => JSON.stringify(seen));
        const kinds = seen.filter((event) => event.type !== 'subscription_count').map(({ type }) => type).sort();
        assert.deepEqual(kinds, ['channel_occupied', 'channel_vacated', 'client_event', 'connection_closed', 'connection_closed', 'connection_opened', 'connection_opened', 'user_offline', 'user_online']);
        await listener.close();
    });

    test('what waited for a group that was away is delivered by the node where it comes back, once', async () => {
        const before = await listen(0, { types: MEMBERS, group: 'moving' });
        await before.close();
        await ctx.nodes.flush();
        await joins(unique('presence-c'), 6);
        const there = await listen(2, { types: MEMBERS, group: 'moving' });
        assert.equal(there.created, false);
        const got = [];
        await until(async () => (await drain(there, got)).length >= 6, () => JSON.stringify(got));
        assert.deepEqual(users(got), added(6));
        await there.close();
        await ctx.nodes.flush();
        const back = await listen(0, { types: MEMBERS, group: 'moving' });
        await ctx.nodes.flush();
        assert.deepEqual(users(await drain(back)), []);
        await back.close();
    });

    test('a snapshot knows what is on every node', async () => {
        const plain = unique('plain');
        const clients = [await ctx.open(1), await ctx.open(2)];
        for (const client of clients) await client.subscribe(plain);
        const room = unique('presence-d');
        await joins(room, 3);
        await ctx.nodes.flush();
        const listener = await listen(0, { types: ['channel_occupied', 'channel_vacated', ...MEMBERS], snapshot: true });
        const { channels } = await listener.snapshot();
        assert.equal(channels.get(plain)?.subscriptions, 2);
        assert.deepEqual([...channels.get(room).members.keys()].sort(), ['u0', 'u1', 'u2']);
        await listener.close();
    });

    test('the node that delivers dies: another one goes on with what was not settled, and nothing that was comes again', async () => {
        const dying = await listen(2, { types: MEMBERS, group: 'failover', settle: false, window: 100 });
        const channel = unique('presence-e');
        await joins(channel, 9, [0, 1]);
        const first = await dying.take(9);
        dying.settle(first.slice(0, 4).map(({ number }) => number));
        await dying.ipc.ping();
        await ctx.nodes.flush();
        const heir = await listen(0, { types: MEMBERS, group: 'failover' });
        assert.deepEqual(users(await drain(heir)), []);
        const more = unique('presence-f');
        await ctx.nodes.at(2).kill();
        await ctx.nodes.known([ctx.nodes.at(0), ctx.nodes.at(1)], 2);
        // Besides, the dead node's users leave: they are told of once, too.
        const all = [];
        const mine = () => all.filter((event) => event.channel === channel);
        await until(async () => (await drain(heir, all), mine().length >= 5), () => `${JSON.stringify(all)}\n${ctx.nodes.log()}`);
        const got = mine();
        assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
        assert.deepEqual(got.map(({ id }) => id).sort(), first.slice(4).map(({ id }) => id).sort());
        assert.ok(got.every(({ attempt }) => attempt === 2), JSON.stringify(got.map(({ attempt }) => attempt)));
        await joins(more, 4, [0, 1]);
        assert.deepEqual(users((await drain(heir)).filter((event) => event.channel === more)), added(4));
        await heir.close();
    });

    test('a newcomer knows the groups, and what waits for them', async () => {
        await (await listen(0, { types: MEMBERS, group: 'newcomer' })).close();
        await ctx.nodes.flush();
        await joins(unique('presence-g'), 3, [0, 1]);
        await ctx.nodes.at(2).launch();
        await ctx.nodes.known();
        const listener = await listen(2, { types: MEMBERS, group: 'newcomer' });
        assert.equal(listener.created, false);
        const got = [];
        await until(async () => (await drain(listener, got)).length >= 3, () => `${JSON.stringify(got)}\n${ctx.nodes.log()}`);
        assert.deepEqual(users(got), added(3));
        await listener.close();
    });

    test('a node that stands still is taken for dead, its share goes to another, and it goes on when it is back', async () => {
        const [still, other] = [await listen(2, { types: MEMBERS, group: 'still' }), await listen(0, { types: MEMBERS, group: 'still' })];
        const channel = unique('presence-i');
        await drain(still);
        await drain(other);
        ctx.nodes.at(2).process.kill('SIGSTOP');
        const two = [ctx.nodes.at(0), ctx.nodes.at(1)];
        await joinsAt(channel, 0, 6, two);
        await ctx.nodes.known(two, 2);
        const got = [];
        const mine = (events) => events.filter((event) => event.channel === channel);
        await until(async () => (await drain(other, got), mine(got).length >= 6), () => `${JSON.stringify(got)}\n${ctx.nodes.log()}`);
        ctx.nodes.at(2).process.kill('SIGCONT');
        await ctx.nodes.known();
        await ctx.nodes.flush();
        await ctx.nodes.flush();
        await drain(still, got);
        await drain(other, got);
        got.length = 0;
        const later = unique('presence-j');
        await joins(later, 8);
        const parts = [await drain(still), await drain(other)].map((part) => part.filter((event) => event.channel === later));
        assert.deepEqual(users(parts.flat()), added(8));
        await Promise.all([still, other].map((listener) => listener.close()));
    });

    test('Redis is away for a while: what happens meanwhile is told afterwards', async () => {
        const listeners = [await listen(0, { types: MEMBERS, group: 'outage' }), await listen(1, { types: MEMBERS, group: 'outage' })];
        const channel = unique('presence-h');
        await joins(channel, 3);
        await ctx.redis.kill();
        for (let i = 3; i < 6; i++) {
            const client = await ctx.open(i % 3);
            await client.subscribe(channel, { data: { user_id: `u${i}` } });
        }
        await ctx.redis.launch();
        await ctx.nodes.flush();
        const got = [];
        await until(async () => {
            for (const listener of listeners) await drain(listener, got);
            return new Set(users(got)).size >= 6;
        }, () => `${JSON.stringify(got)}\n${ctx.nodes.log()}`);
        // A log that has lost something makes one node tell for safety what may be another's to tell: at least once.
        assert.deepEqual([...new Set(users(got))], added(6));
        await Promise.all(listeners.map((listener) => listener.close()));
    });
});
