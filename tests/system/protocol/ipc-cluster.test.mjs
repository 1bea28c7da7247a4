// Publishes that the cluster acknowledges, and questions to all nodes, over the Unix socket of one of two nodes that share a real
// Redis: when they are answered, what they promise while Redis is stopped, gone or emptied, and what they leave behind.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, clusterSuite } from '../lib/cluster.mjs';
import * as ipc from '../lib/ipc.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { noRedis } from '../lib/redis.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const COUNTS = { id: 'counts', key: 'counts', secret: 'secret-of-counts' };
const sections = { 'app "counts"': { key: COUNTS.key, secret: COUNTS.secret, subscription_count: 'yes' } };

const unconfirmed = (promise, pattern = /Redis/) =>
    assert.rejects(promise, (error) => {
        assert.equal(error.reason, 'unconfirmed', error.message);
        assert.match(error.text, pattern);
        return true;
    });

suite('acknowledged by a cluster of one, without Redis', { workers: [1] }, (ctx) => {
    test('the answer comes at once, and says what one of a plain publish says', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const receipt = await ctx.ipc.confirmed({ channel, key: channel }, 0);
        assert.deepEqual({ ...receipt, id: null }, { id: null, recipients: 1, duplicate: false });
        assert.deepEqual(await ctx.ipc.confirmed({ channel, key: channel }, 0), { ...receipt, duplicate: true });
        const batch = await ctx.ipc.request(ipc.CLUSTER_BATCH, 0, [{ channel }, { channel }].map(Ipc.message));
        assert.equal(batch[0], ipc.CLUSTER_BATCH_ACK);
        assert.equal(batch[2].length, 2);
        for (let i = 0; i < 3; i++) await client.expect('E', channel);
        const bad = await ctx.ipc.request(ipc.CLUSTER_BATCH, 0, [{ channel }, { channel: 'no channel' }].map(Ipc.message));
        assert.deepEqual([bad[0], bad[2], bad[4]], [ipc.ERROR, 'invalid_channel', 1]);
        const [, , , partial] = await ctx.ipc.request(ipc.CHANNEL, channel, []);
        assert.equal(partial, false);
        await client.close();
    });
});

