// Whispers: who may send them, what arrives, and the rate limit.
import { test } from 'node:test';
import { twoNodes } from '../lib/daemon.mjs';
import assert from 'node:assert/strict';
import { suite, unique } from '../lib/suite.mjs';
import { quiet } from '../lib/ws.mjs';

const apps = {
    'app "none"': { key: 'none', secret: 's', client_events: 'none' },
    'app "all"': { key: 'all', secret: 's', client_events: 'all' },
    'app "fast"': { key: 'fast', secret: 's', client_event_rate: 0 },
    'app "slow"': { key: 'slow', secret: 's', client_event_rate: 2 },
};

suite('client events', { workers: [1, 3], sections: apps }, (ctx) => {
    const app = (key) => ({ id: key, key, secret: 's' });
    const pair = async (channel, options = {}) => {
        const members = [];
        for (const id of ['1', '2']) {
            const client = await ctx.open(options);
            await client.subscribe(channel, channel.startsWith('presence') ? { data: { user_id: id } } : {});
            members.push(client);
        }
        if (channel.startsWith('presence')) await members[0].expect('pusher_internal:member_added');
        return members;
    };

    test('reaches the other members and not the sender', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel);
        const third = await ctx.open();
        await third.subscribe(channel);
        a.send({ event: 'client-typing', channel, data: { x: 1 } });
        for (const client of [b, third]) {
            const message = await client.expect('client-typing', channel);
            assert.deepEqual(JSON.parse(message.text), { event: 'client-typing', channel, data: '{"x":1}' });
        }
        await quiet(ctx.ipc, a, b, third);
    });

    test('carries the user_id on presence, as the server knows it', async () => {
        const channel = unique('presence');
        const [a, b] = await pair(channel);
        a.send({ event: 'client-typing', channel, data: { x: 1 }, user_id: '666' });
        const message = await b.expect('client-typing', channel);
        assert.deepEqual(JSON.parse(message.text), { event: 'client-typing', channel, data: '{"x":1}', user_id: '1' });
        assert.equal(message.text.match(/user_id/g).length, 1);
    });

    test('no user_id is invented on private channels, nor taken from the client', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel);
        a.send({ event: 'client-x', channel, data: {}, user_id: '5', extra: 1 });
        assert.deepEqual(JSON.parse((await b.expect('client-x')).text), { event: 'client-x', channel, data: '{}' });
    });

    test('data leaves as a JSON text: a string as it came, anything else as its own bytes in a string', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel, { app: app('fast') });
        const values = ['{}', '[]', '{ "a" : 1.0 , "b":12345678901234567890123 }', '"text \\u00e9 \\/ é \u{1f600}"', 'null', 'true', '-0', '1e5', '5', '[1 ,2]', '{"a":{"a":1,"a":2}}', '"\\ud83d\\ude00"'];
        for (const value of values) {
            a.send(`{"channel":"${channel}","data":${value},"event":"client-x"}`);
            const message = await b.expect('client-x', channel);
            assert.ok(message.text.includes(`"data":${value.startsWith('"') ? value : JSON.stringify(value)}`), `${value} became ${message.text}`);
        }
    });

    test('data may be missing', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel);
        a.send({ event: 'client-x', channel });
        const message = await b.expect('client-x', channel);
        assert.ok(!('data' in message), message.text);
    });

    test('the name may be escaped and of any characters', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel);
        a.send(`{"event":"client-\\u00fc \\"x\\"","channel":"${channel}","data":1}`);
        await b.expect('client-ü "x"', channel);
    });

    test('a non-member is refused with 4009', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel);
        const stranger = await ctx.open();
        stranger.send({ event: 'client-x', channel, data: {} });
        await stranger.error(4009, 'The client is not a member of the specified channel.');
        stranger.send({ event: 'client-x', channel: unique('private'), data: {} });
        await stranger.error(4009);
        await quiet(ctx.ipc, a, b, stranger);
    });

    test('one that has left is no member', async () => {
        for (const prefix of ['private', 'presence']) {
            const channel = unique(prefix);
            const [a, b] = await pair(channel);
            a.unsubscribe(channel);
            a.send({ event: 'client-x', channel, data: {} });
            await a.error(4009);
            if (prefix === 'presence') await b.expect('pusher_internal:member_removed');
            await quiet(ctx.ipc, a, b);
        }
    });

    test('not on public channels unless the application says all', async () => {
        const channel = unique();
        const [a, b] = await pair(channel);
        a.send({ event: 'client-x', channel, data: {} });
        const message = await a.expect('pusher:error');
        assert.ok([4009, 4301].includes(message.data.code), message.text);
        await quiet(ctx.ipc, a, b);

        const [c, d] = await pair(channel, { app: app('all') });
        c.send({ event: 'client-x', channel, data: { a: 1 } });
        assert.equal((await d.expect('client-x', channel)).data, '{"a":1}');
    });

    test('all does not mean non-members', async () => {
        const channel = unique('private');
        const [, b] = await pair(channel, { app: app('all') });
        const stranger = await ctx.open({ app: app('all') });
        stranger.send({ event: 'client-x', channel, data: {} });
        await stranger.error(4009);
        await quiet(ctx.ipc, stranger, b);
    });

    test('none refuses with 4301', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel, { app: app('none') });
        a.send({ event: 'client-x', channel, data: {} });
        await a.error(4301, 'The app does not have client messaging enabled.');
        await quiet(ctx.ipc, a, b);
    });

    test('not on encrypted channels', async () => {
        const channel = unique('private-encrypted');
        const [a, b] = await pair(channel);
        a.send({ event: 'client-x', channel, data: {} });
        const message = await a.expect('pusher:error');
        assert.ok([4009, 4200, 4301].includes(message.data.code), message.text);
        await quiet(ctx.ipc, a, b);
    });

    test('a name without the prefix is ignored', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel);
        for (const event of ['typing', 'Client-x', 'clientx', 'client']) a.send({ event, channel, data: {} });
        await quiet(ctx.ipc, a, b);
    });

    test('over the rate: 4301, the connection stays, and it recovers', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel, { app: app('slow') });
        for (let i = 0; i < 10; i++) a.send({ event: 'client-x', channel, data: i });
        let errors = 0;
        const got = await a.sync();
        for (const message of got) {
            assert.equal(message.event, 'pusher:error');
            assert.equal(message.data.code, 4301);
            errors++;
        }
        assert.ok(errors >= 6 && errors <= 8, `${errors} of 10 refused at 2 per second`);
        for (let i = 0; i < 10 - errors; i++) await b.expect('client-x', channel);
        // The next one is let through within the second.
        for (;;) {
            a.send({ event: 'client-again', channel, data: {} });
            if (!(await a.sync()).length) break;
            await new Promise((done) => setTimeout(done, 100));
        }
        await b.expect('client-again', channel);
    });

    test('the default rate is 10 a second', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel);
        for (let i = 0; i < 10; i++) a.send({ event: 'client-x', channel, data: i });
        assert.deepEqual(await a.sync(), []);
        for (let i = 0; i < 10; i++) assert.equal((await b.expect('client-x')).data, String(i));
        for (let i = 0; i < 20; i++) a.send({ event: 'client-x', channel, data: i });
        // A new second may begin in between.
        assert.ok((await a.sync()).length >= 9);
    });

    test('no limit where the rate is 0, and the order is kept', async () => {
        const channel = unique('private');
        const [a, b] = await pair(channel, { app: app('fast') });
        for (let i = 0; i < 2000; i++) a.send({ event: 'client-x', channel, data: i });
        for (let i = 0; i < 2000; i++) assert.equal((await b.expect('client-x')).data, String(i));
        assert.deepEqual(await a.sync(), []);
    });

    const one = twoNodes ? { skip: 'between what several nodes say, each has an order of its own' } : {};
    test('all members of all workers see the same order of whispers from several senders', one, async () => {
        const channel = unique('private');
        const members = [];
        for (let i = 0; i < 6; i++) {
            const client = await ctx.open({ app: app('fast') });
            await client.subscribe(channel);
            members.push(client);
        }
        const watchers = members.slice(3);
        for (let i = 0; i < 200; i++) members[i % 3].send({ event: 'client-x', channel, data: i });
        const orders = [];
        for (const watcher of watchers) {
            const order = [];
            for (let i = 0; i < 200; i++) order.push((await watcher.expect('client-x')).data);
            orders.push(order);
        }
        assert.deepEqual(orders[1], orders[0]);
        assert.deepEqual(orders[2], orders[0]);
    });

    test('a whisper right behind a pending presence join is handled after it', async () => {
        const channel = unique('presence');
        const [, b] = await pair(channel);
        const c = await ctx.open();
        c.send(c.subscribeMessage(channel, { data: '{"user_id":"3"}' }));
        c.send({ event: 'client-hello', channel, data: {} });
        await b.expect('pusher_internal:member_added', channel);
        assert.equal((await b.expect('client-hello', channel)).user_id, '3');
    });
});
