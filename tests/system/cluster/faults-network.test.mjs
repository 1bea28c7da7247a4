// What stands between a node and Redis: bytes one by one, late, swallowed, reset; for one node or for all.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { MUTE, fault, sleep } from '../lib/faults.mjs';
import { noRedis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const skip = noRedis;
/** Nobody is taken for dead in what must not make anybody flicker, however slow the machine. */
const patient = { cluster: { node_timeout: 30 } };

describe('the network under load', () => {
    fault('replies cut into single bytes', { skip, wires: true, load: { every: 50 } }, async ({ wires, load }) => {
        for (const wire of wires) wire.bytewise = true;
        await load.flowing();
        await sleep(1500);
        await load.flowing();
        for (const wire of wires) wire.bytewise = false;
    });

    fault('replies that are 300 ms late', { skip, wires: true }, async ({ wires, load, nodes }) => {
        for (const wire of wires) wire.delay = 300;
        await sleep(1500);
        await load.flowing();
        assert.equal(await nodes.sum('bus_duplicates_total'), 0);
        for (const wire of wires) wire.delay = 0;
    });

    fault('a black hole between one node and Redis, which tells nobody', { skip, wires: true, sections: patient }, async ({ wires, load, nodes }) => {
        wires[0].blackHole();
        await load.flowingAtHome();
        await sleep(MUTE);
        wires[0].heal();
        await load.flowing();
        assert.ok(await nodes.sum('redis_reconnects_total', '', [nodes.at(0)]) > 0);
    });

    fault('a black hole between all nodes and Redis', { skip, wires: true }, async ({ wires, load }) => {
        for (const wire of wires) wire.blackHole();
        await load.flowingAtHome();
        await sleep(MUTE);
        for (const wire of wires) wire.heal();
        await load.flowing();
    });

    fault('every connection reset, again and again', { skip, wires: true }, async ({ wires }) => {
        for (let round = 0; round < 20; round++) {
            for (const wire of wires) wire.reset();
            await sleep(100);
        }
    });

    fault('a node that is cut off for longer than node_timeout: its members leave once, and come back once', { skip, wires: true, expect: { flicker: true } }, async ({ wires, load, nodes }) => {
        const [gone, ...others] = load.members;
        wires[0].blackHole();
        await until(() => others.every((member) => !member.users.has(gone.user)), () => `the members of the node that is cut off to leave\n${nodes.log()}`);
        wires[0].heal();
        await until(() => others.every((member) => member.users.has(gone.user)), () => `the members of the node that is back to be there again\n${nodes.log()}`, 30_000);
        await load.flowing();
        for (const member of others) assert.deepEqual(member.changes, [`-${gone.user}`, `+${gone.user}`], member.user);
        assert.deepEqual(gone.changes, [], 'who is cut off takes nobody for gone');
    });

    fault('a node behind a slow line slows nobody else', { skip, wires: true, load: { size: 2000 }, sections: patient }, async ({ wires, load, nodes }) => {
        wires[2].delay = 1500;
        await sleep(1000);
        load.delays = [];
        await sleep(2000);
        const delays = load.delays.splice(0);
        load.delays = undefined;
        wires[2].delay = 0;
        assert.ok(delays.length > 100);
        // Two thirds of the publishers are elsewhere; their messages take no longer than ever at two thirds of the subscribers.
        delays.sort((a, b) => a - b);
        assert.ok(delays[Math.floor(delays.length * 0.4)] < 500, `at ${delays[Math.floor(delays.length * 0.4)]} ms\n${nodes.log()}`);
    });
});

describe('reading', () => {
    fault('asks for little at a time, and misses nothing of a log that has grown meanwhile', { skip, nodes: 2, wires: true, sections: patient, load: { size: 8000, every: 10, channels: 2 } }, async ({ redis, wires, load, nodes }) => {
        wires[1].blackHole();
        await until(async () => Number((await redis.info('memory')).used_memory) > 12 << 20, 'some 10 MB in the log', 60_000);
        await redis.command('CONFIG', 'RESETSTAT');
        let most = 0;
        let watching = true;
        const watch = (async () => {
            while (watching) {
                for (const client of await redis.clients()) most = Math.max(most, Number(client.omem));
                await sleep(5);
            }
        })();
        wires[1].heal();
        await load.flowing();
        watching = false;
        await watch;
        assert.ok(most < 4 << 20, `output buffer of a connection: ${most} bytes\n${nodes.log()}`);
    });
});

