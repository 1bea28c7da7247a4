// What users of Laravel Reverb complain of in its issue tracker, asked of this server: a test for each complaint that one node can
// answer. The numbers are those of laravel/reverb.
//
// Not here: what concerns several nodes (#331, #273, #401, #258, #118 to #160, #305, #270 with scaling), webhooks (#64, #185, #243),
// PHP's side (#145, #200, #161, #139, #254; laravel tests), TLS (#93, #170; TLS tests), a server that is down (drivers.test.mjs).
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { get, post, send } from '../lib/api.mjs';
import { APP, APP2, Daemon } from '../lib/daemon.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, PING, PONG, Raw, clientFrame, quiet, settle } from '../lib/ws.mjs';

const sanitized = /[/](asan|tsan)[/]|san/.test(daemonPath);

for (const workers of [1, 3]) {
    describe(`1,200 connections (workers=${workers})`, () => {
        const COUNT = 1200;
        const channel = unique();
        const clients = [];
        let daemon;

        before(async () => {
            daemon = await Daemon.start({ workers });
            while (clients.length < COUNT) {
                clients.push(...(await Promise.all(Array.from({ length: 100 }, async () => {
                    const client = await Client.open(daemon, { app: APP });
                    await client.subscribe(channel);
                    return client;
                }))));
            }
        });
        after(async () => {
            for (const client of clients) client.destroy();
            await daemon?.stop();
        });

        test('#269: more than 1,024 descriptors: clients beyond are served, publishers too', async () => {
            assert.ok(readdirSync(`/proc/${daemon.pid}/fd`).length > 1024 + 100);
            assert.equal((await post(daemon, '/events', { name: 'E', channel, data: '1' })).body, '{}');
            await Promise.all(clients.map((client) => client.expect('E', channel)));
            const late = await Client.open(daemon, { app: APP });
            await late.sync();
            late.destroy();
            assert.deepEqual((await get(daemon, `/channels/${channel}`, { query: { info: 'subscription_count' } })).json, { occupied: true, subscription_count: COUNT });
        });

        test('#116, #331: idle above 1,000 connections the processor is idle', async () => {
            const ticks = () => readFileSync(`/proc/${daemon.pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((sum, n) => sum + Number(n), 0);
            const wakeups = () => readdirSync(`/proc/${daemon.pid}/task`).reduce((sum, task) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/task/${task}/status`, 'utf8'))[1]), 0);
            await Promise.all(clients.map((client) => client.sync()));
            const before = { ticks: ticks(), wakeups: wakeups() };
            await new Promise((done) => setTimeout(done, 2000));
            const spent = { ticks: ticks() - before.ticks, wakeups: wakeups() - before.wakeups };
            // One that turns in circles takes 200 ticks in this time, or wakes up thousands of times. A busy machine makes both fewer.
            assert.ok(spent.ticks <= 20, JSON.stringify(spent));
            assert.ok(spent.wakeups <= 200 * workers, JSON.stringify(spent));
        });

        test('#145, #148: memory does not grow with the events', sanitized ? { skip: 'a sanitizer keeps freed memory' } : {}, async () => {
            const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))[1]);
            const round = async () => {
                for (let i = 0; i < 20; i++) {
                    await post(daemon, '/batch_events', { batch: Array.from({ length: 100 }, (_, n) => ({ name: 'E', channel: `other-${i}-${n}`, data: 'x'.repeat(1000) })) });
                }
            };
            await round();
            const warm = rss();
            await round();
            await round();
            assert.ok(rss() - warm < 2000, `${warm} KB grew to ${rss()} KB over 4,000 events`);
        });
    });
}

