// Pings of every open socket, by the kind of ping that it understands, and the end of dead ones.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { long } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { PING, PONG, clientFrame } from '../lib/ws.mjs';

const limits = { ping_interval: 1, pong_timeout: 1, activity_timeout: 7 };

suite('liveness', { workers: [1, 3], sections: { limits } }, (ctx) => {
    test('activity_timeout is told to the client', async () => {
        const client = await ctx.dial();
        const message = await client.established();
        assert.equal(JSON.parse(message.data).activity_timeout, 7);
    });

    test('a silent socket is pinged, subscribed or not, and ended with 4201', async () => {
        const started = Date.now();
        const channel = unique();
        const idle = await ctx.open();
        const subscribed = await ctx.open();
        await subscribed.subscribe(channel);
        for (const client of [idle, subscribed]) {
            assert.equal((await client.next()).text, '{"event":"pusher:ping"}');
            await client.error(4201, 'Pong reply not received in time');
            await client.closedWith(4201);
        }
        assert.ok(Date.now() - started < 6000, 'gone within ping_interval + pong_timeout and a little');
        assert.equal((await ctx.ipc.publish({ channel })).recipients, 0);
        assert.ok((await ctx.daemon.metrics()).get('timeouts_total', 'pong') >= 2);
    });

    test('an answering socket stays, whatever it answers with', async () => {
        const answers = ['{"event":"pusher:pong"}', '{"event":"pusher:ping","data":{}}', 'nonsense', '{"event":"x","channel":"c"}'];
        await Promise.all(
            answers.map(async (answer) => {
                const client = await ctx.open();
                for (let pings = 0; pings < 3; ) {
                    const message = await client.next();
                    if (message.event === 'pusher:ping') {
                        pings++;
                        client.send(answer);
                    } else assert.ok(['pusher:pong', 'pusher:error'].includes(message.event), message.text);
                    if (message.event === 'pusher:error') assert.equal(message.data.code, 4200);
                }
                client.destroy();
            }),
        );
    });

    test('a client that used control frames is pinged by control frames', long, async () => {
        for (const opcode of [PING, PONG]) {
            const client = await ctx.open();
            client.write(clientFrame('x', { opcode }));
            if (opcode === PING) assert.equal((await client.frame()).pong?.toString(), 'x');
            for (let i = 0; i < 2; i++) {
                const frame = await client.frame('a control ping');
                assert.ok(frame.ping, JSON.stringify(frame));
                client.write(clientFrame(frame.ping, { opcode: PONG }));
            }
            assert.ok((await client.frame()).ping);
            await client.error(4201);
            await client.closedWith(4201);
        }
    });

    test('traffic to a client is no sign of its life', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const timer = setInterval(() => ctx.ipc.publish({ channel }).catch(() => {}), 100);
        try {
            for (;;) {
                const frame = await client.frame();
                if (frame.close) {
                    assert.equal(frame.close, 4201);
                    break;
                }
                assert.ok(!frame.end, 'a close frame first');
            }
        } finally {
            clearInterval(timer);
        }
    });

    test('a dead member leaves its presence channel', async () => {
        const channel = unique('presence');
        const ann = await ctx.open();
        await ann.subscribe(channel, { data: { user_id: 'ann' } });
        const dead = await ctx.open();
        await dead.subscribe(channel, { data: { user_id: 'dead' } });
        for (let gone = false; !gone; ) {
            const message = await ann.next();
            if (message.event === 'pusher:ping') ann.send('{"event":"pusher:pong"}');
            if (message.event === 'pusher_internal:member_removed') {
                assert.deepEqual(JSON.parse(message.data), { user_id: 'dead' });
                gone = true;
            }
        }
        ann.destroy();
    });

    test('a client that dies without a word costs nothing in the end', async () => {
        const before = (await ctx.daemon.metrics()).get('connections_closed_total');
        const clients = await Promise.all(Array.from({ length: 20 }, () => ctx.open()));
        for (const client of clients) client.socket.pause();
        await until(async () => (await ctx.daemon.metrics()).get('connections_closed_total') >= before + 20, 'twenty connections to be closed');
        for (const client of clients) client.destroy();
    });
});

suite('without an activity_timeout', { sections: { limits: { activity_timeout: 0 } } }, (ctx) => {
    test('pusher-js connects, which takes 0 for a broken handshake', async () => {
        const Pusher = need('pusher-js');
        const client = await ctx.dial();
        assert.equal(JSON.parse((await client.established()).data).activity_timeout, 86400);
        const pusher = new Pusher(APP.key, { cluster: '', wsHost: '127.0.0.1', wsPort: ctx.daemon.plainPort ?? ctx.daemon.port, forceTLS: false, enabledTransports: ['ws'], enableStats: false });
        try {
            await until(() => pusher.connection.state === 'connected', 'pusher-js to connect');
        } finally {
            pusher.disconnect();
        }
    });
});
