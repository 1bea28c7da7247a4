// A daemon that was stopped for longer than its time-outs, by SIGSTOP, a debugger or a frozen machine: it must not hold the
// time that it slept itself against anybody.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as pass } from 'node:timers/promises';
import { APP } from '../lib/daemon.mjs';
import { Ipc, frame, hello } from '../lib/ipc.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { steady, until } from '../lib/wait.mjs';
import { Raw, handshake } from '../lib/ws.mjs';

const limits = { ping_interval: 2, pong_timeout: 1, header_timeout: 1, keepalive_timeout: 1, close_timeout: 1 };
const STALL = 1500; // ms; longer than each of them

suite('SIGSTOP for longer than every time-out', { workers: [1, 3], sections: { limits } }, (ctx) => {
    const state = () => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${ctx.daemon.pid}/status`, 'utf8'))[1];
    const stop = async () => {
        ctx.daemon.process.kill('SIGSTOP');
        await until(() => state() === 'T', 'the daemon to be stopped');
    };
    const timeouts = async () => {
        const metrics = await ctx.daemon.metrics();
        return ['pong', 'head', 'close'].map((kind) => metrics.get('timeouts_total', kind));
    };

    /** Answers pings with pongs, and keeps whatever else comes. */
    function alive(client) {
        client.got = [];
        (async () => {
            for (;;) {
                const item = await client.frames.take('anything', 60_000);
                if (item.end) return;
                if (item.text === '{"event":"pusher:ping"}') client.send('{"event":"pusher:pong"}');
                client.got.push(item);
            }
        })().catch(() => {});
        return client;
    }

    test('clients, half a request, an idle HTTP connection and publishers all survive it', async () => {
        const channel = unique();
        const clients = await Promise.all(Array.from({ length: 150 }, () => ctx.open()));
        await Promise.all(clients.map((client) => client.subscribe(channel)));
        // Their pongs arrive while it sleeps, and wait in more sockets than one poll reports.
        await Promise.all(clients.map(async (client) => assert.equal((await client.next()).event, 'pusher:ping')));
        const http = await Raw.connect(ctx.daemon.port);
        http.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
        assert.equal((await http.response()).status, 200);
        const half = await Raw.connect(ctx.daemon.port);
        const request = handshake(`/app/${APP.key}?protocol=7`);
        half.write(request.slice(0, 40));
        await ctx.ipc.ping();
        const before = await timeouts();
        await stop();

        for (const client of clients) alive(client).send('{"event":"pusher:pong"}');
        const early = await Promise.all(Array.from({ length: 40 }, () => Raw.connect(ctx.daemon.port)));
        const late = await Ipc.connect(ctx.daemon.socket);
        const published = Promise.all(Array.from({ length: 20 }, (_, i) => ctx.ipc.publish({ channel, data: String(i) })));
        await pass(STALL);
        ctx.daemon.process.kill('SIGCONT');

        // Who connected during the stall says the rest now, when the daemon has been awake for a moment.
        await ctx.ipc.ping();
        half.write(request.slice(40));
        http.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
        late.write(frame(hello(APP)));
        for (const raw of early) raw.write(handshake(`/app/${APP.key}?protocol=7`));
        for (const receipt of await published) assert.equal(receipt.recipients, clients.length);
        assert.equal((await half.response())?.status, 101);
        assert.equal((await http.response())?.status, 200);
        for (const raw of early) assert.equal((await raw.response())?.status, 101);
        await late.ping();

        await until(() => clients.every((client) => client.got.filter((item) => item.text?.includes(channel)).length === 20), 'all messages at all clients');
        for (const client of clients) {
            const data = client.got.filter((item) => item.text?.includes(channel)).map((item) => JSON.parse(item.text).data);
            assert.deepEqual(data, Array.from({ length: 20 }, (_, i) => String(i)));
            assert.ok(!client.closed && !client.got.some((item) => item.close), JSON.stringify(client.got.slice(-3)));
        }
        assert.deepEqual(await timeouts(), before);
        assert.equal((await ctx.ipc.publish({ channel })).recipients, clients.length);
        for (const raw of [half, http, ...early]) raw.destroy();
        late.close();
        for (const client of clients) client.destroy();
    });

    test('who died meanwhile is found as always', async () => {
        const client = await ctx.open();
        await stop();
        await pass(STALL);
        ctx.daemon.process.kill('SIGCONT');
        assert.equal((await client.next()).event, 'pusher:ping');
        await client.error(4201);
        await client.closedWith(4201);
    });
});

// Data and a reset that are reported at once look to libevent like data alone.
suite('a last message and a reset behind it, in one poll', { workers: [1, 3] }, (ctx) => {
    const state = () => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${ctx.daemon.pid}/status`, 'utf8'))[1];

    for (const [what, send] of Object.entries({
        'a message without an answer': (client) => client.unsubscribe('never'),
        'a pong': (client) => client.send({ event: 'pusher:pong' }),
        'a message with an answer': (client) => client.send({ event: 'pusher:ping' }),
        'half a frame': (client) => client.write(Buffer.from([0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5, 6])),
        nothing: () => {},
    })) {
        test(`${what}: the connection is gone at once, not with its ping`, async () => {
            const channel = unique('presence');
            const client = await ctx.open();
            await client.subscribe(channel, { data: { user_id: 1 } });
            const before = await steady(async () => (await ctx.daemon.metrics()).get('connections'));
            ctx.daemon.process.kill('SIGSTOP');
            await until(() => state() === 'T', 'the daemon to be stopped');
            send(client);
            client.reset();
            await client.ended;
            ctx.daemon.process.kill('SIGCONT');

            await until(async () => (await ctx.daemon.metrics()).get('connections') === before - 1, 'the connection to be gone');
            const other = await ctx.open();
            const { presence } = JSON.parse((await other.subscribe(channel, { data: { user_id: 2 } })).data);
            assert.deepEqual(presence.ids, [2]);
            other.destroy();
        });
    }
});