clusterSuite('acknowledged by two nodes', { nodes: 2, workers: [1, 2], sections, skip: noRedis }, (ctx) => {
    const subscriber = async (i, channel, app = APP) => {
        const client = await ctx.open(i, { app });
        await client.subscribe(channel);
        return client;
    };

    /** The next event but for counts. */
    async function expect(client, event, channel) {
        for (;;) {
            const message = await client.next();
            if (message.event === 'pusher_internal:subscription_count') continue;
            assert.deepEqual([message.event, message.channel], [event, channel]);
            return;
        }
    }

    /** While `act` runs, Redis does not. */
    async function whilePaused(act) {
        ctx.redis.pause();
        try {
            await act();
        } finally {
            ctx.redis.resume();
        }
    }

    test('recipients are those of both nodes, whether counts are asked for or known', async () => {
        for (const app of [APP, COUNTS]) {
            const channel = unique();
            const clients = [await subscriber(0, channel, app), await subscriber(1, channel, app), await subscriber(1, channel, app)];
            const door = await ctx.ipc(0, app);
            await ctx.nodes.flush();
            assert.equal((await door.publish({ channel, event: 'local' })).recipients, 1);
            assert.equal((await door.confirmed({ channel, event: 'all' })).recipients, 3);
            assert.equal((await door.confirmed({ channels: [channel, unique(), channel], event: 'once' })).recipients, 3);
            const many = await door.request(ipc.CLUSTER_BATCH, 10_000, [{ channel, event: 'b' }, { channel: unique(), event: 'b' }].map(Ipc.message));
            assert.deepEqual(many[2].map((one) => one[1]), [3, 0]);
            for (const client of clients) {
                for (const event of ['local', 'all', 'once', 'b']) await expect(client, event, channel);
            }
        }
    });

    test('with Redis stopped: delivered here at once, unconfirmed in time, and confirmed by the same key when it goes on', async () => {
        const channel = unique();
        const [here, there] = [await subscriber(0, channel), await subscriber(1, channel)];
        await ctx.nodes.flush();
        const before = (await ctx.nodes.at(0).metrics()).get('ipc_unconfirmed_total');
        await whilePaused(async () => {
            const answer = unconfirmed(ctx.ipcs[0].confirmed({ channel, event: 'x', key: channel }, 200));
            await here.expect('x', channel);
            await answer;
            await unconfirmed(ctx.ipcs[0].confirmed({ channel, event: 'x', key: channel }, 50));
            assert.equal((await ctx.ipcs[0].publish({ channel, event: 'y' })).recipients, 1, 'a local one waits for nobody');
        });
        const again = await ctx.ipcs[0].confirmed({ channel, event: 'x', key: channel }, 30_000);
        assert.equal(again.duplicate, true);
        for (const client of [here, there]) {
            if (client === there) await client.expect('x', channel);
            await client.expect('y', channel);
        }
        await ctx.nodes.flush();
        for (const client of [here, there]) assert.deepEqual((await client.sync()).map(({ text }) => text), [], 'nothing twice');
        assert.ok((await ctx.nodes.at(0).metrics()).get('ipc_unconfirmed_total') >= before + 2);
    });

    test('an answer that waits is given the moment Redis goes on, and in the order of the frames', async () => {
        const channel = unique();
        const door = await ctx.ipc(0);
        const order = [];
        const note = (name) => (answer) => order.push([name, answer[0]]);
        let all;
        await whilePaused(async () => {
            all = [
                door.request(ipc.CLUSTER_PUBLISH, 30_000, ...Ipc.message({ channel })).then(note('one')),
                door.request(ipc.CLUSTER_PUBLISH, 30_000, ...Ipc.message({ channel: 'no channel' })).then(note('refused')),
                door.request(ipc.CLUSTER_PUBLISH, 0, ...Ipc.message({ channel })).then(note('late')),
                door.request(ipc.PING).then(note('ping')),
                door.request(ipc.CLUSTER_PUBLISH, 30_000, ...Ipc.message({ channel })).then(note('two')),
            ];
            await ctx.ipcs[0].ping();
            await ctx.ipcs[0].ping();
            assert.deepEqual(order, []);
        });
        await Promise.all(all);
        assert.deepEqual(order.map(([name]) => name), ['one', 'refused', 'late', 'ping', 'two']);
        assert.deepEqual(order.filter(([name]) => name !== 'late').map(([, type]) => type), [ipc.CLUSTER_ACK, ipc.ERROR, ipc.PONG, ipc.CLUSTER_ACK]);
    });

    test('what was acknowledged has reached the other node, over a Redis that is killed and emptied again and again', async () => {
        const channel = unique();
        const there = await subscriber(1, channel);
        const door = await ctx.ipc(0);
        await ctx.nodes.flush();
        const acknowledged = [];
        let going = true;
        const publishing = (async () => {
            for (let n = 0; going; n++) {
                const message = { channel, event: 'n', data: `${n}`, key: `${channel}-${n}` };
                for (;;) {
                    try {
                        await door.confirmed(message, 500);
                        break;
                    } catch (error) {
                        assert.equal(error.reason, 'unconfirmed', error.message);
                    }
                }
                acknowledged.push(n);
            }
        })();
        for (let round = 0; round < 3; round++) {
            const n = acknowledged.length;
            await until(() => acknowledged.length > n + 20, 'publishes to be acknowledged', 30_000);
            await ctx.redis.kill();
            await ctx.redis.launch();
        }
        const n = acknowledged.length;
        await until(() => acknowledged.length > n + 20, 'publishes to be acknowledged again', 60_000);
        going = false;
        await publishing;
        for (const expected of acknowledged) assert.equal((await there.expect('n', channel)).data, String(expected));
        await ctx.nodes.known();
        await ctx.nodes.flush();
        assert.deepEqual((await there.sync()).map(({ text }) => text), [], 'nothing twice');
    });

    test('many publishers wait at the same time, and some go away', async () => {
        const channel = unique();
        const [here, there] = [await subscriber(0, channel), await subscriber(1, channel)];
        await ctx.nodes.flush();
        const doors = await Promise.all(Array.from({ length: 20 }, () => ctx.ipc(0)));
        const sent = [];
        await whilePaused(async () => {
            for (const [i, door] of doors.entries()) {
                for (let n = 0; n < 10; n++) sent.push(door.request(ipc.CLUSTER_PUBLISH, 30_000, ...Ipc.message({ channel, event: 'n' })).then((answer) => [i, answer[0]], () => [i, 0]));
            }
            for (let n = 0; n < 200; n++) await here.expect('n', channel);
            for (const door of doors.slice(0, 5)) await door.close();
        });
        for (const [i, type] of await Promise.all(sent)) assert.equal(type, i < 5 ? 0 : ipc.CLUSTER_ACK);
        for (let n = 0; n < 200; n++) await there.expect('n', channel);
    });

    test('questions are answered for both nodes, and in part while Redis is away', async () => {
        const channel = unique();
        const clients = [await subscriber(0, channel), await subscriber(1, channel)];
        await ctx.nodes.flush();
        for (const i of [0, 1]) {
            const door = ctx.ipcs[i];
            const one = await door.request(ipc.CHANNEL, channel, ['subscription_count']);
            assert.deepEqual(one.slice(2), [[channel, true, 2, null, null], false]);
            const list = await door.request(ipc.CHANNELS, channel, ['subscription_count']);
            assert.deepEqual(list.slice(2), [[[channel, true, 2, null, null]], false]);
            const [, , connections, partial] = await door.request(ipc.CONNECTIONS);
            assert.ok(connections >= clients.length);
            assert.equal(partial, false);
        }
        await whilePaused(async () => {
            const one = await ctx.ipcs[0].request(ipc.CHANNEL, channel, ['subscription_count']);
            assert.deepEqual(one.slice(2), [[channel, true, 1, null, null], true]);
            assert.equal((await ctx.ipcs[0].request(ipc.CONNECTIONS))[3], true);
        });
    });
});