suite('complaints', { workers: [1, 3], sections: { 'app "app1"': { client_event_rate: 5 } } }, (ctx) => {
    const trigger = (channel, name = 'E', more = {}) => post(ctx.daemon, '/events', { name, channel, data: '1', ...more });

    test('#246: toOthers leaves the sender out, on whatever worker it is, and only the sender', async () => {
        const channel = unique();
        const clients = [];
        for (let i = 0; i < 6; i++) {
            const client = await ctx.open();
            await client.subscribe(channel);
            clients.push(client);
        }
        for (const sender of clients) {
            await trigger(channel, 'E', { socket_id: sender.socketId });
            for (const client of clients) if (client !== sender) await client.expect('E', channel);
        }
        await quiet(ctx.ipc, ...clients);
    });

    test('#270: a whisper is received once', async () => {
        const channel = unique('private');
        const clients = [];
        for (let i = 0; i < 6; i++) {
            const client = await ctx.open();
            await client.subscribe(channel);
            clients.push(client);
        }
        clients[0].send({ event: 'client-x', channel, data: {} });
        for (const client of clients.slice(1)) await client.expect('client-x', channel);
        await quiet(ctx.ipc, ...clients);
    });

    test('#272: nobody whispers into a private channel without being its member', async () => {
        for (const prefix of ['private', 'presence']) {
            const channel = unique(prefix);
            const member = await ctx.open();
            await member.subscribe(channel, prefix === 'presence' ? { data: { user_id: 1 } } : {});
            const stranger = await ctx.open();
            stranger.send({ event: 'client-x', channel, data: {}, user_id: '1' });
            await stranger.error(4009);
            stranger.send({ event: 'pusher:subscribe', data: { channel, auth: `${APP.key}:${'0'.repeat(64)}`, channel_data: '{"user_id":2}' } });
            await stranger.refused(channel);
            stranger.send({ event: 'client-x', channel, data: {} });
            await stranger.error(4009);
            await quiet(ctx.ipc, member, stranger);
        }
    });

    test('#341: whispers of one application while another one is used', async () => {
        const channel = unique('private');
        const [a, b, other] = [await ctx.open(), await ctx.open(), await ctx.open({ app: APP2 })];
        for (const client of [a, b, other]) await client.subscribe(channel);
        for (let i = 0; i < 3; i++) {
            await post(ctx.daemon, '/events', { name: 'E', channel, data: '1' }, { app: APP2 });
            await other.expect('E', channel);
            a.send({ event: 'client-x', channel, data: i });
            assert.equal((await b.expect('client-x', channel)).data, String(i));
        }
        await quiet(ctx.ipc, a, b, other);
    });

    test('#291, #89, #237: malformed messages end nothing but themselves', async () => {
        const channel = unique();
        const innocent = await ctx.open();
        await innocent.subscribe(channel);
        for (const message of [
            '', '{', 'null', '[]', '0', '"', '{"event":null}', '{"event":"pusher:subscribe"}', '{"event":"pusher:subscribe","data":{}}',
            '{"event":"pusher:subscribe","data":{"channel":""}}', '{"event":"pusher:subscribe","data":{"channel":null}}',
            '{"event":"pusher:subscribe","data":{"channel":"private-x"}}', '{"event":"pusher:subscribe","data":{"channel":"private-x","auth":""}}',
            '{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"key1:","channel_data":""}}', '{"event":"pusher:unsubscribe","data":""}',
            '{"event":"client-","channel":"","data":""}', '{"event":"client-x","channel":{},"data":null}', '{"event":"pusher:signin","data":{}}',
            '{"event":"","data":""}', `{"event":"pusher:subscribe","data":{"channel":"${'x'.repeat(5000)}"}}`,
        ]) {
            const client = await ctx.dial();
            await client.established();
            client.send(message);
            client.socket.end();
            await client.ended;
        }
        await trigger(channel);
        await innocent.expect('E', channel);
        await quiet(ctx.ipc, innocent);
    });

    test('#118, #119, #121: what is wrong is said with its reason and counted, never "Internal server error"', async () => {
        const invalid = async () => (await ctx.daemon.metrics()).get('api_refused_total', 'invalid');
        const before = await invalid();
        const bodies = ['', '{', 'null', '[]', '{}', '{"name":1}', '{"name":"E","channel":"a b","data":"1"}', '{"name":"E","channel":[],"data":"1"}', '{"name":"E","channel":"c","data":{}', '{"name":"E","channel":"c","data":"\\ud800"}'];
        for (const rest of ['/events', '/batch_events']) {
            for (const body of bodies) {
                const response = await post(ctx.daemon, rest, body);
                assert.ok(response.status >= 400 && response.status < 500, `${rest} ${body}: ${response.status}`);
                assert.ok(response.json?.error?.length > 5, `${rest} ${body}: ${response.body}`);
            }
        }
        for (const path of ['/apps', '/apps/x/channels', '/app/', '/apps//events', '/%', '/apps/app1/channels/%zz']) {
            const response = await send(ctx.daemon, 'GET', path);
            assert.ok(response.status >= 400 && response.status < 500, `${path}: ${response.status}`);
            assert.equal(response.headers['content-length'], String(Buffer.byteLength(response.body)));
        }
        assert.ok((await invalid()) - before >= 2 * bodies.length, 'refusals are counted');
    });

    test('#211, #96, #83, #218: 90 KB are published; what is too large is a 413 that names the limit', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        assert.equal((await trigger(channel, 'E', { data: 'x'.repeat(90_000) })).status, 200);
        assert.equal((await client.expect('E', channel)).data.length, 90_000);
        const response = await trigger(channel, 'E', { data: 'x'.repeat(110_000) });
        assert.equal(response.status, 413);
        assert.match(response.json.error, /max_event_size/);
    });

    test('#399: terminate_connections ends every socket of the user, whatever else they and others are subscribed to', async () => {
        const room = unique('presence');
        const id = unique('user');
        const [one, two, plain, other] = [await ctx.open(), await ctx.open(), await ctx.open(), await ctx.open()];
        // Reverb failed as soon as a socket had a public or private channel first.
        for (const client of [one, two, plain]) await client.subscribe(unique());
        for (const client of [one, two]) await client.subscribe(room, { data: { user_id: id } });
        await other.subscribe(unique('private'));
        assert.equal((await post(ctx.daemon, `/users/${id}/terminate_connections`, {})).body, '{}');
        for (const client of [one, two]) {
            const got = [];
            for (let message = await client.next(); message.event !== 'pusher:error'; message = await client.next()) got.push(message.event);
            assert.ok(got.every((event) => event === 'pusher_internal:member_removed'), String(got));
            await client.closedWith(4009);
        }
        await quiet(ctx.ipc, plain, other);
    });

    test('#213, #130: user_count counts users, subscription_count sockets', async () => {
        const room = unique('presence');
        for (const id of ['1', '1', '1', '2']) {
            const client = await ctx.open();
            await client.subscribe(room, { data: { user_id: id } });
        }
        assert.deepEqual((await get(ctx.daemon, `/channels/${room}`, { query: { info: 'user_count' } })).json, { occupied: true, user_count: 2 });
        const list = await get(ctx.daemon, '/channels', { query: { filter_by_prefix: room, info: 'user_count' } });
        assert.deepEqual(list.json.channels[room], { user_count: 2 });
    });

    test('#313, #190: health for load balancers', async () => {
        assert.equal((await send(ctx.daemon, 'GET', '/up')).body, '{"health":"OK"}');
        const ready = await ctx.daemon.http('/health/ready', { port: ctx.daemon.adminPort });
        const live = await ctx.daemon.http('/health/live', { port: ctx.daemon.adminPort });
        assert.deepEqual([ready.status, live.status], [200, 200]);
    });

    test('#172: metrics for Prometheus, on the admin listener only', async () => {
        const metrics = await ctx.daemon.metrics();
        for (const name of ['fanfare_connections', 'fanfare_published_total', 'fanfare_messages_sent_total']) assert.ok(metrics.text.includes(name), name);
        assert.equal((await send(ctx.daemon, 'GET', '/metrics')).status, 404);
    });

    test('#307: the rate of client events is bounded for each connection, and others are not concerned', async () => {
        const channel = unique('private');
        const [loud, calm, third] = [await ctx.open(), await ctx.open(), await ctx.open()];
        for (const client of [loud, calm, third]) await client.subscribe(channel);
        for (let i = 0; i < 30; i++) loud.send({ event: 'client-loud', channel, data: i });
        const [refused, heard, also] = await settle(ctx.ipc, loud, calm, third);
        assert.ok(refused.length > 0 && refused.every((message) => message.data.code === 4301), `${refused.length} were refused`);
        assert.deepEqual([heard.length, also.length], [30 - refused.length, 30 - refused.length]);
        calm.send({ event: 'client-calm', channel, data: 1 });
        await third.expect('client-calm', channel);
    });

    test('#245, #260: one slow reader does not hold up the others', async () => {
        const channel = unique();
        const [slow, fast] = [await ctx.open(), await ctx.open()];
        for (const client of [slow, fast]) await client.subscribe(channel);
        slow.socket.pause();
        for (let i = 0; i < 40; i++) await trigger(channel, `E${i}`, { data: 'x'.repeat(50_000) });
        for (let i = 0; i < 40; i++) await fast.expect(`E${i}`, channel);
        slow.socket.resume();
        for (let i = 0; i < 40; i++) await slow.expect(`E${i}`, channel);
    });

    test('a frame in the same segment as the request head is served; a failed handshake gets an answer and the end', async () => {
        const client = await ctx.dial({ glue: clientFrame('{"event":"pusher:ping"}') });
        await client.established();
        await client.expect('pusher:pong');
        const raw = await Raw.connect(ctx.daemon.port);
        raw.write(`GET /app/${APP.key} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n`);
        assert.ok((await raw.response()).status >= 400);
        await raw.ended;
    });
});

