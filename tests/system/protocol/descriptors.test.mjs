// No descriptor left: each listener rests instead of spinning, those connected are served, and who waited gets in later. Clients leave
// some to publishers, those some to the admin listener, and that some to fanfared ctl.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { APP } from '../lib/daemon.mjs';
import { done } from '../lib/ctl.mjs';
import { Ipc, frame, hello } from '../lib/ipc.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Raw, handshake } from '../lib/ws.mjs';

const sanitized = /[/](asan|tsan)[/]|san/.test(daemonPath);

suite('out of descriptors on every listener', { workers: [1, 3], descriptors: 64 }, (ctx) => {
    /** CPU time of the daemon in clock ticks of 10 ms. */
    const ticks = () => {
        const fields = readFileSync(`/proc/${ctx.daemon.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
        return Number(fields[11]) + Number(fields[12]);
    };

    const doors = {
        'clients': () => Raw.connect(ctx.daemon.port),
        'publishers': () => Ipc.connect(ctx.daemon.socket),
        'admin requests': () => Raw.connect(ctx.daemon.adminPort),
    };
    for (const [name, connect] of Object.entries(doors)) {
        test(`used up by ${name}`, async () => {
            const channel = unique();
            const client = await ctx.open();
            await client.subscribe(channel);
            const admin = await Raw.connect(ctx.daemon.adminPort);
            const rests = async () => {
                admin.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
                return Number(/^fanfare_accept_rests_total (\d+)$/m.exec((await admin.response()).body)[1]);
            };
            const before = await rests();
            const flood = await Promise.all(Array.from({ length: 80 }, connect));
            const served = async (i) => {
                assert.equal((await ctx.ipc.publish({ channel, data: String(i) })).recipients, 1);
                assert.equal((await client.expect('E', channel)).data, String(i));
            };
            let i = 0;
            while ((await rests()) === before) await served(i++);

            // Whoever asks how it is gets an answer, and so do orders that need descriptors themselves.
            assert.match(await done(ctx.daemon, 'status'), /^state +ready$/m);
            assert.equal(await done(ctx.daemon, 'reload'), 'reloaded\n');
            if (name !== 'admin requests') assert.equal((await ctx.daemon.http('/health/ready', { port: ctx.daemon.adminPort })).status, 200);
            if (name === 'clients') {
                const another = await Ipc.open(ctx.daemon.socket, APP);
                await another.ping();
                another.close();
            }

            // Every listener has somebody at its door now.
            const late = await Raw.connect(ctx.daemon.port);
            late.write(handshake(`/app/${APP.key}?protocol=7`));
            const publisher = await Ipc.connect(ctx.daemon.socket);
            publisher.write(frame(hello(APP)));
            const asked = publisher.ping();
            const scrape = await Raw.connect(ctx.daemon.adminPort);
            scrape.write('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

            // A listener that rests is counted ten times a second and takes next to no time.
            const [start, from] = [ticks(), await rests()];
            await until(async () => (await rests()) >= from + 20, 'twenty rests');
            const now = await rests();
            assert.ok(now < from + 60, `${now - from} rests at once: it spins`);
            const spent = ticks() - start;
            if (!sanitized) assert.ok(spent < 50, `${spent * 10} ms of CPU time while it rested twenty times`);

            for (const one of flood) one.socket.destroy();
            assert.equal((await late.response())?.status, 101);
            await asked;
            assert.equal((await scrape.response())?.status, 200);
            await served(i);
            for (const one of [client, late, admin]) one.destroy();
            publisher.close();
        });
    }
});
