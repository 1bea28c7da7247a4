// What is counted over all nodes: in receipts that the cluster acknowledges, and in the HTTP API's answers.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { post } from '../lib/api.mjs';
import { clusterSuite } from '../lib/cluster.mjs';
import { CLUSTER_BATCH, CLUSTER_BATCH_ACK, CLUSTER_PUBLISH, Ipc } from '../lib/ipc.mjs';
import { noRedis } from '../lib/redis.mjs';
import { unique } from '../lib/suite.mjs';

clusterSuite('counts of all nodes', { nodes: 2, skip: noRedis }, (ctx) => {
    const publish = async (i, message) => Ipc.receipt(await ctx.ipcs[i].request(CLUSTER_PUBLISH, 5000, ...Ipc.message(message)));

    test('recipients of a publish are those of all nodes', async () => {
        const channels = [unique(), unique('private'), unique()];
        const clients = [await ctx.open(0), await ctx.open(1), await ctx.open(1)];
        for (const client of clients) await client.subscribe(channels[0]);
        await clients[2].subscribe(channels[1]);
        await ctx.nodes.flush();
        for (const i of [0, 1]) {
            assert.equal((await publish(i, { channel: channels[0] })).recipients, 3);
            assert.equal((await publish(i, { channels })).recipients, 4);
            assert.equal((await publish(i, { channel: channels[2] })).recipients, 0);
            const answer = await ctx.ipcs[i].request(CLUSTER_BATCH, 5000, [{ channel: channels[0] }, { channel: channels[1] }].map(Ipc.message));
            assert.equal(answer[0], CLUSTER_BATCH_ACK);
            assert.deepEqual(answer[2].map(([, recipients]) => recipients), [3, 1]);
        }
    });

    test('less the one who is left out, if that one is at the node that was asked', async () => {
        const [one, two] = [unique(), unique()];
        const [near, far] = [await ctx.open(0), await ctx.open(1)];
        for (const client of [near, far]) for (const channel of [one, two]) await client.subscribe(channel);
        await ctx.nodes.flush();
        assert.equal((await publish(0, { channel: one, except: near.socketId })).recipients, 1);
        assert.equal((await publish(0, { channels: [one, two], except: near.socketId })).recipients, 2);
        // The others are asked how many they have, not who.
        assert.equal((await publish(0, { channel: one, except: far.socketId })).recipients, 2);
    });

    test('a channel that is named twice counts once', async () => {
        const channel = unique();
        const clients = [await ctx.open(0), await ctx.open(1), await ctx.open(1)];
        for (const client of clients) await client.subscribe(channel);
        await ctx.nodes.flush();
        for (const i of [0, 1]) {
            const { json } = await post(ctx.nodes.at(i), '/events', { name: 'E', data: '{}', channels: [channel, channel], info: 'subscription_count' });
            assert.deepEqual(json, { channels: { [channel]: { subscription_count: 3 } } });
            assert.equal((await publish(i, { channels: [channel, channel] })).recipients, 3);
        }
    });

    test('the receipt of a publish that was there before is the first one', async () => {
        const channel = unique();
        const clients = [await ctx.open(0), await ctx.open(1)];
        for (const client of clients) await client.subscribe(channel);
        await ctx.nodes.flush();
        const key = unique('key');
        const first = await publish(0, { channel, key });
        assert.deepEqual([first.recipients, first.duplicate], [2, false]);
        const again = await publish(0, { channel, key });
        assert.deepEqual(again, { ...first, duplicate: true });
    });
});
