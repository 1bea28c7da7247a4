// Presence channels: the member list, who is told what, in which order.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, twoNodes } from '../lib/daemon.mjs';
import { long } from '../lib/paths.mjs';
import { auth } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { quiet, settle } from '../lib/ws.mjs';

suite('presence', { workers: [1, 3] }, (ctx) => {
    const join = async (channel, id, info, options) => {
        const client = await ctx.open(options);
        const done = await client.subscribe(channel, { data: { user_id: id, ...(info === undefined ? {} : { user_info: info }) } });
        client.presence = JSON.parse(done.data).presence;
        client.joined = done;
        return client;
    };
    const added = async (client, channel, id, info) => {
        const message = await client.expect('pusher_internal:member_added', channel);
        assert.deepEqual(JSON.parse(message.data), { user_id: id, ...(info === undefined ? {} : { user_info: info }) });
        return message;
    };
    const removed = async (client, channel, id) => {
        const message = await client.expect('pusher_internal:member_removed', channel);
        assert.deepEqual(JSON.parse(message.data), { user_id: id });
        return message;
    };

    test('the first member sees itself, exactly', async () => {
        const channel = unique('presence');
        const client = await join(channel, '1', { name: 'Ann' });
        const data = '{"presence":{"count":1,"ids":["1"],"hash":{"1":{"name":"Ann"}}}}';
        assert.equal(client.joined.text, JSON.stringify({ event: 'pusher_internal:subscription_succeeded', data, channel }));
    });

    test('earlier members are told of later ones, once per user, and of their leaving', async () => {
        const channel = unique('presence');
        const ann = await join(channel, '1', { name: 'Ann' });
        const bob = await join(channel, '2', { name: 'Bob' });
        const message = await added(ann, channel, '2', { name: 'Bob' });
        assert.equal(message.text, JSON.stringify({ event: 'pusher_internal:member_added', data: '{"user_id":"2","user_info":{"name":"Bob"}}', channel }));
        assert.deepEqual(bob.presence, { count: 2, ids: ['1', '2'], hash: { 1: { name: 'Ann' }, 2: { name: 'Bob' } } });
        bob.unsubscribe(channel);
        const gone = await removed(ann, channel, '2');
        assert.equal(gone.text, JSON.stringify({ event: 'pusher_internal:member_removed', data: '{"user_id":"2"}', channel }));
        await quiet(ctx.ipc, ann, bob);
    });

    test('two tabs of a user are one member', async () => {
        const channel = unique('presence');
        const ann = await join(channel, '1', 'a');
        const tab1 = await join(channel, '2', 'b');
        await added(ann, channel, '2', 'b');
        const tab2 = await join(channel, '2', 'b');
        assert.deepEqual(tab2.presence, { count: 2, ids: ['1', '2'], hash: { 1: 'a', 2: 'b' } });
        await quiet(ctx.ipc, ann, tab1, tab2);
        await tab1.close();
        await quiet(ctx.ipc, ann, tab2);
        tab2.destroy();
        await removed(ann, channel, '2');
        assert.equal((await join(channel, '3')).presence.count, 2);
    });

    test('other tabs of a user hear of the other users', async () => {
        const channel = unique('presence');
        const tab1 = await join(channel, '1');
        const tab2 = await join(channel, '1');
        const bob = await join(channel, '2');
        await added(tab1, channel, '2');
        await added(tab2, channel, '2');
        bob.destroy();
        await removed(tab1, channel, '2');
        await removed(tab2, channel, '2');
    });

    test('ids keep their JSON type and are compared as strings', async () => {
        const channel = unique('presence');
        const one = await join(channel, 1, { n: 1 });
        const two = await join(channel, '2');
        await added(one, channel, '2');
        const again = await join(channel, '1');
        assert.deepEqual(again.presence.ids, [1, '2']);
        assert.equal(again.presence.count, 2);
        await quiet(ctx.ipc, one, two);
        const three = await join(channel, 3);
        await added(one, channel, 3);
        await added(two, channel, 3);
        three.destroy();
        await removed(one, channel, 3);
        await removed(two, channel, 3);
    });

    test('user ids 0, 1, 2 give a hash that is an object, "0" included in everything', async () => {
        const channel = unique('presence');
        const zero = await join(channel, 0, []);
        const one = await join(channel, 1, {});
        await added(zero, channel, 1, {});
        assert.match(one.joined.text, /\\"hash\\":\{\\"0\\":\[\],\\"1\\":\{\}\}/);
        const text = await join(channel, '0');
        assert.equal(text.presence.count, 2);
        await text.close();
        await quiet(ctx.ipc, one);
        zero.destroy();
        await removed(one, channel, 0);
        const back = await join(channel, '0');
        await added(one, channel, '0');
        back.destroy();
        await removed(one, channel, '0');
    });

    test('a missing user_info is fine for everybody', async () => {
        const channel = unique('presence');
        const first = await join(channel, 'x');
        assert.equal(first.presence.count, 1);
        assert.deepEqual(first.presence.ids, ['x']);
        assert.ok('x' in first.presence.hash, first.joined.text);
        assert.ok(first.presence.hash.x === null || JSON.stringify(first.presence.hash.x) === '{}', first.joined.text);
        const second = await join(channel, 'y', null);
        await first.expect('pusher_internal:member_added', channel);
        assert.equal(second.presence.count, 2);
    });

    test('info and ids with any characters come back as they were', async () => {
        const channel = unique('presence');
        const id = 'ü "quoted" \\ \u{1f600} /';
        const info = { 'ключ "x"': '\u2028 \\ / </script>\u0001', deep: [1.0, 1e3, -0.5, [[{}]], null, true], big: '9'.repeat(30) };
        const ann = await join(channel, 'ann');
        const client = await join(channel, id, info);
        await added(ann, channel, id, info);
        assert.deepEqual(client.presence.hash[id], info);
        client.destroy();
        await removed(ann, channel, id);
    });

    test('an integer beyond 2^53 is told as a string, one that a double holds as a number', async () => {
        const channel = unique('presence');
        const first = await ctx.open();
        await first.subscribe(channel, { data: '{"user_id":9007199254740992}' });
        const second = await ctx.open();
        const done = await second.subscribe(channel, { data: '{"user_id":12345678901234567890}' });
        assert.ok(JSON.parse(done.text).data.includes('"ids":[9007199254740992,"12345678901234567890"]'), done.text);
        assert.deepEqual(Object.keys(JSON.parse(done.data).presence.hash), ['9007199254740992', '12345678901234567890']);
        assert.equal((await first.expect('pusher_internal:member_added', channel)).data, '{"user_id":"12345678901234567890"}');
        // The same user, as text.
        const third = await ctx.open();
        await third.subscribe(channel, { data: '{"user_id":"12345678901234567890"}' });
        second.destroy();
        third.destroy();
        assert.equal((await first.expect('pusher_internal:member_removed', channel)).data, '{"user_id":"12345678901234567890"}');
    });

    test('numbers in user_info are not rewritten', async () => {
        const channel = unique('presence');
        const client = await ctx.open();
        const data = '{"user_id":"1","user_info":{"a":1.0,"b":12345678901234567890,"c":1E400,"d":"\\/"}}';
        const done = await client.subscribe(channel, { data });
        assert.match(JSON.parse(done.text).data, /"a":1\.0,"b":12345678901234567890,"c":1E400/);
    });

    for (const [name, data] of Object.entries({
        'no user_id': '{"user_info":{}}',
        'a null user_id': '{"user_id":null}',
        'an object as user_id': '{"user_id":{}}',
        'an array as user_id': '{"user_id":["1"]}',
        'an empty user_id': '{"user_id":""}',
        'an array as channel_data': '["1"]',
        'a string as channel_data': '"1"',
    })) {
        test(`${name} is refused with a subscription_error and tells nobody`, async () => {
            const channel = unique('presence');
            const ann = await join(channel, 'ann');
            const client = await ctx.open();
            client.send(client.subscribeMessage(channel, { data }));
            const [messages] = await settle(ctx.ipc, client, ann);
            assert.ok(messages.some((message) => message.event === 'pusher:subscription_error' && message.channel === channel), messages.map((m) => m.text).join());
            await quiet(ctx.ipc, ann, client);
            const later = await join(channel, 'later');
            assert.equal(later.presence.count, 2);
        });
    }

    test('no channel_data is refused', async () => {
        const channel = unique('presence');
        const client = await ctx.open();
        client.send({ event: 'pusher:subscribe', data: { channel, auth: auth(APP, client.socketId, channel) } });
        const [messages] = await settle(ctx.ipc, client);
        assert.ok(messages.some((message) => message.event === 'pusher:subscription_error'));
    });

    test('10,100 bytes of channel_data are over the message limit', async () => {
        const channel = unique('presence');
        const client = await ctx.open();
        client.send(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: '1', user_info: 'x'.repeat(10100) }) }));
        await client.closedWith(1009);
    });

    test('a second subscribe of the same socket changes nothing, whatever user it names', async () => {
        const channel = unique('presence');
        const ann = await join(channel, '1', 'first');
        const watcher = await join(channel, '2');
        await added(ann, channel, '2');
        const again = await ann.subscribe(channel, { data: { user_id: '1', user_info: 'first' } });
        assert.deepEqual(JSON.parse(again.data).presence.ids, ['1', '2']);
        await ann.subscribe(channel, { data: { user_id: '9', user_info: 'other' } });
        await quiet(ctx.ipc, ann, watcher);
        ann.destroy();
        await removed(watcher, channel, '1');
    });

    test('the joiner comes last: others know before it does, and events published afterwards reach it', async () => {
        const channel = unique('presence');
        const ann = await join(channel, 'ann');
        for (let i = 0; i < 50; i++) {
            const client = await join(channel, `u${i}`);
            const { recipients } = await ctx.ipc.publish({ channel, data: String(i) });
            assert.equal(recipients, 2);
            await added(ann, channel, `u${i}`);
            assert.equal((await ann.expect('E', channel)).data, String(i));
            assert.equal((await client.expect('E', channel)).data, String(i));
            client.destroy();
            await removed(ann, channel, `u${i}`);
        }
    });

    const one = twoNodes ? { skip: 'between what several nodes say, each has an order of its own' } : {};
    test('a member event never crosses a publish: every member sees the same order', one, async () => {
        const channel = unique('presence');
        const watchers = await Promise.all([1, 2, 3].map(() => ctx.open()));
        for (const [i, watcher] of watchers.entries()) await watcher.subscribe(channel, { data: { user_id: `w${i}` } });
        await settle(ctx.ipc, ...watchers);
        const joiners = await Promise.all(Array.from({ length: 30 }, () => ctx.open()));
        const publishing = (async () => {
            for (let i = 0; i < 200; i++) await ctx.ipc.publish({ channel, event: 'P', data: String(i) });
        })();
        await Promise.all(
            joiners.map(async (client, i) => {
                client.send(client.subscribeMessage(channel, { data: `{"user_id":"j${i}"}` }));
                for (;;) if ((await client.next()).event === 'pusher_internal:subscription_succeeded') return;
            }),
        );
        await publishing;
        const logs = await settle(ctx.ipc, ...watchers);
        const flat = logs.map((messages) => messages.map((message) => message.text));
        assert.equal(flat[0].length, 230);
        assert.deepEqual(flat[1], flat[0]);
        assert.deepEqual(flat[2], flat[0]);
    });

    test('joining and leaving at once leaves nobody behind', async () => {
        const channel = unique('presence');
        const ann = await join(channel, 'ann');
        for (let i = 0; i < 50; i++) {
            const client = await ctx.open();
            client.send(client.subscribeMessage(channel, { data: `{"user_id":"u${i}"}` }));
            if (i % 2) client.unsubscribe(channel);
            client.socket.end();
            await client.ended;
        }
        let count;
        for (let i = 0; i < 100; i++) {
            const probe = await join(channel, 'probe');
            count = probe.presence.count;
            await probe.close();
            if (count === 2) break;
        }
        assert.equal(count, 2);
        // Of whoever was announced, the leaving was announced too.
        const [messages] = await settle(ctx.ipc, ann);
        const here = new Set();
        for (const message of messages) {
            const { user_id: id } = JSON.parse(message.data);
            if (message.event.endsWith('added')) {
                assert.ok(!here.has(id), `${id} was added twice`);
                here.add(id);
            } else assert.ok(here.delete(id), `${id} was removed without having been added`);
        }
        here.delete('probe');
        assert.deepEqual([...here], []);
    });

    test('subscribe, unsubscribe, subscribe in one write ends subscribed', async () => {
        const channel = unique('presence');
        const client = await ctx.open();
        const message = client.subscribeMessage(channel, { data: '{"user_id":"1"}' });
        client.send(message);
        client.unsubscribe(channel);
        client.send(message);
        const [messages] = await settle(ctx.ipc, client);
        assert.ok(messages.some((m) => m.event === 'pusher_internal:subscription_succeeded'), messages.map((m) => m.text).join());
        assert.equal((await ctx.ipc.publish({ channel })).recipients, 1);
        await client.expect('E', channel);
    });

    test('two subscribes in one write are both answered', async () => {
        const channel = unique('presence');
        const client = await ctx.open();
        const message = client.subscribeMessage(channel, { data: '{"user_id":"1"}' });
        client.send(message);
        client.send(message);
        await client.expect('pusher_internal:subscription_succeeded', channel);
        await client.expect('pusher_internal:subscription_succeeded', channel);
        assert.equal((await ctx.ipc.publish({ channel })).recipients, 1);
        await client.expect('E', channel);
    });

    test('other channels of the same socket go on while a join is pending', async () => {
        const client = await ctx.open();
        const other = unique();
        client.send(client.subscribeMessage(unique('presence'), { data: '{"user_id":"1"}' }));
        client.send({ event: 'pusher:subscribe', data: { channel: other } });
        client.send({ event: 'pusher:ping' });
        const got = [await client.next(), await client.next(), await client.next()].map((message) => message.event).sort();
        assert.deepEqual(got, ['pusher:pong', 'pusher_internal:subscription_succeeded', 'pusher_internal:subscription_succeeded']);
    });

    test('a thousand members', long, async () => {
        const channel = unique('presence');
        const clients = [];
        for (let i = 0; i < 1000; i += 50) {
            clients.push(...(await Promise.all(Array.from({ length: 50 }, () => ctx.open()))));
        }
        await Promise.all(
            clients.map(async (client, i) => {
                client.send(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: i, user_info: { name: `User ${i}` } }) }));
                for (;;) {
                    const message = await client.next();
                    if (message.event === 'pusher_internal:subscription_succeeded') break;
                }
            }),
        );
        const last = await join(channel, 'last');
        assert.equal(last.presence.count, 1001);
        assert.equal(new Set(last.presence.ids.map(String)).size, 1001);
        assert.equal(Object.keys(last.presence.hash).length, 1001);
        for (const client of clients) client.destroy();
    });
});
