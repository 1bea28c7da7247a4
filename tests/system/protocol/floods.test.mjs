// Floods of sockets that never become clients, and of clients that leave at once: those who mean it get in, and nothing is left behind.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { APP } from '../lib/daemon.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Raw, handshake } from '../lib/ws.mjs';

const sanitized = /[/](asan|tsan)[/]|san/.test(daemonPath);
const HEAD = handshake(`/app/${APP.key}?protocol=7`);

const fds = (ctx) => readdirSync(`/proc/${ctx.daemon.pid}/fd`).length;
const rss = (ctx) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${ctx.daemon.pid}/status`, 'utf8'))[1]);

/** Runs `one` n times, 200 at a time. */
async function many(n, one) {
    let left = n;
    await Promise.all(
        Array.from({ length: 200 }, async () => {
            while (left-- > 0) await one();
        }),
    );
}

/** A socket that has sent these bytes; what it is answered is thrown away. */
async function started(ctx, bytes) {
    const socket = createConnection({ port: ctx.daemon.port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {});
    socket.gone = new Promise((done) => socket.once('close', done));
    socket.resume();
    await deadline(new Promise((done) => socket.once('connect', done)), 'a connection');
    if (bytes) socket.write(bytes);
    return socket;
}

/** A client that comes, works and goes. */
async function good(ctx) {
    const client = await ctx.open();
    const channel = unique();
    await client.subscribe(channel);
    assert.equal((await ctx.ipc.publish({ channel })).recipients, 1);
    await client.expect('E', channel);
    await client.close();
}

const HALF = 10_000;

suite(`${HALF} half-open heads`, { workers: [1, 3], sections: { limits: { header_timeout: 2, max_handshakes: 1000 } } }, (ctx) => {
    test('those over max_handshakes make room for good clients, and time frees the others', async () => {
        await ctx.ipc.ping();
        const idle = fds(ctx);
        const witness = await ctx.open();
        const half = [];
        let gone = 0;
        const slots = 1000 * ctx.workers;
        await many(HALF, async () => {
            const socket = await started(ctx, half.length % 2 ? HEAD.slice(0, 60) : null);
            socket.gone.then(() => gone++);
            half.push(socket);
            if (half.length % 2500 === 0) await Promise.all([good(ctx), witness.sync()]);
        });
        assert.ok(fds(ctx) <= idle + slots + 10, `${fds(ctx)} descriptors with ${slots} handshakes allowed`);
        await good(ctx);
        await until(() => gone === HALF, () => `${HALF - gone} half-open heads to be ended`);
        await witness.sync();
        await good(ctx);
        await witness.close();
        await until(() => fds(ctx) <= idle, 'descriptors to be given back');
        const metrics = await ctx.daemon.metrics();
        assert.equal(metrics.get('timeouts_total', 'head'), HALF);
        assert.equal(metrics.get('connections'), 0);
    });
});

suite('floods of handshakes', { workers: [1, 3] }, (ctx) => {
    const kinds = {
        'sockets that only connect': async () => (await started(ctx)).destroy(),
        'heads and a reset': async () => (await started(ctx, HEAD)).resetAndDestroy(),
        'heads and an end at once': async () => {
            const socket = await started(ctx, HEAD);
            socket.end();
            await deadline(socket.gone, 'the daemon to hang up');
        },
        'handshakes whose answer is read, then a reset': async () => {
            const socket = await started(ctx, HEAD);
            await deadline(new Promise((done) => socket.once('data', done)), 'an answer');
            socket.resetAndDestroy();
        },
        'handshakes with a close frame behind them': async () => {
            const socket = await started(ctx, Buffer.concat([Buffer.from(HEAD), Buffer.from([0x88, 0x80, 0, 0, 0, 0])]));
            await deadline(socket.gone, 'the daemon to hang up');
        },
        'subscriptions behind the head, and a reset': async () => {
            const text = '{"event":"pusher:subscribe","data":{"channel":"flood"}}';
            const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
            (await started(ctx, Buffer.concat([Buffer.from(HEAD), frame]))).resetAndDestroy();
        },
        'no HTTP at all': async () => {
            const socket = await started(ctx, Buffer.from([22, 3, 1, 2, 0, 1, 0]));
            await deadline(socket.gone, 'the daemon to hang up');
        },
    };

    test('leave no slot, descriptor, channel or memory behind', async () => {
        await ctx.ipc.ping();
        const idle = fds(ctx);
        const witness = await ctx.open();
        const round = async () => {
            for (const one of Object.values(kinds)) {
                await many(500, one);
                await witness.sync();
            }
            await until(() => fds(ctx) <= idle + 1, 'descriptors to be given back');
        };
        await round();
        const warm = rss(ctx);
        await round();
        if (!sanitized) assert.ok(rss(ctx) - warm < 4000, `${warm} KB grew to ${rss(ctx)} KB over 3,500 sockets`);
        const metrics = await ctx.daemon.metrics();
        assert.equal(metrics.get('connections_opened_total') - metrics.get('connections_closed_total'), 1);
        assert.equal(metrics.get('connections'), 1);
        assert.equal(metrics.get('app_connections', 'app1') ?? 1, 1);
        assert.equal(metrics.get('channels'), 0);
        assert.equal(metrics.get('timeouts_total', 'head'), 0);
        await good(ctx);
        await witness.close();
    });
});

suite('heads that come byte by byte', { sections: { limits: { header_timeout: 1 } } }, (ctx) => {
    for (const [name, port] of [['public', 'port'], ['admin', 'adminPort']]) {
        test(`gain no time by it on the ${name} listener`, async () => {
            const raw = await Raw.connect(ctx.daemon[port]);
            const timer = setInterval(() => raw.write('x'), 100);
            raw.write('GET /');
            await deadline(raw.ended, 'the daemon to hang up').finally(() => clearInterval(timer));
        });
    }
});
