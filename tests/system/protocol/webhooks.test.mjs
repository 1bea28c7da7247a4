// Webhooks as an application gets them: a real HTTP server, signatures checked with Pusher's own library.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, APP2 } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { auth, hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { settle } from '../lib/ws.mjs';

const PusherJs = need('pusher-js');
const FEW = { id: 'few', key: 'few', secret: 'secret-of-few' };
const [receiver, other, few] = [await Receiver.start(), await Receiver.start(), await Receiver.start()];
after(() => Promise.all([receiver, other, few].map((one) => one.stop())));

const sections = {
    'app "app1"': { webhook_url: receiver.url },
    'app "app2"': { webhook_url: `${other.url}?a=b` },
    'app "few"': { key: FEW.key, secret: FEW.secret, webhook_url: few.url, webhook_events: 'member_added, channel_vacated' },
    'app "none"': { key: 'none', secret: 'secret-of-none' },
};

suite('webhooks', { workers: [1, 3], sections }, (ctx) => {
    /** The names of a channel's next events, without subscription_count, of which any number may come between. */
    const names = async (channel, n, from = receiver) => {
        const got = [];
        while (got.length < n) {
            const event = await from.next(channel);
            if (event.name !== 'subscription_count') got.push(event.name);
        }
        return got;
    };
    /** Occupies and vacates a channel of its own: once that is told, all that was held back before would have been. */
    const past = async (app, from) => {
        const channel = unique('past');
        const client = await ctx.open({ app });
        await client.subscribe(channel);
        client.unsubscribe(channel);
        const seen = [];
        for (;;) {
            const event = await from.next();
            if (event.name === 'channel_vacated' && event.channel === channel) return seen;
            if (event.channel !== channel) seen.push(event);
        }
    };

    test('channel_occupied, channel_vacated and subscription_count', async () => {
        const channel = unique();
        const [one, two] = [await ctx.open(), await ctx.open()];
        const before = receiver.requests.length;
        await one.subscribe(channel);
        assert.deepEqual(await receiver.next(channel), { name: 'channel_occupied', channel });
        assert.deepEqual(await receiver.next(channel), { name: 'subscription_count', channel, subscription_count: 1 });
        await two.subscribe(channel);
        assert.deepEqual(await receiver.next(channel), { name: 'subscription_count', channel, subscription_count: 2 });
        one.unsubscribe(channel);
        await two.close();
        assert.deepEqual(await receiver.next(channel), { name: 'channel_vacated', channel });
        assert.deepEqual(await receiver.next(channel), { name: 'subscription_count', channel, subscription_count: 0 });
        assert.ok(receiver.requests.length > before);
        for (const request of receiver.requests.slice(before)) {
            assert.equal(request.method, 'POST');
            assert.equal(request.url, '/hook');
            assert.equal(request.headers['content-type'], 'application/json');
            assert.equal(request.headers['x-pusher-key'], APP.key);
            assert.equal(request.headers['x-pusher-signature'], hmac(APP.secret, request.text));
            assert.ok(Receiver.valid(request, APP), request.text);
            assert.ok(!Receiver.valid(request, { ...APP, secret: APP2.secret }));
            assert.deepEqual(Object.keys(request.body), ['time_ms', 'events']);
            assert.ok(Math.abs(Date.now() - request.body.time_ms) < 60_000);
        }
    });

    test('members: each user once, and no subscription_count', async () => {
        const channel = unique('presence');
        const clients = [];
        for (const id of [7, '7', 'Zoë "Z"']) {
            const client = await ctx.open();
            await client.subscribe(channel, { data: { user_id: id } });
            clients.push(client);
        }
        assert.deepEqual(await receiver.next(channel), { name: 'channel_occupied', channel });
        assert.deepEqual(await receiver.next(channel), { name: 'member_added', channel, user_id: '7' });
        assert.deepEqual(await receiver.next(channel), { name: 'member_added', channel, user_id: 'Zoë "Z"' });
        await clients[0].close(); // 7 is still there
        await clients[2].close();
        assert.deepEqual(await receiver.next(channel), { name: 'member_removed', channel, user_id: 'Zoë "Z"' });
        await clients[1].close();
        assert.deepEqual(await receiver.next(channel), { name: 'member_removed', channel, user_id: '7' });
        assert.deepEqual(await receiver.next(channel), { name: 'channel_vacated', channel });
    });

    test('client_event: data is a string, user_id on presence channels alone', async () => {
        const channel = unique('private');
        const client = await ctx.open();
        await client.subscribe(channel);
        assert.deepEqual(await names(channel, 1), ['channel_occupied']);
        const sent = [[{ a: [1, 'ü"'] }, '{"a":[1,"ü\\""]}'], ['text', 'text'], ['{"b":1}', '{"b":1}'], [5, '5'], [null, 'null'], [undefined, 'null']];
        for (const [data, expected] of sent) {
            client.send({ event: 'client-typing', channel, data, user_id: 'forged' });
            let event;
            do event = await receiver.next(channel);
            while (event.name === 'subscription_count');
            assert.deepEqual(event, { name: 'client_event', channel, event: 'client-typing', data: expected, socket_id: client.socketId });
        }
        const presence = unique('presence');
        await client.subscribe(presence, { data: { user_id: 9 } });
        client.send({ event: 'client-typing', channel: presence, data: {} });
        await names(presence, 2);
        assert.deepEqual(await receiver.next(presence), { name: 'client_event', channel: presence, event: 'client-typing', data: '{}', socket_id: client.socketId, user_id: '9' });
    });

    test('a client event that is refused is none', async () => {
        const channel = unique('private');
        const client = await ctx.open();
        client.send({ event: 'client-typing', channel, data: {} });
        await client.error(4009);
        assert.deepEqual((await past(APP, receiver)).filter((event) => event.channel === channel), []);
    });

    test('cache_miss', async () => {
        for (const prefix of ['cache', 'presence-cache']) {
            const channel = unique(prefix);
            const [one, two] = [await ctx.open(), await ctx.open()];
            await one.subscribe(channel, prefix === 'presence-cache' ? { data: { user_id: '1' } } : {});
            const got = await names(channel, prefix === 'presence-cache' ? 3 : 2);
            assert.equal(got[0], 'channel_occupied');
            assert.ok(got.includes('cache_miss'));
            await ctx.ipc.publish({ channel, event: 'E', data: '{}' });
            await two.subscribe(channel, prefix === 'presence-cache' ? { data: { user_id: '2' } } : {});
            await settle(ctx.ipc, two);
            const rest = (await past(APP, receiver)).filter((event) => event.channel === channel && event.name === 'cache_miss');
            assert.deepEqual(rest, []);
        }
    });

    test('the channels of signed-in users are not told', async () => {
        const client = await ctx.open();
        const user = JSON.stringify({ id: '42', watchlist: ['43'] });
        client.send({ event: 'pusher:signin', data: { auth: `${APP.key}:${hmac(APP.secret, `${client.socketId}::user::${user}`)}`, user_data: user } });
        await client.expect('pusher:signin_success');
        await client.close();
        assert.deepEqual((await past(APP, receiver)).filter((event) => event.channel.startsWith('#')), []);
    });

    test('pusher-js that reconnects at once causes nothing', async () => {
        const channels = [unique(), unique('presence')];
        const pusher = new PusherJs(APP.key, {
            cluster: '',
            wsHost: '127.0.0.1',
            wsPort: ctx.daemon.port,
            forceTLS: false,
            enabledTransports: ['ws'],
            channelAuthorization: {
                customHandler: ({ socketId, channelName }, callback) => {
                    const data = '{"user_id":"5"}';
                    callback(null, { auth: auth(APP, socketId, channelName, data), channel_data: data });
                },
            },
        });
        try {
            const subscribed = () => Promise.all(channels.map((name) => deadline(new Promise((done) => pusher.channel(name).bind('pusher:subscription_succeeded', done)), `${name} to be subscribed`)));
            for (const name of channels) pusher.subscribe(name);
            await subscribed();
            const told = { [channels[0]]: [], [channels[1]]: [] };
            while (told[channels[0]].length + told[channels[1]].length < 3) {
                const { name, channel } = await receiver.next();
                if (name !== 'subscription_count') told[channel]?.push(name);
            }
            assert.deepEqual(told, { [channels[0]]: ['channel_occupied'], [channels[1]]: ['channel_occupied', 'member_added'] });
            const { socket_id: before } = pusher.connection;
            pusher.disconnect();
            await until(async () => (await ctx.ipc.publish({ channel: channels[0] })).recipients === 0, 'the daemon to see it leave');
            const again = subscribed();
            pusher.connect();
            await again;
            assert.notEqual(pusher.connection.socket_id, before);
            const seen = (await past(APP, receiver)).filter(({ channel }) => channels.includes(channel));
            assert.deepEqual(seen.filter(({ name }) => name !== 'subscription_count'), []);
        } finally {
            pusher.disconnect();
        }
        assert.deepEqual(await names(channels[1], 2), ['member_removed', 'channel_vacated']);
    });

    test('what happens together comes together', async () => {
        const channels = Array.from({ length: 250 }, () => unique());
        const client = await ctx.open();
        const before = receiver.requests.length;
        for (const channel of channels) client.send(client.subscribeMessage(channel));
        const got = [];
        while (got.length < channels.length) {
            const event = await receiver.next();
            if (event.name === 'channel_occupied' && channels.includes(event.channel)) got.push(event.channel);
        }
        assert.deepEqual(got.sort(), channels.sort());
        const requests = receiver.requests.slice(before);
        for (const { body } of requests) assert.ok(body.events.length <= 100, `${body.events.length} events`);
        assert.ok(requests.length < channels.length / 5, `${requests.length} requests`);
        await client.close();
    });

    test('applications hear of their own channels, with their own signature', async () => {
        const channel = unique();
        const [mine, theirs] = [await ctx.open(), await ctx.open({ app: APP2 })];
        await mine.subscribe(channel);
        assert.deepEqual(await names(channel, 1), ['channel_occupied']);
        await theirs.subscribe(channel);
        assert.deepEqual(await names(channel, 1, other), ['channel_occupied']);
        const request = other.requests.at(-1);
        assert.equal(request.url, '/hook?a=b');
        assert.equal(request.headers['x-pusher-key'], APP2.key);
        assert.ok(Receiver.valid(request, APP2));
        assert.ok(!Receiver.valid(request, APP));
        mine.unsubscribe(channel);
        const app2 = await past(APP2, other);
        assert.deepEqual(app2.filter(({ channel: name, name: kind }) => name === channel && kind !== 'subscription_count'), []);
        assert.ok(other.requests.every(({ text }) => !text.includes(`"past-`) || !text.includes(APP.key)));
    });

    test('webhook_events leaves out the rest', async () => {
        const channel = unique('presence');
        const client = await ctx.open({ app: FEW });
        await client.subscribe(channel, { data: { user_id: '1' } });
        client.send({ event: 'client-x', channel, data: {} });
        await client.close();
        assert.deepEqual(await few.next(), { name: 'member_added', channel, user_id: '1' });
        assert.deepEqual(await few.next(), { name: 'channel_vacated', channel });
        assert.deepEqual(few.events.waiting, []);
    });

    test('counters', async () => {
        await until(async () => (await ctx.daemon.metrics()).get('webhook_events_waiting') === 0, 'the queue to be empty');
        const metrics = await ctx.daemon.metrics();
        assert.ok(metrics.get('webhook_events_sent_total') > 250);
        assert.ok(metrics.get('webhook_requests_total') >= 5);
        for (const name of ['webhook_requests_failed_total', 'webhook_requests_retried_total']) assert.equal(metrics.get(name), 0, name);
        for (const reason of ['queue', 'expired', 'ended']) assert.equal(metrics.get('webhook_events_dropped_total', reason), 0, reason);
    });
});
