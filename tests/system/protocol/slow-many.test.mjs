// A thousand slow consumers at once: they cost bounded memory, each is ended for a counted reason, and the others notice nothing.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { daemonPath } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';

const SLOW = 1000, FAST = 20, ROUNDS = 100;
const sanitized = /[/](asan|tsan)[/]|san/.test(daemonPath);

/** The most memory that the daemon has held since mark(), in KB; a sanitizer's own is not of interest. */
const memory = (ctx) => ({
    mark: () => writeFileSync(`/proc/${ctx.daemon.pid}/clear_refs`, '5'),
    peak: () => (sanitized ? 0 : Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${ctx.daemon.pid}/status`, 'utf8'))[1])),
});

async function counted(ctx) {
    const metrics = await ctx.daemon.metrics();
    return Object.fromEntries(['output_hard', 'output_soft', 'output_total'].map((limit) => [limit, metrics.get('slow_consumers_total', limit)]));
}

/** Clients that are subscribed to what `channel(i)` says and read nothing any more. */
async function slowClients(ctx, channel) {
    const clients = [];
    while (clients.length < SLOW) {
        const some = await Promise.all(Array.from({ length: 100 }, () => ctx.open()));
        await Promise.all(some.map((client, i) => client.subscribe(channel(clients.length + i))));
        for (const client of some) client.socket.pause();
        clients.push(...some);
    }
    return clients;
}

/**
 * Publishes rounds, each of which every fast client must have before the next one, until enough slow ones are gone.
 * publish(i) sends round i, and with it '<i>:...' to the channel of the fast ones.
 */
async function rounds(ctx, fastChannel, enough, publish) {
    const fast = await Promise.all(Array.from({ length: FAST }, () => ctx.open()));
    await Promise.all(fast.map((client) => client.subscribe(fastChannel)));
    const { mark, peak } = memory(ctx);
    mark();
    const before = peak();
    let gone = 0;
    for (let i = 0; i < ROUNDS && gone < enough; i++) {
        await publish(i);
        for (const client of fast) assert.equal((await client.expect('E', fastChannel)).data.split(':')[0], String(i));
        if (i % 5 === 4) gone = Object.values(await counted(ctx)).reduce((sum, n) => sum + n);
    }
    assert.ok(gone >= enough, `after ${ROUNDS} rounds ${JSON.stringify(await counted(ctx))} of ${SLOW} slow consumers are gone`);
    for (const client of fast) await client.sync();
    return { grown: peak() - before, fast };
}

const connections = async (ctx) => {
    const metrics = await ctx.daemon.metrics();
    return metrics.get('connections_opened_total') - metrics.get('connections_closed_total');
};

// jemalloc keeps freed pages for seconds; here what is in use shall be seen.
const env = { MALLOC_CONF: 'dirty_decay_ms:0,muzzy_decay_ms:0' };
const small = { max_event_size: '32K', mailbox_high: '1M', output_soft: 0, output_soft_seconds: 0 };

suite('a thousand slow consumers of one channel', { workers: [1, 3], env, sections: { limits: { ...small, output_hard: '256K', output_total: 0 } } }, (ctx) => {
    test('are ended by output_hard, and share what waits for them', async () => {
        const channel = unique();
        const slow = await slowClients(ctx, () => channel);
        const { grown, fast } = await rounds(ctx, channel, SLOW, async (i) => {
            await ctx.ipc.publish({ channel, data: `${i}:${'x'.repeat(16_000)}` });
        });
        assert.ok(grown < 12_000, `grew by ${grown} KB: it is one queue of 256 KiB for a thousand`);
        assert.deepEqual(await counted(ctx), { output_hard: SLOW, output_soft: 0, output_total: 0 });
        assert.equal(await connections(ctx), FAST);
        assert.equal((await ctx.ipc.publish({ channel })).recipients, FAST);
        for (const client of [...slow, ...fast]) client.destroy();
    });
});

suite('a thousand slow consumers of a channel each', { workers: [1, 3], env, sections: { limits: { ...small, output_hard: '64M', output_total: '8M' } } }, (ctx) => {
    // The last ones may stay: what waits for them alone is within the limit.
    test('are ended by output_total, the sum of all that waits', async () => {
        const prefix = unique();
        const slow = await slowClients(ctx, (i) => `${prefix}-${i}`);
        const data = 'x'.repeat(30_000);
        const { grown, fast } = await rounds(ctx, `${prefix}-fast`, SLOW - 50, async (i) => {
            for (let first = 0; first < SLOW; first += 100) {
                const channels = Array.from({ length: 100 }, (_, j) => `${prefix}-${first + j}`);
                await ctx.ipc.publish({ channels, data });
            }
            await ctx.ipc.publish({ channel: `${prefix}-fast`, data: `${i}:${data}` });
        });
        const limit = ctx.workers * 8 * 1024;
        assert.ok(grown < limit + 16_000, `grew by ${grown} KB, ${limit} KB may wait`);
        const { output_total: ended, ...others } = await counted(ctx);
        assert.deepEqual(others, { output_hard: 0, output_soft: 0 });
        assert.equal(await connections(ctx), FAST + SLOW - ended);
        for (const client of [...slow, ...fast]) client.destroy();
    });
});
