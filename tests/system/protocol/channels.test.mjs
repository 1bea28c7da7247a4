// Public, private and encrypted channels: exact replies, authorization, names, limits.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, APP2 } from '../lib/daemon.mjs';
import { auth, hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { quiet, settle } from '../lib/ws.mjs';

suite('channels', { workers: [1, 3] }, (ctx) => {
    const publish = (channel, extra = {}) => ctx.ipc.publish({ channel, event: 'E', data: '{}', ...extra });

    for (const prefix of ['c', 'private', 'private-encrypted']) {
        test(`subscribing to a ${prefix} channel answers exactly`, async () => {
            const client = await ctx.open();
            const channel = unique(prefix);
            const done = await client.subscribe(channel);
            assert.equal(done.text, `{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"${channel}"}`);
        });
    }

    test('a published event has the shape that pusher-js reads', async () => {
        const client = await ctx.open();
        const channel = unique();
        await client.subscribe(channel);
        await publish(channel, { event: 'App\\Events\\X', data: '{"foo":"bar"}' });
        const message = await client.next();
        assert.deepEqual(Object.keys(message), ['event', 'data', 'channel']);
        assert.equal(message.text, `{"event":"App\\\\Events\\\\X","data":"{\\"foo\\":\\"bar\\"}","channel":"${channel}"}`);
    });

    test('every subscriber gets it, others do not', async () => {
        const channel = unique();
        const clients = await Promise.all([1, 2, 3, 4, 5].map(() => ctx.open()));
        const other = await ctx.open();
        await other.subscribe(unique());
        for (const client of clients) await client.subscribe(channel);
        assert.equal((await publish(channel)).recipients, 5);
        for (const client of clients) await client.expect('E', channel);
        await quiet(ctx.ipc, ...clients, other);
    });

    test('subscribing twice answers again and changes nothing', async () => {
        const client = await ctx.open();
        for (const prefix of ['c', 'private']) {
            const channel = unique(prefix);
            await client.subscribe(channel);
            await client.subscribe(channel);
            assert.equal((await publish(channel)).recipients, 1);
            await client.expect('E', channel);
            await quiet(ctx.ipc, client);
            client.unsubscribe(channel);
            await settle(ctx.ipc, client);
            assert.equal((await publish(channel)).recipients, 0);
        }
    });

    test('unsubscribing is silent, known or unknown, and ends the delivery', async () => {
        const client = await ctx.open();
        const other = await ctx.open();
        const channel = unique();
        await client.subscribe(channel);
        await other.subscribe(channel);
        client.unsubscribe(channel);
        client.unsubscribe(channel);
        client.unsubscribe(unique());
        client.unsubscribe('');
        client.unsubscribe('no such name/!');
        await quiet(ctx.ipc, client);
        assert.equal((await publish(channel)).recipients, 1);
        await other.expect('E', channel);
        await quiet(ctx.ipc, client, other);
    });

    test('one connection on many channels gets each event once', async () => {
        const client = await ctx.open();
        const channels = [unique(), unique('private'), unique('presence'), unique('private-encrypted')];
        for (const channel of channels) await client.subscribe(channel, channel.startsWith('presence') ? { data: { user_id: '1' } } : {});
        for (const channel of channels) await publish(channel);
        for (const channel of channels) await client.expect('E', channel);
        await quiet(ctx.ipc, client);
    });

    test('a closed or vanished client is a subscriber no more', async () => {
        const channel = unique();
        const polite = await ctx.open();
        const rude = await ctx.open();
        const stays = await ctx.open();
        for (const client of [polite, rude, stays]) await client.subscribe(channel);
        await polite.close();
        rude.reset();
        await rude.ended;
        for (;;) {
            const { recipients } = await publish(channel);
            await stays.expect('E', channel);
            if (recipients === 1) break;
        }
    });

    describe('signatures', () => {
        const cases = {
            missing: undefined,
            null: null,
            empty: '',
            'no key': () => hmac(APP.secret, 'x'),
            'another key': (id, channel) => `key2:${hmac(APP.secret, `${id}:${channel}`)}`,
            "another application's": (id, channel) => auth(APP2, id, channel),
            'an empty key': (id, channel) => `:${hmac(APP.secret, `${id}:${channel}`)}`,
            'upper case hex': (id, channel) => `key1:${hmac(APP.secret, `${id}:${channel}`).toUpperCase()}`,
            'a hex digit more': (id, channel) => `${auth(APP, id, channel)}0`,
            'a hex digit less': (id, channel) => auth(APP, id, channel).slice(0, -1),
            'a blank in front': (id, channel) => ` ${auth(APP, id, channel)}`,
            'a NUL behind': (id, channel) => `${auth(APP, id, channel)}\0`,
            'of another channel': (id) => auth(APP, id, 'private-other'),
            'of another socket': (id, channel) => auth(APP, '1.1', channel),
            'with channel_data that was not sent': (id, channel) => auth(APP, id, channel, '{"user_id":"1"}'),
        };
        for (const [name, make] of Object.entries(cases)) {
            test(`${name}: refused with 4009 and subscription_error, and creates nothing`, async () => {
                const client = await ctx.open();
                for (const prefix of name.includes('not sent') ? ['private', 'private-encrypted'] : ['private', 'presence', 'private-encrypted']) {
                    const channel = unique(prefix);
                    const data = prefix === 'presence' ? JSON.stringify({ user_id: '1' }) : undefined;
                    client.send({ event: 'pusher:subscribe', data: { channel, auth: typeof make === 'function' ? make(client.socketId, channel) : make, channel_data: data } });
                    const { scoped, error } = await client.refused(channel);
                    assert.equal(error.message, 'Connection is unauthorized');
                    assert.equal(scoped.type, 'AuthError');
                    assert.equal(scoped.status, 401);
                    assert.equal((await publish(channel)).recipients, 0);
                }
                await quiet(ctx.ipc, client);
            });
        }
        test('channel_data on a private channel is part of what is signed', async () => {
            const client = await ctx.open();
            const channel = unique('private');
            await client.subscribe(channel, { data: { user_id: '1' } });
            const other = unique('private');
            client.send({ event: 'pusher:subscribe', data: { channel: other, channel_data: '{"user_id":"1"}', auth: auth(APP, client.socketId, other) } });
            await client.refused(other);
        });
        test('a refused client may try again', async () => {
            const client = await ctx.open();
            const channel = unique('private');
            client.send({ event: 'pusher:subscribe', data: { channel, auth: 'x' } });
            await client.refused(channel);
            await client.subscribe(channel);
        });
        test('a refused second subscribe leaves the first alone', async () => {
            const client = await ctx.open();
            const channel = unique('private');
            await client.subscribe(channel);
            client.send({ event: 'pusher:subscribe', data: { channel, auth: 'x' } });
            await client.refused(channel);
            await publish(channel);
            await client.expect('E', channel);
        });
        test('an auth on a public channel is not looked at', async () => {
            const client = await ctx.open();
            await client.subscribe(unique(), { auth: 'nonsense' });
        });
    });

    describe('names', () => {
        test('the type is decided by the exact prefix with its dash', async () => {
            const client = await ctx.open();
            for (const name of ['privatething', 'presencething', 'private_x', 'Private-x', 'encrypted-x', 'xprivate-x', 'cachet']) {
                client.send({ event: 'pusher:subscribe', data: { channel: name } });
                await client.expect('pusher_internal:subscription_succeeded', name);
            }
        });
        test('every allowed character is allowed, up to 200 of them', async () => {
            const client = await ctx.open();
            for (const name of ['azAZ09_-=@,.;', 'x', 'x'.repeat(200), '0', '.']) await client.subscribe(name);
        });
        for (const name of ['', ' ', 'a b', 'a/b', 'a:b', 'a#b', '#a', 'ümlaut', 'a\nb', 'a\0b', 'a"b', '\u{1f600}', 'x'.repeat(201), '#server-to-user-5', 'private-' + 'x'.repeat(193)]) {
            test(`${JSON.stringify(name).slice(0, 40)} is refused with a subscription_error`, async () => {
                const client = await ctx.open();
                client.send({ event: 'pusher:subscribe', data: { channel: name, auth: 'x' } });
                const [messages] = await settle(ctx.ipc, client);
                const scoped = messages.find((message) => message.event === 'pusher:subscription_error');
                assert.ok(scoped, messages.map((message) => message.text).join());
                assert.equal(scoped.channel, name);
                const data = JSON.parse(scoped.data);
                assert.equal(typeof data.error, 'string');
                assert.ok(data.status >= 400 && data.status < 500);
                assert.ok(!messages.some((message) => message.event.includes('succeeded')));
            });
        }
    });

    test('subscribed means subscribed: a publish right after the answer arrives', async () => {
        for (let i = 0; i < 300; i++) {
            const client = await ctx.open();
            const channel = unique(['c', 'private', 'presence'][i % 3]);
            await client.subscribe(channel, i % 3 === 2 ? { data: { user_id: String(i) } } : {});
            const { recipients } = await publish(channel, { data: String(i) });
            assert.equal(recipients, 1, `round ${i}`);
            assert.equal((await client.expect('E', channel)).data, String(i));
            client.destroy();
        }
    });

    test('subscribed means subscribed for a client that hears of it from another one', async () => {
        const channel = unique('private');
        const sender = await ctx.open();
        await sender.subscribe(channel);
        for (let i = 0; i < 100; i++) {
            const client = await ctx.open();
            await client.subscribe(channel);
            await ctx.ipc.publish({ channel, data: String(i), except: sender.socketId });
            assert.equal((await client.expect('E', channel)).data, String(i));
            client.destroy();
            await client.ended;
        }
    });
});

suite('channel limits', { workers: [1, 3], sections: { limits: { max_channels_per_connection: 3, max_channel_name: 20 } } }, (ctx) => {
    test('one channel too many is refused and the others stay', async () => {
        const client = await ctx.open();
        const names = ['a', 'b', 'c'];
        for (const name of names) await client.subscribe(name);
        await client.subscribe('a');
        client.send({ event: 'pusher:subscribe', data: { channel: 'd' } });
        const [messages] = await settle(ctx.ipc, client);
        assert.ok(messages.some((message) => message.event === 'pusher:subscription_error' && message.channel === 'd'), messages.map((m) => m.text).join());
        client.unsubscribe('b');
        await client.subscribe('d');
        for (const channel of ['a', 'c', 'd']) {
            await ctx.ipc.publish({ channel });
            await client.expect('E', channel);
        }
    });
    test('a presence channel counts as well', async () => {
        const client = await ctx.open();
        for (const name of ['presence-a', 'presence-b', 'presence-c']) await client.subscribe(name, { data: { user_id: '1' } });
        client.send(client.subscribeMessage('presence-d', { data: '{"user_id":"1"}' }));
        const [messages] = await settle(ctx.ipc, client);
        assert.ok(messages.some((message) => message.event === 'pusher:subscription_error' && message.channel === 'presence-d'));
    });
    test('the length of a name', async () => {
        const client = await ctx.open();
        await client.subscribe('x'.repeat(20));
        client.send({ event: 'pusher:subscribe', data: { channel: 'x'.repeat(21) } });
        const [messages] = await settle(ctx.ipc, client);
        assert.ok(messages.some((message) => message.event === 'pusher:subscription_error'));
    });
});

suite('several applications', { workers: [1, 3] }, (ctx) => {
    test('the same channel of two applications is two channels', async () => {
        const { Ipc } = await import('../lib/ipc.mjs');
        const ipc2 = await Ipc.open(ctx.daemon.socket, APP2);
        for (const prefix of ['c', 'private', 'presence']) {
            const channel = unique(prefix);
            const one = await ctx.open({ app: APP });
            const two = await ctx.open({ app: APP2 });
            const data = prefix === 'presence' ? { data: { user_id: '1' } } : {};
            await one.subscribe(channel, data);
            const done = await two.subscribe(channel, data);
            if (prefix === 'presence') assert.deepEqual(JSON.parse(done.data).presence.ids, ['1']);
            assert.equal((await ctx.ipc.publish({ channel, data: '1' })).recipients, 1);
            assert.equal((await ipc2.publish({ channel, data: '2' })).recipients, 1);
            assert.equal((await one.expect('E')).data, '1');
            assert.equal((await two.expect('E')).data, '2');
            if (prefix !== 'c') {
                one.send({ event: 'client-x', channel, data: {} });
                two.unsubscribe(channel);
            }
            await quiet(ctx.ipc, one, two);
        }
        ipc2.close();
    });
    test("another application's signature opens nothing", async () => {
        const client = await ctx.open({ app: APP });
        const channel = unique('private');
        for (const given of [auth(APP2, client.socketId, channel), `${APP.key}:${hmac(APP2.secret, `${client.socketId}:${channel}`)}`]) {
            client.send({ event: 'pusher:subscribe', data: { channel, auth: given } });
            await client.refused(channel);
        }
    });
    test('an excluded socket id of another application excludes nobody', async () => {
        const channel = unique();
        const one = await ctx.open({ app: APP });
        const two = await ctx.open({ app: APP2 });
        await one.subscribe(channel);
        assert.equal((await ctx.ipc.publish({ channel, except: two.socketId })).recipients, 1);
        await one.expect('E');
    });
});
