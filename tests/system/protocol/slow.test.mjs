// Slow consumers: ended for a counted reason, without harm to the others and without eating memory.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** Publishes 90 KB messages until the predicate holds, reading at the fast client. */
async function flood(ctx, channel, fast, done) {
    const data = 'x'.repeat(90_000);
    for (let i = 0; i < 2000; i++) {
        await ctx.ipc.publish({ channel, data });
        assert.equal((await fast.expect('E', channel)).data.length, 90_000);
        if (i % 5 === 4 && (await done())) return i + 1;
    }
    throw new Error('2,000 messages of 90 KB and nobody was found slow');
}

suite('a backlog over output_hard', { workers: [1, 3], sections: { limits: { output_hard: '1M', output_soft: '512K', output_soft_seconds: 60 } } }, (ctx) => {
    test('ends that client alone, at once, and is counted', async () => {
        const channel = unique();
        const fast = await ctx.open();
        const slow = await ctx.open();
        await fast.subscribe(channel);
        await slow.subscribe(channel);
        slow.socket.pause();
        const before = rss(ctx.daemon.pid);
        await flood(ctx, channel, fast, async () => (await ctx.daemon.metrics()).get('slow_consumers_total', 'output_hard') === 1);
        assert.ok(rss(ctx.daemon.pid) - before < 50_000);
        assert.equal((await ctx.ipc.publish({ channel, data: '1' })).recipients, 1);
        await fast.expect('E');
        slow.socket.resume();
        await slow.ended;
    });
});

suite('a backlog over output_soft', { workers: [1, 3], sections: { limits: { output_soft: '64K', output_soft_seconds: 1, output_hard: '64M' } } }, (ctx) => {
    test('that takes nothing for output_soft_seconds ends that client', async () => {
        const channel = unique();
        const fast = await ctx.open();
        const slow = await ctx.open();
        await fast.subscribe(channel);
        await slow.subscribe(channel);
        slow.socket.pause();
        // Fill the kernel's buffers and more, then say nothing: time alone must end it.
        for (let i = 0; i < 150; i++) {
            await ctx.ipc.publish({ channel, data: 'x'.repeat(90_000) });
            await fast.expect('E');
        }
        await until(async () => (await ctx.daemon.metrics()).get('slow_consumers_total', 'output_soft') === 1, 'the slow consumer to be ended');
        await fast.sync();
        slow.destroy();
    });
    test('a client that reads slowly but steadily stays and misses nothing', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        client.socket.pause();
        const total = 100;
        const sending = (async () => {
            for (let i = 0; i < total; i++) await ctx.ipc.publish({ channel, data: `${i}:${'x'.repeat(90_000)}` });
        })();
        let timer;
        const trickle = new Promise((done) => {
            timer = setInterval(() => {
                client.socket.resume();
                setImmediate(() => client.socket.pause());
                if (client.closed || client.frames.waiting.length >= total) done();
            }, 20);
        });
        await sending;
        await trickle;
        clearInterval(timer);
        client.socket.resume();
        for (let i = 0; i < total; i++) assert.equal((await client.expect('E')).data.split(':')[0], String(i));
    });
});

suite('the sum over output_total', { sections: { limits: { output_total: '8M', output_hard: '64M', output_soft: 0, output_soft_seconds: 0 } } }, (ctx) => {
    test('ends the oldest backlog first', async () => {
        const channel = unique();
        const fast = await ctx.open();
        await fast.subscribe(channel);
        const slow = [];
        for (let i = 0; i < 3; i++) {
            const client = await ctx.open();
            await client.subscribe(channel);
            client.socket.pause();
            slow.push(client);
        }
        await flood(ctx, channel, fast, async () => (await ctx.daemon.metrics()).get('slow_consumers_total', 'output_total') >= 1);
        await fast.sync();
        for (const client of slow) client.destroy();
    });
});

suite('a client that does not read its own answers', { workers: [1, 3], sections: { limits: { ping_interval: 2, pong_timeout: 2 } } }, (ctx) => {
    test('is read no more, is ended when it takes nothing for long, and costs nobody else anything', async () => {
        const good = await ctx.open();
        const evil = await ctx.open();
        evil.socket.pause();
        const pings = Buffer.concat(Array.from({ length: 2000 }, () => {
            const text = Buffer.from('{"event":"pusher:ping"}');
            return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
        }));
        const timer = setInterval(() => !evil.closed && evil.socket.writableLength < 1 << 20 && evil.socket.write(pings), 1);
        await until(async () => {
            await good.sync();
            const metrics = await ctx.daemon.metrics();
            return metrics.get('flow_held_total', 'unread') > 0 && metrics.get('timeouts_total', 'pong') > 0;
        }, 'the client to be ended', 60_000).finally(() => clearInterval(timer));
        evil.destroy();
        await good.sync();
    });
});
