// Every limit at its border: n passes, n + 1 is refused with its code and counted, and nobody else notices. For the node
// and for one application: the smaller limit counts.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { APP, APP2 } from '../lib/daemon.mjs';
import { auth, hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { CONTINUATION, PING, TEXT, clientFrame, quiet, settle } from '../lib/ws.mjs';

/** What the counter of a limit is, now. */
const reached = async (daemon, limit) => (await daemon.metrics()).get('limits_reached_total', `"${limit}"`) ?? 0;

/** The counter moves by exactly n while action runs, and the watcher hears of nothing. */
async function counts(ctx, limit, n, action, orMore = false) {
    const before = await reached(ctx.daemon, limit);
    await action();
    let now;
    await until(async () => (now = await reached(ctx.daemon, limit)) - before === n || (orMore && now - before > n), () => `${limit} to count ${n}, it counted ${now - before}`, 5000);
}

async function subscriptionError(client, channel, type, status) {
    const message = await client.expect('pusher:subscription_error', channel);
    const data = JSON.parse(message.data);
    assert.equal(data.type, type, message.text);
    assert.equal(data.status, status, message.text);
    assert.equal(typeof data.error, 'string');
    return data;
}

async function post(daemon, app, path, body) {
    const text = JSON.stringify(body);
    const query = `auth_key=${app.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0&body_md5=${createHash('md5').update(text).digest('hex')}`;
    const signature = hmac(app.secret, `POST\n${path}\n${query}`);
    const response = await fetch(`http://127.0.0.1:${daemon.port}${path}?${query}&auth_signature=${signature}`, { method: 'POST', body: text, headers: { connection: 'close' } });
    return { status: response.status, json: await response.json() };
}

/** A message of exactly n bytes that is answered with a pong. */
const ping = (n) => {
    const head = '{"event":"pusher:ping","data":{"x":"', tail = '"}}';
    return head + 'x'.repeat(n - head.length - tail.length) + tail;
};

for (const [where, sections] of Object.entries({
    'of the node': { limits: { max_message_size: 300, max_event_size: 500, max_channel_name: 30, max_channels_per_connection: 3, max_event_name: 40, max_batch: 2, max_channels_per_publish: 2 } },
    'of the application': {
        limits: { max_event_name: 40, max_batch: 2, max_channels_per_publish: 2 },
        'app "app1"': { ...{ key: APP.key, secret: APP.secret }, max_message_size: 300, max_event_size: 500, max_channel_name: 30, max_channels_per_connection: 3 },
    },
    'of both, the smaller one': {
        limits: { max_message_size: 300, max_event_size: 5000, max_channel_name: 30, max_channels_per_connection: 1000, max_event_name: 40, max_batch: 2, max_channels_per_publish: 2 },
        'app "app1"': { ...{ key: APP.key, secret: APP.secret }, max_message_size: '1M', max_event_size: 500, max_channel_name: 200, max_channels_per_connection: 3 },
    },
})) {
    suite(`limits ${where}`, { workers: [1, 3], sections }, (ctx) => {
        test('max_message_size', async () => {
            const witness = await ctx.open();
            await counts(ctx, 'max_message_size', 2, async () => {
                const client = await ctx.open();
                client.write(clientFrame(ping(300)));
                await client.expect('pusher:pong');
                client.write(clientFrame(ping(301)));
                await client.closedWith(1009);
                const pieces = await ctx.open();
                for (const [text, after] of [[ping(300), () => pieces.expect('pusher:pong')], [ping(301), () => pieces.closedWith(1009)]]) {
                    pieces.write(clientFrame(text.slice(0, 150), { opcode: TEXT, fin: false }));
                    pieces.write(clientFrame(text.slice(150), { opcode: CONTINUATION }));
                    await after();
                }
            });
            await witness.sync();
        });

        test('max_event_size, through every door', async () => {
            const channel = unique();
            const client = await ctx.open();
            await client.subscribe(channel);
            await counts(ctx, 'max_event_size', 4, async () => {
                assert.equal((await ctx.ipc.publish({ channel, data: 'x'.repeat(500) })).recipients, 1);
                await client.expect('E', channel);
                await assert.rejects(ctx.ipc.publish({ channel, data: 'x'.repeat(501) }), { reason: 'too_large' });
                await assert.rejects(ctx.ipc.batch([{ channel }, { channel, data: 'x'.repeat(501) }]), { reason: 'too_large', index: 1 });
                const event = (n) => ({ name: 'E', channel, data: 'x'.repeat(n) });
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/events', event(500))).status, 200);
                await client.expect('E', channel);
                const refused = await post(ctx.daemon, APP, '/apps/app1/events', event(501));
                assert.equal(refused.status, 413);
                assert.match(refused.json.error, /max_event_size/);
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/batch_events', { batch: [event(1), event(501)] })).status, 413);
            });
            await quiet(ctx.ipc, client);
        });

        test('max_channel_name, subscribing and publishing', async () => {
            const client = await ctx.open();
            const fits = 'n'.repeat(30), long = 'n'.repeat(31);
            await client.subscribe(fits);
            await counts(ctx, 'max_channel_name', 3, async () => {
                client.send({ event: 'pusher:subscribe', data: { channel: long } });
                await subscriptionError(client, long, 'InvalidChannel', 400);
                assert.equal((await ctx.ipc.publish({ channel: fits })).recipients, 1);
                await client.expect('E', fits);
                await assert.rejects(ctx.ipc.publish({ channel: long }), { reason: 'invalid_channel' });
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/events', { name: 'E', channel: fits, data: '1' })).status, 200);
                await client.expect('E', fits);
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/events', { name: 'E', channel: long, data: '1' })).status, 400);
            });
            await quiet(ctx.ipc, client);
        });

        test('max_channels_per_connection', async () => {
            const client = await ctx.open();
            const names = [unique(), unique('presence'), unique('cache')];
            await client.subscribe(names[0]);
            await client.subscribe(names[1], { data: { user_id: '1' } });
            await client.subscribe(names[2]);
            await client.expect('pusher:cache_miss', names[2]);
            await counts(ctx, 'max_channels_per_connection', 3, async () => {
                for (const channel of [unique(), unique('presence'), unique('cache')]) {
                    client.send(client.subscribeMessage(channel, { data: channel.startsWith('presence-') ? '{"user_id":"1"}' : undefined }));
                    await subscriptionError(client, channel, 'LimitReached', 403);
                    assert.equal((await ctx.ipc.publish({ channel })).recipients, 0);
                }
            });
            client.unsubscribe(names[0]);
            await client.subscribe(unique());
        });

        test('max_event_name', async () => {
            const client = await ctx.open();
            const channel = unique('private');
            await client.subscribe(channel);
            await counts(ctx, 'max_event_name', 2, async () => {
                await ctx.ipc.publish({ channel, event: 'e'.repeat(40) });
                await client.expect('e'.repeat(40), channel);
                await assert.rejects(ctx.ipc.publish({ channel, event: 'e'.repeat(41) }), { reason: 'invalid_event' });
                client.send({ event: `client-${'e'.repeat(34)}`, channel, data: 1 });
                await client.error(4301, 'Event name is too long');
            });
        });

        test('max_channels_per_publish and max_batch', async () => {
            const event = (n) => ({ name: 'E', channels: Array.from({ length: n }, (_, i) => `c-${i}`), data: '1' });
            await counts(ctx, 'max_channels_per_publish', 1, async () => {
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/events', event(2))).status, 200);
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/events', event(3))).status, 400);
            });
            const batch = (n) => ({ batch: Array.from({ length: n }, () => ({ name: 'E', channel: 'c', data: '1' })) });
            await counts(ctx, 'max_batch', 1, async () => {
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/batch_events', batch(2))).status, 200);
                assert.equal((await post(ctx.daemon, APP, '/apps/app1/batch_events', batch(3))).status, 400);
            });
        });

        if (where === 'of the application') {
            test('the other application has its own', async () => {
                const client = await ctx.open({ app: APP2 });
                client.write(clientFrame(ping(301)));
                await client.expect('pusher:pong');
                const names = ['n'.repeat(31), unique(), unique(), unique()];
                for (const channel of names) await client.subscribe(channel);
                const ipc = await ctx.ipcOf(APP2);
                assert.equal((await ipc.publish({ channel: names[0], data: 'x'.repeat(501) })).recipients, 1);
            });
        }
    });
}

for (const terminate of ['no', 'yes']) {
    const app1 = { key: APP.key, secret: APP.secret, message_rate: 5, message_rate_terminate: terminate, client_event_rate: 0 };
    suite(`message_rate, terminate = ${terminate}`, { workers: [1, 3], sections: { 'app "app1"': app1 } }, (ctx) => {
        const pings = (n) => Buffer.concat(Array.from({ length: n }, () => clientFrame('{"event":"pusher:ping","data":{}}')));
        const control = (n) => Buffer.concat(Array.from({ length: n }, () => clientFrame('', { opcode: PING })));

        test('a second\'s worth passes at once, one more is refused', async () => {
            const witness = await ctx.open();
            await counts(ctx, 'message_rate', 1, async () => {
                const client = await ctx.open();
                client.write(pings(6)); // in one piece, hence within one turn
                for (let i = 0; i < 5; i++) await client.expect('pusher:pong');
                await client.error(4301, 'Rate limit exceeded');
                if (terminate === 'yes') {
                    await client.closedWith(4301);
                    return;
                }
                // It recovers.
                await until(async () => {
                    client.send({ event: 'pusher:ping', data: {} });
                    return (await client.next()).event === 'pusher:pong';
                }, 'a pong', 5000).catch(assert.fail);
            }, terminate === 'no');
            await witness.sync();
        });

        test('what is refused is not handled', async () => {
            const client = await ctx.open();
            const [a, b] = [unique(), unique()];
            const subscribe = (channel) => clientFrame(JSON.stringify({ event: 'pusher:subscribe', data: { channel } }));
            client.write(Buffer.concat([pings(4), subscribe(a), subscribe(b)]));
            for (let i = 0; i < 4; i++) await client.expect('pusher:pong');
            await client.expect('pusher_internal:subscription_succeeded', a);
            await client.error(4301);
            await ctx.ipc.ping();
            assert.equal((await ctx.ipc.publish({ channel: b })).recipients, 0);
        });

        test('messages that are no protocol of ours are counted too', async () => {
            const client = await ctx.open();
            client.write(Buffer.concat(Array.from({ length: 6 }, () => clientFrame('nonsense'))));
            for (let i = 0; i < 5; i++) await client.error(4200);
            await client.error(4301);
        });

        test('control frames are not, nor is what a join holds back counted twice', async () => {
            const client = await ctx.open();
            const channel = unique('presence');
            client.write(control(20));
            for (let i = 0; i < 20; i++) assert.ok('pong' in (await client.frame()));
            const join = client.subscribeMessage(channel, { data: '{"user_id":"1"}' });
            client.write(Buffer.concat([...Array.from({ length: 5 }, () => clientFrame(JSON.stringify(join)))]));
            for (let i = 0; i < 5; i++) await client.expect('pusher_internal:subscription_succeeded', channel);
            client.write(pings(5));
            for (;;) if ((await client.next()).event === 'pusher:error') break;
        });

        test('the other application has none', async () => {
            const client = await ctx.open({ app: APP2 });
            client.write(pings(200));
            for (let i = 0; i < 200; i++) await client.expect('pusher:pong');
        });
    });
}

suite('max_connections', { workers: [1, 3], sections: { limits: { max_connections: 9 }, 'app "app1"': { key: APP.key, secret: APP.secret, max_connections: 6 } } }, (ctx) => {
    const refused = async (reason) => (await ctx.daemon.metrics()).get('handshakes_refused_total', `reason="${reason}"`) ?? 0;
    /** n at once; those who are in stay. */
    async function crowd(n, app) {
        const clients = await Promise.all(Array.from({ length: n }, () => ctx.dial({ app })));
        const first = await Promise.all(clients.map(async (client) => (await client.response(), client.next())));
        const inside = clients.filter((_, i) => first[i].event === 'pusher:connection_established');
        const codes = first.filter((message) => message.event === 'pusher:error').map((message) => message.data.code);
        return { inside, codes };
    }

    test('of many who come at once exactly as many get in as there are places, round after round', async () => {
        for (let round = 0; round < 5; round++) {
            const [quota, capacity] = [await refused('quota'), await refused('capacity')];
            const own = await crowd(20, APP);
            assert.equal(own.inside.length, 6);
            assert.deepEqual(own.codes, Array(14).fill(4004));
            const others = await crowd(20, APP2);
            assert.equal(others.inside.length, 3);
            assert.deepEqual(others.codes, Array(17).fill(4100));
            assert.equal((await refused('quota')) - quota, 14);
            assert.equal((await refused('capacity')) - capacity, 17);
            await Promise.all([...own.inside, ...others.inside].map((client) => client.close()));
        }
    });
});

suite('presence limits', { workers: [1, 3], sections: { 'app "app1"': { key: APP.key, secret: APP.secret, max_presence_members: 2, max_user_info_size: 20 } } }, (ctx) => {
    const join = (client, channel, id, info) => client.send(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: id, ...(info === undefined ? {} : { user_info: info }) }) }));

    for (const prefix of ['presence', 'presence-cache'])
        test(`members of a ${prefix} channel: a further user is refused, a further tab is not, and a place that frees is taken`, async () => {
            const channel = unique(prefix);
            const clients = [];
            for (const id of ['1', '2', '1']) {
                const client = await ctx.open();
                await client.subscribe(channel, { data: { user_id: id }, auth: auth(APP, client.socketId, channel, JSON.stringify({ user_id: id })) });
                clients.push(client);
            }
            await settle(ctx.ipc, ...clients);
            const third = await ctx.open();
            await counts(ctx, 'max_presence_members', 2, async () => {
                for (let i = 0; i < 2; i++) {
                    join(third, channel, '3');
                    const data = await subscriptionError(third, channel, 'LimitReached', 403);
                    assert.match(data.error, /members/);
                }
            });
            await quiet(ctx.ipc, third, ...clients);
            assert.equal((await ctx.ipc.publish({ channel })).recipients, 3, 'nothing of the refused one is left');
            for (const client of clients) await client.expect('E', channel);
            await quiet(ctx.ipc, third);
            // A tab of the first leaves: the channel is as full as before. Then its last one.
            await clients[0].close();
            await quiet(ctx.ipc, ...clients.slice(1));
            join(third, channel, '3');
            await subscriptionError(third, channel, 'LimitReached', 403);
            await clients[2].close();
            await clients[1].expect('pusher_internal:member_removed', channel);
            const done = await third.subscribe(channel, { data: { user_id: '3' } });
            assert.deepEqual(JSON.parse(done.data).presence.ids, ['2', '3']);
            await clients[1].expect('pusher_internal:member_added', channel);
            if (prefix !== 'presence') await third.expect('E', channel);
            await third.subscribe(unique());
        });

    test('of many who come at once exactly as many get in as there are places', async () => {
        const channel = unique('presence');
        const clients = await Promise.all(Array.from({ length: 12 }, () => ctx.open()));
        clients.forEach((client, i) => join(client, channel, `u${i}`));
        const answers = (await settle(ctx.ipc, ...clients)).map((messages) => messages.find((message) => message.event !== 'pusher_internal:member_added'));
        assert.equal(answers.filter((message) => message.event === 'pusher_internal:subscription_succeeded').length, 2);
        assert.equal(answers.filter((message) => message.event === 'pusher:subscription_error').length, 10);
        assert.equal((await ctx.ipc.publish({ channel })).recipients, 2);
    });

    test('who was refused and leaves takes nobody out', async () => {
        const channel = unique('presence');
        const [a, b] = [await ctx.open(), await ctx.open()];
        await a.subscribe(channel, { data: { user_id: 'a' } });
        await b.subscribe(channel, { data: { user_id: 'b' } });
        await a.expect('pusher_internal:member_added', channel);
        for (let i = 0; i < 10; i++) {
            const other = await ctx.open();
            join(other, channel, 'c');
            if (i % 2) other.unsubscribe(channel);
            else other.destroy();
        }
        await quiet(ctx.ipc, a, b);
        assert.equal((await ctx.ipc.publish({ channel })).recipients, 2);
    });

    test('user_info', async () => {
        const channel = unique('presence');
        const client = await ctx.open();
        await counts(ctx, 'max_user_info_size', 1, async () => {
            join(client, channel, '1', 'x'.repeat(19));
            const data = await subscriptionError(client, channel, 'LimitReached', 403);
            assert.match(data.error, /user_info/);
            await client.subscribe(channel, { data: { user_id: '1', user_info: 'x'.repeat(18) } });
        });
    });

    test('the other application has none', async () => {
        const channel = unique('presence');
        for (let i = 0; i < 4; i++) await (await ctx.open({ app: APP2 })).subscribe(channel, { data: { user_id: `${i}`, user_info: 'x'.repeat(100) } });
    });
});
