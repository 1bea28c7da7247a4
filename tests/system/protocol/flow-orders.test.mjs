// What ends or changes something passes what waits: time-outs, terminations, reloads and the end come while publishers keep the daemon
// as busy as they can.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { APP, Daemon } from '../lib/daemon.mjs';
import * as ipc from '../lib/ipc.mjs';
import { Ipc, frame } from '../lib/ipc.mjs';
import { long } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

suite('orders under flood', { workers: [1, 3], sections: { limits: { header_timeout: 1 } } }, (ctx) => {
    /** Publishers that keep the daemon as busy as they can, until the function that is returned is called. */
    async function busy(channel, n = 3) {
        let over = false;
        const peers = await Promise.all(Array.from({ length: n }, () => Ipc.open(ctx.daemon.socket, APP)));
        const working = peers.map(async (peer, p) => {
            let sent = 0, acked = 0;
            try {
                while (!over) {
                    const chunk = [];
                    while (sent - acked < 200) chunk.push(frame([ipc.PUBLISH, ++sent, ...Ipc.message({ channel, data: `${p}:${sent}:${'x'.repeat(2000)}` })]));
                    if (chunk.length) peer.write(Buffer.concat(chunk));
                    await Promise.race([peer.inbox.take(), peer.ended]);
                    acked++;
                    while (peer.inbox.waiting.length) {
                        await peer.inbox.take();
                        acked++;
                    }
                }
            } catch {
                // the daemon has ended
            }
        });
        return async () => {
            over = true;
            await Promise.all(working);
            peers.forEach((peer) => peer.close());
        };
    }

    async function listeners(channel, n) {
        const clients = await Promise.all(Array.from({ length: n }, () => ctx.open()));
        for (const client of clients) {
            await client.subscribe(channel);
            client.socket.removeAllListeners('data').resume();
        }
        return clients;
    }

    test('time-outs come while publishers are at it', long, async () => {
        const channel = unique();
        const clients = await listeners(channel, 20);
        const end = await busy(channel);
        const silent = createConnection(ctx.daemon.port, '127.0.0.1');
        silent.on('error', () => {}).resume();
        const start = Date.now();
        await once(silent, 'close');
        assert.ok(Date.now() - start < 10_000, `a silent connection lived ${Date.now() - start} ms of 1,000`);
        await end();
        clients.forEach((client) => client.destroy());
    });

    test('a termination passes deliveries, and takes none of those before it away', async () => {
        const channel = unique();
        const crowd = await listeners(channel, 20);
        const end = await busy(channel, 1);
        for (let round = 0; round < 5; round++) {
            const target = await ctx.open();
            const own = unique();
            await target.subscribe(own);
            for (let i = 0; i < 20; i++) ctx.ipc.publish({ channel: own, data: String(i) });
            assert.equal(await ctx.ipc.disconnect(target.socketId), 1);
            for (let i = 0; i < 20; i++) assert.equal((await target.expect('E', own)).data, String(i));
            await target.expect('pusher:error');
            await target.closedWith(4009);
        }
        await end();
        crowd.forEach((client) => client.destroy());
    });

    test('a reload passes deliveries', async () => {
        const channel = unique();
        const crowd = await listeners(channel, 20);
        const end = await busy(channel);
        await ctx.daemon.reload({ limits: { header_timeout: 2 } });
        await end();
        crowd.forEach((client) => client.destroy());
    });

    test('the daemon ends in time', async () => {
        const daemon = await Daemon.start({ workers: ctx.workers, sections: { server: { drain_period: 1 } } });
        const channel = unique();
        const clients = await Promise.all(Array.from({ length: 30 }, () => Client.open(daemon, { app: APP })));
        for (const client of clients) {
            await client.subscribe(channel);
            client.socket.removeAllListeners('data').resume();
        }
        let over = false;
        const peers = await Promise.all([0, 1, 2].map(() => Ipc.open(daemon.socket, APP)));
        const chunk = (seq) => Buffer.concat(Array.from({ length: 100 }, (_, i) => frame([ipc.PUBLISH, seq + i, ...Ipc.message({ channel, data: 'x'.repeat(5000) })])));
        const flooding = peers.map(async (peer) => {
            for (let seq = 1; !over; seq += 100) {
                peer.write(chunk(seq));
                await Promise.race([peer.inbox.take().catch(() => {}), peer.ended]);
                if (peer.socket.destroyed) return;
                while (peer.socket.writableLength > 1 << 20 && !over) await Promise.race([once(peer.socket, 'drain').catch(() => {}), peer.ended, new Promise((done) => setTimeout(done, 100))]);
            }
        });
        await until(async () => (await daemon.metrics()).get('published_total', 'door="ipc"') > 1000, 'the flood to flow');
        const start = Date.now();
        await daemon.stop();
        assert.ok(Date.now() - start < 12_000, `${Date.now() - start} ms`);
        over = true;
        clients.forEach((client) => client.destroy());
        peers.forEach((peer) => peer.close());
        await Promise.all(flooding);
    });
});