clusterSuite('acknowledged by a node that ends or is told something else', { nodes: 2, sections, skip: noRedis }, (ctx) => {
    test('a reload that removes the application answers what waits, then ends the connection', async () => {
        const channel = unique();
        const door = await ctx.ipc(0, COUNTS);
        await door.ping();
        ctx.redis.pause();
        let answer;
        try {
            answer = door.request(ipc.CLUSTER_PUBLISH, 30_000, ...Ipc.message({ channel }));
            await ctx.ipcs[0].ping();
            await ctx.ipcs[0].ping();
            await ctx.nodes.at(0).reload({ 'app "counts"': null });
            assert.notEqual(door.closed, true);
        } finally {
            ctx.redis.resume();
        }
        assert.equal((await answer)[0], ipc.CLUSTER_ACK);
        await door.ended;
    });

    test('a daemon that ends answers what waits', async () => {
        const door = await ctx.ipc(1);
        await door.ping();
        ctx.redis.pause();
        try {
            const answer = door.request(ipc.CLUSTER_PUBLISH, 60_000, ...Ipc.message({ channel: unique() }));
            await (await ctx.ipc(1)).ping();
            await ctx.nodes.at(1).stop();
            const [type, , reason] = await answer;
            assert.deepEqual([type, reason], [ipc.ERROR, 'unconfirmed']);
            await door.ended;
        } finally {
            ctx.redis.resume();
        }
    });
});
