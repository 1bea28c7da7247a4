// Order: what one publisher publishes reaches every subscriber in that order, whatever the number of workers.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, twoNodes } from '../lib/daemon.mjs';
import * as ipc from '../lib/ipc.mjs';
import { Ipc, frame } from '../lib/ipc.mjs';
import { long } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';

// Nobody says anything for long on a slow build, and shall not be pinged for it.
suite('order', { workers: [1, 3], sections: { limits: { ping_interval: 600 } } }, (ctx) => {
    test('10,000 messages of each of four publishers, pipelined, to twelve subscribers', long, async () => {
        const channel = unique();
        const clients = await Promise.all(Array.from({ length: 12 }, () => ctx.open()));
        for (const client of clients) await client.subscribe(channel);
        const publishers = await Promise.all([0, 1, 2, 3].map(() => Ipc.open(ctx.daemon.socket, APP)));
        const total = 10_000;

        const sending = publishers.map(async (publisher, p) => {
            // Never more than 256 unanswered, as every client of the protocol.
            let sent = 0;
            let acked = 0;
            while (acked < total) {
                const chunk = [];
                while (sent < total && sent - acked < 256) {
                    sent++;
                    chunk.push(frame([ipc.PUBLISH, sent, ...Ipc.message({ channel, event: `p${p}`, data: String(sent) })]));
                }
                if (chunk.length) publisher.write(Buffer.concat(chunk));
                const answer = await publisher.inbox.take();
                assert.equal(answer[0], ipc.ACK, JSON.stringify(answer));
                assert.equal(answer[1], acked + 1, 'acks come in order');
                if (!twoNodes) assert.equal(answer[3], clients.length); // of both only where the cluster acknowledges
                acked++;
            }
        });

        let reference;
        const receiving = clients.map(async (client) => {
            const next = [1, 1, 1, 1];
            const order = [];
            for (let i = 0; i < 4 * total; i++) {
                const frame_ = await client.frame();
                const match = /^\{"event":"p(\d)","data":"(\d+)"/.exec(frame_.text ?? '');
                assert.ok(match, JSON.stringify(frame_));
                assert.equal(Number(match[2]), next[match[1]]++, `publisher ${match[1]}`);
                order.push(match[1]);
            }
            // Every subscriber sees the publishers interleaved in the same way: the hub gives a channel one order.
            reference ??= order.join('');
            assert.ok(order.join('') === reference, 'one order for all');
        });
        await Promise.all([...sending, ...receiving]);
        for (const publisher of publishers) publisher.close();
    });

    test('over several channels: one connection sees one publisher in order across them', async () => {
        const channels = [unique(), unique('private'), unique()];
        const client = await ctx.open();
        for (const channel of channels) await client.subscribe(channel);
        for (let i = 0; i < 300; i++) ctx.ipc.publish({ channel: channels[i % 3], data: String(i) });
        for (let i = 0; i < 300; i++) assert.equal((await client.expect('E')).data, String(i));
    });

    test('batches and single publishes keep their order', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        let n = 0;
        const all = [];
        for (let i = 0; i < 50; i++) {
            all.push(ctx.ipc.publish({ channel, data: String(n++) }));
            all.push(ctx.ipc.batch(Array.from({ length: 20 }, () => ({ channel, data: String(n++) }))));
        }
        for (let i = 0; i < n; i++) assert.equal((await client.expect('E')).data, String(i));
        await Promise.all(all);
    });

    test('large and small messages mixed keep their order', async () => {
        const channel = unique();
        const clients = await Promise.all([1, 2, 3, 4].map(() => ctx.open()));
        for (const client of clients) await client.subscribe(channel);
        const all = [];
        for (let i = 0; i < 200; i++) all.push(ctx.ipc.publish({ channel, data: `${i}:${'x'.repeat(i % 5 === 0 ? 90_000 : 10)}` }));
        for (const client of clients) for (let i = 0; i < 200; i++) assert.equal((await client.expect('E')).data.split(':')[0], String(i));
        await Promise.all(all);
    });
});
