// The histograms of /metrics are held against clocks outside of the daemon: the clients', and the kernel's account of its
// processor time. What the daemon says lies between the two, whatever else the machine does.
import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { APP, Nodes } from '../lib/cluster.mjs';
import { Daemon } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { noRedis, Redis, Wire } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']));
const SLACK = 0.2; // seconds: the daemon may lose its core between the last write and its look at the clock
const app = `app="${APP.id}"`;

/** Seconds of processor time that the kernel counts for it, in hundredths. */
function cpu(pid) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** {n, seconds} of each histogram, since the start. */
async function histograms(daemon) {
    const metrics = await daemon.metrics();
    const of = (name, labels) => ({ n: metrics.get(`${name}_seconds_count`, labels) ?? 0, seconds: metrics.get(`${name}_seconds_sum`, labels) ?? 0 });
    return { delivery: of('publish_delivery', app), answer: of('ipc_answer', app), turn: of('turn') };
}
const since = (a, b) => Object.fromEntries(Object.keys(a).map((kind) => [kind, { n: b[kind].n - a[kind].n, seconds: b[kind].seconds - a[kind].seconds }]));
const between = (value, low, high, what) => assert.ok(value >= low && value <= high, `${what}: ${value} s is not between ${low} and ${high}`);

/** What a publisher and n clients see of so many publishes, one at a time: seconds until the answer, and until the last client has it. */
async function measure(daemon, { clients = 1, publishes, size = 10 }) {
    const all = [];
    const ipc = await Ipc.open(daemon.socket, APP);
    try {
        for (let i = 0; i < clients; i++) all.push(await Client.open(daemon, { app: APP }));
        for (const one of all) await one.subscribe('measured');
        await ipc.publish({ channel: 'measured', event: 'first' });
        for (const one of all) await one.expect('first');
        const [before, used, from] = [await histograms(daemon), cpu(daemon.pid), performance.now()];
        const seen = { answer: 0, delivery: 0 };
        for (let n = 0; n < publishes; n++) {
            const start = performance.now();
            const answered = ipc.publish({ channel: 'measured', data: JSON.stringify('x'.repeat(size)) }).then(() => (seen.answer += (performance.now() - start) / 1000));
            await Promise.all(all.map((one) => one.expect('E')));
            seen.delivery += (performance.now() - start) / 1000;
            await answered;
        }
        seen.cpu = cpu(daemon.pid) - used;
        // What is counted when the turn is over may be behind what was written in it.
        const got = await until(async () => {
            const now = since(before, await histograms(daemon));
            return now.delivery.n >= publishes && now.answer.n >= publishes && now;
        }, 'all to be counted');
        return { ...got, seen: { ...seen, wall: (performance.now() - from) / 1000 } };
    } finally {
        for (const one of all) one.destroy();
        ipc.close();
    }
}

describe('histograms and clocks outside', () => {
    test('deliveries, answers and turns of one loop', async (t) => {
        const daemon = await Daemon.start();
        t.after(() => daemon.stop());
        const { delivery, answer, turn, seen } = await measure(daemon, { clients: 40, publishes: 30, size: 5000 });
        assert.deepEqual([delivery.n, answer.n], [30, 30]);
        // Nearly all that it does is to deliver, in which it uses its processor time.
        between(delivery.seconds, 0.3 * seen.cpu, seen.delivery + SLACK, 'deliveries');
        between(answer.seconds, 0.000_001, seen.answer + SLACK, 'answers');
        between(turn.seconds, 0.4 * seen.cpu, seen.wall + SLACK, 'turns');
    });
    test('several workers: once for each that has subscribers', async (t) => {
        const daemon = await Daemon.start({ workers: 3 });
        t.after(() => daemon.stop());
        const { delivery, answer, turn, seen } = await measure(daemon, { clients: 30, publishes: 20 });
        assert.equal(answer.n, 20);
        assert.ok(delivery.n % 20 === 0 && delivery.n >= 20 && delivery.n <= 60, `${delivery.n} deliveries`);
        between(delivery.seconds, 0.000_001, 3 * (seen.delivery + SLACK), 'deliveries');
        between(turn.seconds, 0, 4 * (seen.wall + SLACK), 'turns');
    });
    test('a daemon that was stopped counts neither the time before it read, nor any of it twice', async (t) => {
        const daemon = await Daemon.start();
        t.after(() => daemon.stop());
        t.after(() => daemon.process.kill('SIGCONT'));
        const ipc = await Ipc.open(daemon.socket, APP);
        t.after(() => ipc.close());
        const client = await Client.open(daemon, { app: APP });
        t.after(() => client.destroy());
        await client.subscribe('stopped');
        const before = await histograms(daemon);
        daemon.process.kill('SIGSTOP');
        await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${daemon.pid}/status`, 'utf8')), 'it to stand still');
        const start = performance.now();
        const answer = ipc.publish({ channel: 'stopped' });
        await new Promise((done) => setTimeout(done, 1500));
        daemon.process.kill('SIGCONT');
        await answer;
        await client.expect('E');
        const outside = (performance.now() - start) / 1000;
        const now = since(before, await histograms(daemon));
        assert.deepEqual([now.delivery.n, now.answer.n], [1, 1]);
        assert.ok(outside >= 1.5);
        between(now.delivery.seconds, 0, outside - 1.4, 'delivery');
        between(now.answer.seconds, 0, outside - 1.4, 'answer');
    });
});

describe('histograms of nodes', { skip: noRedis }, () => {
    const ctx = {};
    after(async () => {
        for (const one of ctx.open ?? []) one();
        await ctx.nodes?.stop();
        await ctx.wire?.stop();
        await ctx.redis?.stop();
    });
    test('PHP waits for the cluster as long as it sees; the other node counts from when it has read', async () => {
        ctx.redis = await Redis.start();
        ctx.wire = await Wire.start(ctx.redis.port);
        ctx.nodes = await Nodes.start(2, { redis: ctx.redis.url, each: (i) => (i === 0 ? { redis: { url: ctx.wire.url } } : {}), sections: { cluster: { node_timeout: 30 } } });
        const ipc = await Ipc.open(ctx.nodes.at(0).socket, APP);
        const client = await Client.open(ctx.nodes.at(1), { app: APP });
        ctx.open = [() => ipc.close(), () => client.destroy()];
        await client.subscribe('waits');
        const before = await Promise.all(ctx.nodes.all.map(histograms));
        ctx.wire.delay = 400;
        let outside = 0;
        for (let n = 0; n < 3; n++) {
            const start = performance.now();
            await ipc.confirmed({ channel: 'waits' });
            outside += (performance.now() - start) / 1000;
            await client.expect('E');
        }
        ctx.wire.delay = 0;
        const [first, second] = (await Promise.all(ctx.nodes.all.map(histograms))).map((one, i) => since(before[i], one));
        assert.deepEqual([first.answer.n, first.delivery.n, second.delivery.n], [3, 0, 3]);
        assert.ok(outside > 1, `${outside} s: the replies are late`);
        between(first.answer.seconds, 0.7 * outside, outside + SLACK, 'answers');
        between(second.delivery.seconds, 0, outside, 'deliveries of the other node');
    });
});
