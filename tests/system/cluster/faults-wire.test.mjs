// What stands between a node and Redis: cut into bytes, slow, or swallowing everything; and what a node may ask of Redis at once.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { get } from '../lib/api.mjs';
import { AWAY, MUTE, fault, long, losses, sleep } from '../lib/faults.mjs';
import { Nodes } from '../lib/cluster.mjs';
import { noRedis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const skip = noRedis;
const median = (values) => values.slice().sort((a, b) => a - b)[values.length >> 1];

describe('the way to Redis', () => {
    fault('replies that arrive byte by byte', { skip, wires: true, load: { every: 100 } }, async ({ wires, load }) => {
        for (const wire of wires) wire.bytewise = true;
        await sleep(AWAY);
        await load.flowing();
        for (const wire of wires) wire.bytewise = false;
    });

    fault('replies that are late', { skip, wires: true }, async ({ wires, load }) => {
        wires[1].delay = 300;
        await sleep(AWAY);
        await load.flowing();
        wires[1].delay = 0;
    });

    fault('a node behind a slow line slows nobody else', { skip, wires: true, load: { size: 2000 }, sections: { cluster: { node_timeout: 30 } } }, async ({ wires, load, nodes }) => {
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

    fault('connections that are reset, again and again', { skip, wires: true }, async ({ wires }) => {
        for (let round = 0; round < 15; round++) {
            wires[round % 3].reset();
            await sleep(120);
        }
    });

    fault('a black hole around Redis, for all', { skip, wires: true }, async ({ wires, load }) => {
        for (const wire of wires) wire.blackHole();
        await load.flowingAtHome();
        await sleep(MUTE);
        for (const wire of wires) wire.heal();
        await load.flowing();
    });

    fault('a black hole around one node, shorter than node_timeout', { skip, wires: true, sections: { cluster: { node_timeout: long ? 90 : 30 } } }, async ({ wires, load, nodes }) => {
        wires[1].blackHole();
        await sleep(MUTE);
        wires[1].heal();
        await load.flowing();
        assert.equal(await nodes.sum('cluster_nodes'), 9);
    });

    fault('a black hole around one node, longer than node_timeout: its members leave once and come back once', { skip, wires: true, expect: { flicker: true } }, async ({ wires, load, nodes }) => {
        const [one, two, three] = load.members;
        wires[1].blackHole();
        await until(() => one.changes.length && three.changes.length, 'the others to see the member leave', 60_000);
        assert.deepEqual([one.changes, three.changes], [[`-${two.user}`], [`-${two.user}`]]);
        await load.flowingAtHome();
        wires[1].heal();
        await nodes.known();
        await load.flowing();
        const expected = [`-${two.user}`, `+${two.user}`];
        await until(() => one.changes.length > 1 && three.changes.length > 1, 'the others to see it come back');
        await nodes.flush();
        assert.deepEqual([one.changes, three.changes], [expected, expected]);
        // It was never without the others: that it was thought dead is no reason to doubt them.
        assert.deepEqual(two.changes, []);
    });

    fault('a node that stands alone behind a black hole serves its own clients', { skip, wires: true, nodes: 2, quiet: true, sections: { cluster: { node_timeout: 30 } } }, async ({ wires, nodes }) => {
        const { Client } = await import('../lib/ws.mjs');
        const { Ipc } = await import('../lib/ipc.mjs');
        const { APP } = await import('../lib/daemon.mjs');
        wires[0].blackHole();
        const client = await Client.open(nodes.at(0), { app: APP });
        const done = await client.subscribe('presence-alone', { data: { user_id: 'ann' } });
        assert.equal(JSON.parse(done.data).presence.count, 1);
        const ipc = await Ipc.open(nodes.at(0).socket, APP);
        const began = performance.now();
        assert.equal((await ipc.publish({ channel: 'presence-alone', event: 'here' })).recipients, 1);
        await client.expect('here');
        assert.ok(performance.now() - began < 1000, 'it waited for Redis');
        client.destroy();
        ipc.close();
        wires[0].heal();
    });
});

describe('questions and reading', () => {
    fault('a question takes little, alone and under load', { skip, load: { every: 10 } }, async ({ nodes }) => {
        const times = [];
        for (let i = 0; i < 60; i++) {
            const began = performance.now();
            const { status, json } = await get(nodes.at(i % 3), '/connections');
            times.push(performance.now() - began);
            assert.equal(status, 200);
            assert.ok(!json.partial, JSON.stringify(json));
        }
        assert.ok(median(times) < 50, `median of ${times.length} questions: ${median(times).toFixed(1)} ms`);
    });

    fault('a message takes little to another node while little happens', { skip, load: { every: 100, channels: 1 } }, async ({ load }) => {
        load.delays = [];
        await sleep(2000);
        assert.ok(load.delays.length > 50);
        assert.ok(median(load.delays) < 50, `median of ${load.delays.length} deliveries: ${median(load.delays).toFixed(1)} ms`);
    });

    fault('a node that was away reads on in bounded steps', { skip, load: { every: 20, size: 20_000, channels: 2 }, sections: { cluster: { node_timeout: 60, resend_window: 120 } }, redis: { conf: ['client-output-buffer-limit normal 6mb 0 0'] } }, async ({ redis, nodes, load }) => {
        const away = nodes.at(2);
        const published = () => load.publishers.reduce((sum, one) => sum + one.sent.get(load.channels[0]), 0);
        load.publishers[2].stopping = true;
        await load.runs[2];
        away.process.kill('SIGSTOP');
        const from = published();
        // More than the buffer that Redis may have for a client: whoever asks for it at once is closed.
        await until(() => (published() - from) * 2 * 20_000 > 25e6, 'enough to be behind by', 120_000);
        const reconnects = await nodes.sum('redis_reconnects_total', '', nodes.all.slice(0, 2));
        let largest = 0, ended = false;
        const watch = (async () => {
            while (!ended) {
                for (const client of await redis.clients()) if (/:read$/.test(client.name)) largest = Math.max(largest, Number(client.omem));
                await sleep(5);
            }
        })();
        away.process.kill('SIGCONT');
        await load.flowing();
        ended = true;
        await watch;
        assert.ok(largest < 4e6, `${largest} bytes waited in Redis for one reader`);
        assert.equal(await nodes.sum('redis_reconnects_total', '', nodes.all.slice(0, 2)), reconnects);
        assert.deepEqual(await losses(nodes), {});
    });

    fault('a node that does not answer makes answers partial, and they say so', { skip, quiet: true, sections: { cluster: { query_deadline: 0.5, node_timeout: 60 } } }, async ({ nodes }) => {
        nodes.at(2).process.kill('SIGSTOP');
        const began = performance.now();
        const { status, json } = await get(nodes.at(0), '/connections');
        const took = performance.now() - began;
        nodes.at(2).process.kill('SIGCONT');
        assert.equal(status, 200);
        assert.equal(json.partial, true, JSON.stringify(json));
        assert.ok(took > 400 && took < 3000, `${took} ms`);
        await until(async () => !(await get(nodes.at(0), '/connections')).json.partial, 'whole answers again');
        assert.equal((await Nodes.report(nodes.at(0))).nodes.length, 3);
    });

    assert.ok(long || MUTE > 5000, 'longer than a connection waits for an answer');
});