describe('complaints about dead and living sockets', { concurrency: true }, () => {
    const options = { workers: 2, sections: { limits: { ping_interval: 1, pong_timeout: 1 } } };
    const around = (body) => async () => {
        const daemon = await Daemon.start(options);
        const clients = [];
        try {
            await body(daemon, async () => {
                const client = await Client.open(daemon, { app: APP });
                clients.push(client);
                return client;
            });
        } finally {
            for (const client of clients) client.destroy();
            await daemon.stop();
        }
    };

    test('#375: idle sockets without a subscription are pinged, ended and given back', around(async (daemon, open) => {
        const clients = await Promise.all(Array.from({ length: 20 }, open));
        assert.equal((await get(daemon, '/connections')).json.connections, 20);
        for (const client of clients) {
            await client.expect('pusher:ping');
            await client.error(4201);
            await client.closedWith(4201);
        }
        await until(async () => (await get(daemon, '/connections')).json.connections === 0, 'no connection to be left');
    }));

    test('#224: clients that live by control pings and pongs stay', around(async (daemon, open) => {
        const client = await open();
        client.write(clientFrame('', { opcode: PING }));
        for (let pings = 0; pings < 3;) {
            const frame = await client.frame();
            assert.ok(frame.ping || frame.pong, JSON.stringify(frame));
            if (!frame.ping) continue;
            pings++;
            client.write(clientFrame(frame.ping, { opcode: PONG }));
        }
        await client.sync();
    }));
});

test('#343, #202, #115, #107: with a path prefix neither /app nor /apps is taken, and signatures are right', async () => {
    const daemon = await Daemon.start({ sections: { server: { path_prefix: '/broadcast/ws' } } });
    try {
        assert.equal((await send(daemon, 'GET', '/app')).status, 404);
        assert.equal((await send(daemon, 'GET', `/app/${APP.key}`)).status, 404);
        assert.equal((await get(daemon, '/channels', { prefix: '/broadcast/ws' })).body, '{"channels":{}}');
        const client = await Client.open(daemon, { app: APP, path: `/broadcast/ws/app/${APP.key}?protocol=7` });
        client.destroy();
    } finally {
        await daemon.stop();
    }
});
