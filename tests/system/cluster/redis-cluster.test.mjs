// A Redis Cluster of three masters with a replica each; lanes spread over it by themselves.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { fault, sleep } from '../lib/faults.mjs';
import { RedisCluster, noRedis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const skip = noRedis;
const place = () => RedisCluster.start();
const lanes = 4;
const load = { channels: 8, every: 60 };
const keys = Array.from({ length: lanes }, (_, i) => `fanfare:lane:${i}`);

describe('a Redis Cluster under load', () => {
    fault('a lane moves to another master, key and all, there and back', { skip, place, lanes, load }, async ({ place: set, load }) => {
        const owners = new Set();
        for (const key of keys) owners.add((await set.owner(key)).server);
        assert.ok(owners.size > 1, 'lanes on several masters');
        for (let round = 0; round < 3; round++) {
            for (const key of keys.slice(0, 2)) {
                const { source, target } = await set.reshard(key, () => sleep(200));
                assert.equal((await set.owner(key)).server, target);
                assert.notEqual(source, target);
            }
            await load.flowing();
        }
    });

    fault('a master is killed, and its replica takes over', { skip, place, lanes, load }, async ({ place: set, load }) => {
        const { server, node } = await set.owner(keys[0]);
        await server.kill();
        await load.flowingAtHome();
        await until(async () => {
            const { node: now } = await set.owner(keys[0]);
            return now && now.id !== node.id;
        }, 'a replica to take over', 60_000);
        await load.flowing();
        await server.launch();
        await sleep(500);
        await load.flowing();
    });

    fault('a failover on demand', { skip, place, lanes, load }, async ({ place: set, load }) => {
        const { node } = await set.owner(keys[0]);
        const replica = (await set.nodes()).find(({ master }) => master === node.id);
        await set.servers.find(({ port }) => port === replica.port).command('CLUSTER', 'FAILOVER');
        await until(async () => (await set.owner(keys[0])).node?.id === replica.id, 'the replica to be master', 40_000);
        await load.flowing();
    });
});
