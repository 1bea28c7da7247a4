// Cache channels, users who signed in, and subscription counts: by raw messages and with pusher-js as it comes from npm.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { need } from '../lib/deps.mjs';
import { hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { quiet, settle } from '../lib/ws.mjs';

const sections = {
    'app "count"': { key: 'count', secret: 's', subscription_count: 'yes' },
    'app "short"': { key: 'short', secret: 's', cache_ttl: 1 },
    'app "small"': { key: 'small', secret: 's', cache_max: '4K' },
    'app "info"': { key: 'info', secret: 's', max_user_info_size: 64 },
    'app "nouser"': { key: 'nouser', secret: 's', user_authentication: 'no' },
};

suite('cache channels and users', { workers: [1, 3], sections }, (ctx) => {
    const app = (key) => ({ id: key, key, secret: 's' });

    for (const prefix of ['cache', 'private-cache', 'private-encrypted-cache', 'presence-cache']) {
        test(`${prefix}-: miss, then the last event, with and without subscribers`, async () => {
            const channel = unique(prefix);
            const options = prefix.startsWith('presence') ? { data: { user_id: '1' } } : {};
            const first = await ctx.open();
            await first.subscribe(channel, options);
            assert.equal((await first.expect('pusher:cache_miss')).text, `{"event":"pusher:cache_miss","data":"{}","channel":"${channel}"}`);
            await ctx.ipc.publish({ channel, event: 'Old', data: '{"n":1}' });
            await first.expect('Old', channel);
            await first.close();
            assert.equal((await ctx.ipc.publish({ channel, event: 'New', data: '{"n":2}' })).recipients, 0);
            const late = await ctx.open();
            await late.subscribe(channel, options);
            assert.equal((await late.expect('New', channel)).data, '{"n":2}');
            assert.deepEqual(await settle(ctx.ipc, late), [[]]);
        });
    }

    test('a second subscribe answers success again', async () => {
        const channel = unique('cache');
        const client = await ctx.open();
        await client.subscribe(channel);
        await client.expect('pusher:cache_miss', channel);
        await client.subscribe(channel);
        await client.expect('pusher:cache_miss', channel);
        assert.equal((await ctx.ipc.publish({ channel })).recipients, 1);
    });

    test('a batch leaves the last one of each channel', async () => {
        const channels = [unique('cache'), unique('cache')];
        await ctx.ipc.batch([
            { channels, event: 'A', data: '1' },
            { channel: channels[0], event: 'B', data: '2' },
        ]);
        const client = await ctx.open();
        for (const [channel, event] of [[channels[0], 'B'], [channels[1], 'A']]) {
            await client.subscribe(channel);
            await client.expect(event, channel);
        }
    });

    test('an event is forgotten after cache_ttl', async () => {
        const channel = unique('cache');
        const ipc = await ctx.ipcOf(app('short'));
        await ipc.publish({ channel, event: 'E' });
        await until(async () => {
            const client = await ctx.open({ app: app('short') });
            await client.subscribe(channel);
            return (await client.next()).event === 'pusher:cache_miss';
        }, 'the event to be forgotten');
    });

    test('over cache_max the oldest event makes room', async () => {
        const ipc = await ctx.ipcOf(app('small'));
        const [one, two] = [unique('cache'), unique('cache')];
        await ipc.publish({ channel: one, data: JSON.stringify('x'.repeat(2500)) });
        await ipc.publish({ channel: two, data: JSON.stringify('y'.repeat(2500)) });
        const client = await ctx.open({ app: app('small') });
        await client.subscribe(one);
        await client.expect('pusher:cache_miss', one);
        await client.subscribe(two);
        await client.expect('E', two);
    });

    test('nobody sees the cache of another application', async () => {
        const channel = unique('cache');
        await ctx.ipc.publish({ channel });
        const client = await ctx.open({ app: app('count') });
        await client.subscribe(channel);
        await client.expect('pusher:cache_miss', channel);
    });

    // ---- users ----

    const signin = (client, userData, { secret = client.app.secret, text = JSON.stringify(userData) } = {}) =>
        client.send({
            event: 'pusher:signin',
            data: { auth: `${client.app.key}:${hmac(secret, `${client.socketId}::user::${text}`)}`, user_data: text },
        });

    test('a signed-in user is reached on every connection', async () => {
        const id = `ü ${unique('u')}`;
        const clients = [await ctx.open(), await ctx.open()];
        for (const client of clients) {
            signin(client, { id, name: 'N' });
            const message = await client.expect('pusher:signin_success');
            assert.equal(JSON.parse(JSON.parse(message.data).user_data).id, id);
        }
        const receipt = await ctx.ipc.publish({ channel: `#server-to-user-${id}`, event: 'hi', data: '{"a":1}' });
        assert.equal(receipt.recipients, 2);
        for (const client of clients) {
            assert.deepEqual({ ...(await client.expect('hi')) }, { event: 'hi', data: '{"a":1}', channel: `#server-to-user-${id}` });
        }
    });

    test('signing in again as the same user is confirmed, with what it says of the user now', async () => {
        const id = unique('u');
        const client = await ctx.open();
        for (const name of ['A', 'B', 'B']) {
            signin(client, { id, name });
            const message = await client.expect('pusher:signin_success');
            assert.equal(JSON.parse(JSON.parse(message.data).user_data).name, name);
        }
        assert.equal((await ctx.ipc.publish({ channel: `#server-to-user-${id}` })).recipients, 1);
    });

    test('signing in as somebody else is refused as any failed sign-in', async () => {
        const [one, two] = [unique('u'), unique('u')];
        const client = await ctx.open();
        signin(client, { id: one });
        await client.expect('pusher:signin_success');
        signin(client, { id: two });
        await client.error(4009, 'User authentication failed');
        await client.closedWith(4009);
        for (const id of [one, two]) assert.equal((await ctx.ipc.publish({ channel: `#server-to-user-${id}` })).recipients, 0);
    });

    test('a signed-in user may subscribe to its own channel, which changes nothing', async () => {
        const id = `é ${unique('u')}`;
        const channel = `#server-to-user-${id}`;
        const client = await ctx.open();
        const subscribe = () => client.send({ event: 'pusher:subscribe', data: { channel, auth: '' } });
        signin(client, { id });
        await client.expect('pusher:signin_success');
        for (let i = 0; i < 2; i++) {
            subscribe();
            assert.deepEqual({ ...(await client.next()) }, { event: 'pusher_internal:subscription_succeeded', data: '{}', channel });
        }
        assert.equal((await ctx.ipc.publish({ channel, event: 'once', data: '1' })).recipients, 1);
        await client.expect('once', channel);
        client.unsubscribe(channel);
        assert.equal((await ctx.ipc.publish({ channel, event: 'still', data: '1' })).recipients, 1);
        await client.expect('still', channel);
        await quiet(ctx.ipc, client);
        client.send({ event: 'client-x', channel, data: {} });
        await client.error(4301);
    });

    test("nobody subscribes to another user's channel, signed in or not", async () => {
        const [one, two] = [unique('u'), unique('u')];
        const owner = await ctx.open();
        signin(owner, { id: one });
        await owner.expect('pusher:signin_success');
        const other = await ctx.open();
        signin(other, { id: two });
        await other.expect('pusher:signin_success');
        for (const client of [other, await ctx.open()]) {
            for (const channel of [`#server-to-user-${one}`, '#server-to-user-', `#server-to-user-${two}x`, '#watch-1', '#']) {
                client.send({ event: 'pusher:subscribe', data: { channel, auth: `key1:${hmac('secret-of-app1', `${client.socketId}:${channel}`)}` } });
                const refused = await client.expect('pusher:subscription_error', channel);
                assert.equal(JSON.parse(refused.data).status, 400);
            }
        }
        assert.equal((await ctx.ipc.publish({ channel: `#server-to-user-${one}`, event: 'hi', data: '1' })).recipients, 1);
        await owner.expect('hi');
        await quiet(ctx.ipc, other);
    });

    for (const [what, data, options] of [
        ['a wrong signature', { id: '1' }, { secret: 'wrong' }],
        ['no id', { name: 'x' }],
        ['an empty id', { id: '' }],
        ['an id that is no scalar', { id: {} }],
        ['an id over 128 bytes', { id: 'x'.repeat(129) }],
    ]) {
        test(`a sign-in with ${what} ends with 4009`, async () => {
            const client = await ctx.open();
            signin(client, data, options);
            await client.error(4009);
            await client.closedWith(4009);
        });
    }

    test('where it is switched off a sign-in ends with 4009', async () => {
        const client = await ctx.open({ app: app('nouser') });
        signin(client, { id: '1' });
        await client.error(4009);
        await client.closedWith(4009);
    });

    // ---- presence of a signed-in user ----

    const withoutData = (client, channel) =>
        client.send({ event: 'pusher:subscribe', data: { channel, auth: `key1:${hmac('secret-of-app1', `${client.socketId}:${channel}`)}` } });

    test('without channel_data a signed-in user is the member', async () => {
        const channel = unique('presence');
        const other = await ctx.open();
        await other.subscribe(channel, { data: { user_id: 'other' } });
        const ids = ['"u \\u00e9"', '7', '12345678901234567890'];
        for (const id of ids) {
            const client = await ctx.open();
            const user_data = `{"watchlist":[],"user_info":{"n":1.0,"x":[]},"id":${id}}`;
            client.send({ event: 'pusher:signin', data: { auth: `key1:${hmac('secret-of-app1', `${client.socketId}::user::${user_data}`)}`, user_data } });
            await client.expect('pusher:signin_success');
            const told = id.length > 16 ? `"${id}"` : id;
            withoutData(client, channel);
            const joined = JSON.parse((await client.expect('pusher_internal:subscription_succeeded', channel)).data).presence;
            assert.deepEqual(joined.ids, ['other', JSON.parse(told)]);
            assert.deepEqual(joined.hash[JSON.parse(told)], { n: 1, x: [] });
            assert.equal((await other.expect('pusher_internal:member_added', channel)).data, `{"user_id":${told},"user_info":{"n":1.0,"x":[]}}`);
            client.send({ event: 'client-x', channel, data: {} });
            assert.equal((await other.expect('client-x', channel)).user_id, String(JSON.parse(told)));
            // What channel_data says goes before who has signed in.
            await client.subscribe(unique('presence'), { data: { user_id: 'somebody' } });
            client.unsubscribe(channel);
            assert.equal((await other.expect('pusher_internal:member_removed', channel)).data, `{"user_id":${told}}`);
        }
    });

    test('a user without user_info, and one that signs in again, are what they said last', async () => {
        const [channel, later] = [unique('presence'), unique('presence')];
        const client = await ctx.open();
        const id = unique('u');
        signin(client, { id });
        await client.expect('pusher:signin_success');
        withoutData(client, channel);
        assert.deepEqual(JSON.parse((await client.expect('pusher_internal:subscription_succeeded', channel)).data).presence.hash, { [id]: null });
        signin(client, { id, user_info: { name: 'N' } });
        await client.expect('pusher:signin_success');
        withoutData(client, later);
        assert.deepEqual(JSON.parse((await client.expect('pusher_internal:subscription_succeeded', later)).data).presence.hash, { [id]: { name: 'N' } });
    });

    test('without channel_data and without a sign-in a presence subscription is refused', async () => {
        const channel = unique('presence');
        const client = await ctx.open();
        withoutData(client, channel);
        assert.equal(JSON.parse((await client.expect('pusher:subscription_error', channel)).data).status, 400);
        // A signature is asked for all the same.
        signin(client, { id: unique('u') });
        await client.expect('pusher:signin_success');
        client.send({ event: 'pusher:subscribe', data: { channel } });
        await client.refused(channel);
    });

    test('the limit of user_info holds for signed-in users', async () => {
        const channel = unique('presence');
        const client = await ctx.open({ app: app('info') });
        const user_data = JSON.stringify({ id: '1', user_info: 'x'.repeat(100) });
        client.send({ event: 'pusher:signin', data: { auth: `info:${hmac('s', `${client.socketId}::user::${user_data}`)}`, user_data } });
        await client.expect('pusher:signin_success');
        client.send({ event: 'pusher:subscribe', data: { channel, auth: `info:${hmac('s', `${client.socketId}:${channel}`)}` } });
        assert.equal(JSON.parse((await client.expect('pusher:subscription_error', channel)).data).type, 'LimitReached');
    });

    test('pusher-js joins a presence channel as its signed-in user', async () => {
        const Pusher = need('pusher-js');
        const [id, name] = [unique('u'), unique('presence')];
        const pusher = new Pusher('key1', {
            cluster: '', wsHost: '127.0.0.1', wsPort: ctx.daemon.port, forceTLS: false, enabledTransports: ['ws'], enableStats: false,
            userAuthentication: {
                customHandler: ({ socketId }, callback) => {
                    const user_data = JSON.stringify({ id, user_info: { name: 'N' } });
                    callback(null, { auth: `key1:${hmac('secret-of-app1', `${socketId}::user::${user_data}`)}`, user_data });
                },
            },
            channelAuthorization: { customHandler: ({ socketId, channelName }, callback) => callback(null, { auth: `key1:${hmac('secret-of-app1', `${socketId}:${channelName}`)}` }) },
        });
        try {
            pusher.signin();
            const channel = pusher.subscribe(name);
            await until(() => channel.subscribed, 'the channel to be joined');
            assert.deepEqual(channel.members.me, { id, info: { name: 'N' } });
            assert.equal(channel.members.count, 1);
        } finally {
            pusher.disconnect();
        }
    });

    test('pusher-js signs in and hears what is sent to its user', async () => {
        const Pusher = need('pusher-js');
        const id = unique('u');
        const pusher = new Pusher(ctx.daemon.app?.key ?? 'key1', {
            cluster: '', wsHost: '127.0.0.1', wsPort: ctx.daemon.port, forceTLS: false, enabledTransports: ['ws'], enableStats: false,
            userAuthentication: {
                customHandler: ({ socketId }, callback) => {
                    const user_data = JSON.stringify({ id });
                    callback(null, { auth: `key1:${hmac('secret-of-app1', `${socketId}::user::${user_data}`)}`, user_data });
                },
            },
        });
        try {
            const refusals = [];
            pusher.bind_global((event, data) => /error/.test(event) && refusals.push([event, data]));
            const heard = new Promise((resolve) => pusher.user.bind('note', resolve));
            pusher.signin();
            await pusher.user.signinDonePromise;
            // It subscribes to its user's channel after each sign-in.
            await until(() => pusher.user.serverToUserChannel?.subscribed, 'the subscription to be confirmed');
            assert.deepEqual(refusals, []);
            assert.equal((await ctx.ipc.publish({ channel: `#server-to-user-${id}`, event: 'note', data: '{"x":1}' })).recipients, 1);
            assert.deepEqual(await heard, { x: 1 });
        } finally {
            pusher.disconnect();
        }
    });

    // ---- subscription counts ----

    test('counts are told where the application wants them, and not on presence', async () => {
        const channel = unique('c');
        const count = async (client) => JSON.parse((await client.expect('pusher_internal:subscription_count', channel)).data).subscription_count;
        const one = await ctx.open({ app: app('count') });
        await one.subscribe(channel);
        assert.equal(await count(one), 1);
        const two = await ctx.open({ app: app('count') });
        await two.subscribe(channel);
        assert.equal(await count(one), 2);
        assert.equal(await count(two), 2);
        two.unsubscribe(channel);
        assert.equal(await count(one), 1);
        await one.subscribe(unique('presence'), { data: { user_id: '1' } });
        assert.deepEqual(await settle(ctx.ipc, one), [[]]);
    });
});
