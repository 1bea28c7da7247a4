// Run by namespaces.test.mjs in a network of its own: Redis is behind a cable for each node, and the cables are pulled.
import { execFileSync } from 'node:child_process';
import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { MUTE, fault, sleep } from '../lib/faults.mjs';
import { Redis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const ip = (...words) => execFileSync('ip', words);
const NODES = 3;

ip('link', 'set', 'lo', 'up');
ip('netns', 'add', 'redis');
ip('-n', 'redis', 'link', 'set', 'lo', 'up');
/** The cable i ends here with the address 10.99.i.2, and at Redis with 10.99.i.1. The last one is the test's own. */
for (let i = 0; i <= NODES; i++) {
    ip('link', 'add', `here${i}`, 'type', 'veth', 'peer', 'name', `there${i}`, 'netns', 'redis');
    ip('addr', 'add', `10.99.${i}.2/24`, 'dev', `here${i}`);
    ip('-n', 'redis', 'addr', 'add', `10.99.${i}.1/24`, 'dev', `there${i}`);
    ip('link', 'set', `here${i}`, 'up');
    ip('-n', 'redis', 'link', 'set', `there${i}`, 'up');
}
/** At Redis' end: whoever sends from here is told nothing. */
const pull = (i) => ip('-n', 'redis', 'link', 'set', `there${i}`, 'down');
const plug = (i) => ip('-n', 'redis', 'link', 'set', `there${i}`, 'up');

const port = 16379;
const each = (i) => ({ redis: { url: `redis://10.99.${i}.1:${port}` } });
const place = async () => {
    const redis = await Redis.start({ port, host: `10.99.${NODES}.1`, wrap: ['ip', 'netns', 'exec', 'redis'] });
    return { redis, sections: { redis: {} }, stop: () => redis.stop() };
};

describe('cables that are pulled, under load', () => {
    fault('of one node, for less than node_timeout', { place, each, sections: { cluster: { node_timeout: 60 } } }, async ({ load, nodes }) => {
        pull(0);
        await load.flowingAtHome();
        await sleep(MUTE);
        plug(0);
        await load.flowing();
        assert.ok(await nodes.sum('redis_reconnects_total', '', [nodes.at(0)]) > 0);
    });

    fault('of one node, for longer: its members leave once and come back once', { place, each, expect: { flicker: true } }, async ({ load, nodes }) => {
        const [victim, ...others] = load.members;
        pull(0);
        await until(() => others.every((member) => !member.users.has(victim.user)), () => `the members to leave\n${nodes.log()}`);
        plug(0);
        await until(() => others.every((member) => member.users.has(victim.user)), () => `the members to be back\n${nodes.log()}`, 60_000);
        await load.flowing();
        for (const member of others) assert.deepEqual(member.changes, [`-${victim.user}`, `+${victim.user}`]);
        assert.deepEqual(victim.changes, []);
    });

    fault('of all nodes', { place, each }, async ({ load }) => {
        for (let i = 0; i < NODES; i++) pull(i);
        await load.flowingAtHome();
        await sleep(MUTE);
        for (let i = 0; i < NODES; i++) plug(i);
        await load.flowing();
    });

    fault('of each in turn, for a moment', { place, each, sections: { cluster: { node_timeout: 60 } } }, async ({ load }) => {
        for (let round = 0; round < 6; round++) {
            pull(round % NODES);
            await sleep(300);
            plug(round % NODES);
            await sleep(100);
        }
        await load.flowing();
    });
});
