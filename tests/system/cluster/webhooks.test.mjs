// Webhooks of three nodes as an application gets them: each event once per cluster, whichever node saw it, also when that dies.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { clusterSuite, Nodes } from '../lib/cluster.mjs';
import { APP } from '../lib/daemon.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { Redis, noRedis } from '../lib/redis.mjs';
import { unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const skip = noRedis;
const receiver = await Receiver.start();
after(() => receiver.stop());
const sections = { 'app "app1"': { webhook_url: receiver.url } };
const told = (channel) => receiver.requests.flatMap(({ body }) => body.events).filter((event) => event.channel === channel);
const names = (channel) => told(channel).filter(({ name }) => name !== 'subscription_count').map(({ name, user_id }) => (user_id === undefined ? name : `${name} ${user_id}`));

/** The channel's events are these, and no more come until what happens after them was told. */
async function settled(open, channel, expected) {
    await until(() => names(channel).length >= expected.length, () => `${expected} of ${channel}; so far: ${names(channel)}`, 30_000);
    // Occupied and vacated through each node: whatever waited as long is over when that is told.
    await Promise.all([0, 1, 2].map(async (i) => {
        const client = await open(i);
        if (!client) return;
        const past = unique('past');
        await client.subscribe(past);
        client.unsubscribe(past);
        await until(() => names(past).includes('channel_vacated'), `${past} to be vacated`, 30_000);
        client.destroy();
    }));
    // What different nodes tell may come in any order.
    assert.deepEqual(names(channel).sort(), expected.slice().sort(), channel);
}

clusterSuite('webhooks of three nodes', { workers: [1, 2, 1], sections, skip }, (ctx) => {
    test('a channel is occupied and vacated once, by the whole cluster', async () => {
        const channel = unique();
        const one = await ctx.open(0);
        await one.subscribe(channel);
        await until(() => names(channel).length, 'channel_occupied');
        const [two, three] = [await ctx.open(1), await ctx.open(2)];
        await two.subscribe(channel);
        await three.subscribe(channel);
        await ctx.nodes.flush();
        one.unsubscribe(channel);
        await two.close();
        await settled(ctx.open, channel, ['channel_occupied']);
        three.destroy();
        await settled(ctx.open, channel, ['channel_occupied', 'channel_vacated']);
    });

    test('occupied at all nodes in the same moment, and vacated so', async () => {
        const channels = Array.from({ length: 10 }, () => unique());
        const clients = [await ctx.open(0), await ctx.open(1), await ctx.open(2)];
        for (const channel of channels) await Promise.all(clients.map((client) => client.send(client.subscribeMessage(channel))));
        await Promise.all(clients.map((client) => client.sync()));
        await ctx.nodes.flush();
        await Promise.all(clients.map((client) => client.close()));
        await settled(ctx.open, channels[9], ['channel_occupied', 'channel_vacated']);
        for (const channel of channels) await settled(() => undefined, channel, ['channel_occupied', 'channel_vacated']);
    });

    test('who moves to another node within three seconds has caused nothing', async () => {
        const channel = unique('presence');
        const one = await ctx.open(0);
        await one.subscribe(channel, { data: { user_id: 'ann' } });
        await until(() => names(channel).length === 2, 'the join');
        for (const i of [1, 2, 0]) {
            const last = ctx.moving ?? one;
            last.destroy();
            await last.ended;
            ctx.moving = await ctx.open(i);
            await ctx.moving.subscribe(channel, { data: { user_id: 'ann' } });
        }
        await settled(ctx.open, channel, ['channel_occupied', 'member_added ann']);
        ctx.moving.destroy();
        await settled(ctx.open, channel, ['channel_occupied', 'member_added ann', 'member_removed ann', 'channel_vacated']);
    });

    test('members: once per user, over nodes and tabs', async () => {
        const channel = unique('presence');
        const clients = [];
        for (const [i, id] of [[0, 'ann'], [1, 'ann'], [2, 'bob'], [1, 'bob'], [0, 'carl']]) {
            const client = await ctx.open(i);
            await client.subscribe(channel, { data: { user_id: id } });
            await ctx.nodes.flush();
            clients.push(client);
        }
        const joined = ['channel_occupied', 'member_added ann', 'member_added bob', 'member_added carl'];
        await until(() => names(channel).length >= 4, 'the members');
        await Promise.all([clients[0], clients[2]].map((client) => client.close()));
        await settled(ctx.open, channel, joined);
        await clients[1].close();
        await settled(ctx.open, channel, [...joined, 'member_removed ann']);
        await Promise.all([clients[3], clients[4]].map((client) => client.close()));
        await until(() => names(channel).length >= 8, 'the end');
        await settled(ctx.open, channel, names(channel));
        assert.deepEqual(names(channel).slice(5).sort(), ['channel_vacated', 'member_removed bob', 'member_removed carl']);
    });

    test('subscription_count counts all nodes', async () => {
        const channel = unique();
        for (const i of [0, 1, 2]) await (await ctx.open(i)).subscribe(channel);
        await until(() => told(channel).some((event) => event.name === 'subscription_count' && event.subscription_count === 3), () => JSON.stringify(told(channel)), 30_000);
        await settled(ctx.open, channel, ['channel_occupied']);
        const counts = told(channel).filter(({ name }) => name === 'subscription_count').map((event) => event.subscription_count);
        assert.equal(counts.at(-1), 3, `${counts}`);
        assert.ok(counts.length <= 3, `told more than once: ${counts}`);
    });

    test('client events and cache misses are told by the node where they happened', async () => {
        const channel = unique('private-cache');
        const [one, two] = [await ctx.open(0), await ctx.open(1)];
        await one.subscribe(channel);
        await two.subscribe(channel);
        one.send({ event: 'client-typing', channel, data: 'x' });
        await until(() => names(channel).includes('client_event'), 'the client event');
        await ctx.nodes.flush();
        assert.equal(names(channel).filter((name) => name === 'client_event').length, 1);
        assert.equal(names(channel).filter((name) => name === 'cache_miss').length, 2);
        assert.equal(names(channel).filter((name) => name === 'channel_occupied').length, 1);
    });
});

/** Three nodes of their own, of which one goes: run(nodes, open). */
async function losing(run, cluster = {}) {
    const redis = await Redis.start();
    const clients = [];
    let nodes;
    try {
        nodes = await Nodes.start(3, { redis: redis.url, sections: { ...sections, cluster } });
        await run(nodes, async (i) => {
            if (nodes.at(i).stopped) return undefined;
            const client = await Client.open(nodes.at(i), { app: APP });
            clients.push(client);
            return client;
        });
    } finally {
        for (const client of clients) client.destroy();
        await nodes?.stop({ check: false });
        await redis.stop();
    }
}

test('a node dies: what it alone had is vacated once, and its members are removed once', { skip }, () => losing(async (nodes, open) => {
    const [alone, shared, presence] = [unique(), unique(), unique('presence')];
    const [one, two] = [await open(0), await open(1)];
    await two.subscribe(alone);
    await two.subscribe(shared);
    await one.subscribe(shared);
    await one.subscribe(presence, { data: { user_id: 'stays' } });
    await nodes.flush();
    await two.subscribe(presence, { data: { user_id: 'goes' } });
    await until(() => [alone, shared, presence].every((channel) => names(channel).length) && names(presence).length === 3, 'the beginning');
    await nodes.at(1).kill();
    await settled(open, alone, ['channel_occupied', 'channel_vacated']);
    await settled(open, shared, ['channel_occupied']);
    await settled(open, presence, ['channel_occupied', 'member_added stays', 'member_added goes', 'member_removed goes']);
}));

// Found dead before the time is over, and after it.
for (const node_timeout of [2, 6]) test(`a node dies between the leave and its webhook: another one tells it (node_timeout=${node_timeout})`, { skip }, () => losing(async (nodes, open) => {
    const [channel, presence] = [unique(), unique('presence')];
    const two = await open(1);
    await two.subscribe(channel);
    await two.subscribe(presence, { data: { user_id: 'goes' } });
    await until(() => names(channel).length && names(presence).length === 2, 'the beginning');
    await two.close();
    await nodes.flush();
    await nodes.at(1).kill(); // within the 3 s that it waits
    await settled(open, channel, ['channel_occupied', 'channel_vacated']);
    assert.deepEqual(names(presence).slice(2).sort(), ['channel_vacated', 'member_removed goes']);
}, { node_timeout }));

test('a node stops properly: what it alone had is vacated once', { skip }, () => losing(async (nodes, open) => {
    const [alone, shared] = [unique(), unique()];
    const [one, two] = [await open(0), await open(1)];
    await two.subscribe(alone);
    await two.subscribe(shared);
    await one.subscribe(shared);
    await until(() => [alone, shared].every((channel) => names(channel).length), 'the beginning');
    await nodes.at(1).stop({ keep: true });
    await settled(open, alone, ['channel_occupied', 'channel_vacated']);
    await settled(open, shared, ['channel_occupied']);
}));

test('Redis is away meanwhile: the same, once', { skip }, async () => {
    const redis = await Redis.start();
    const nodes = await Nodes.start(3, { redis: redis.url, sections });
    const clients = [];
    const open = async (i) => {
        const client = await Client.open(nodes.at(i), { app: APP });
        clients.push(client);
        return client;
    };
    try {
        const [kept, fresh, left] = [unique(), unique(), unique()];
        const [one, two] = [await open(0), await open(1)];
        await one.subscribe(kept);
        await two.subscribe(left);
        await until(() => names(kept).length && names(left).length, 'the beginning');
        await redis.kill();
        await one.subscribe(fresh);
        await two.subscribe(fresh);
        await two.subscribe(kept);
        two.unsubscribe(left);
        await one.sync([]);
        await two.sync([]);
        await redis.launch();
        await nodes.flush();
        await settled(open, left, ['channel_occupied', 'channel_vacated']);
        await settled(open, kept, ['channel_occupied']);
        await settled(open, fresh, ['channel_occupied']);
    } finally {
        for (const client of clients) client.destroy();
        await nodes.stop();
        await redis.stop();
    }
});
