// Envelopes, exact replies, and what is answered to messages that are wrong.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP } from '../lib/daemon.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { auth } from '../lib/sign.mjs';
import { quiet } from '../lib/ws.mjs';

suite('messages', { workers: [1, 3] }, (ctx) => {
    test('pusher:ping is answered with pusher:pong, exactly, and pusher:pong not at all, whatever their data is', async () => {
        const client = await ctx.open();
        const shapes = ['{}', '[]', '""', '"{}"', '"text"', 'null', '0', 'true', '[{"a":1}]'].map((data) => `{"event":"pusher:ping","data":${data}}`);
        for (const ping of [...shapes, '{"event":"pusher:ping"}', ' {"data" : {} , "event":"pusher\\u003aping"} ']) {
            client.send(ping.replace('ping', 'pong'));
            client.send(ping);
            assert.equal((await client.next()).text, '{"event":"pusher:pong"}');
        }
    });

    test('pusher:pong is taken silently', async () => {
        const client = await ctx.open();
        client.send({ event: 'pusher:pong' });
        client.send({ event: 'pusher:pong', data: {} });
        await quiet(ctx.ipc, client);
    });

    const bad = [
        '',
        'not json',
        'null',
        '5',
        '"text"',
        '[]',
        '[{"event":"pusher:ping"}]',
        '{',
        '{"event":"pusher:ping"',
        '{"event":"pusher:ping"}x',
        "{'event':'pusher:ping'}",
        '{"event":"pusher:ping",}',
        '{}',
        '{"data":{}}',
        '{"event":5}',
        '{"event":null}',
        '{"event":[]}',
        '{"event":{}}',
        '{"event":"pusher:subscribe"}',
        '{"event":"pusher:subscribe","data":"sfsfsfs"}',
        '{"event":"pusher:subscribe","data":5}',
        '{"event":"pusher:subscribe","data":[]}',
        '{"event":"pusher:subscribe","data":{}}',
        '{"event":"pusher:subscribe","data":{"channel":null}}',
        '{"event":"pusher:subscribe","data":{"channel":[]}}',
        '{"event":"pusher:subscribe","data":{"channel":5}}',
        '{"event":"pusher:subscribe","data":{"channel":"private-x","auth":[]}}',
        '{"event":"pusher:subscribe","data":{"channel":"private-x","auth":5}}',
        '{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"a:b","channel_data":[]}}',
        '{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"a:b","channel_data":"Hello"}}',
        '{"event":"pusher:unsubscribe","data":{}}',
        '{"event":"pusher:unsubscribe","data":{"channel":[]}}',
        '{"event":"pusher:unknown","data":{}}',
        '{"event":"pusher_internal:subscription_succeeded","data":"{}"}',
        '{"event":"something","data":{}}',
        '{"event":"client-x","data":{}}',
        '{"event":"client-x","channel":[],"data":{}}',
        '{"event":"client-x","channel":null,"data":{}}',
        '[' .repeat(2000) + ']'.repeat(2000),
        '{"event":"client-x","channel":"c","data":' + '['.repeat(3000) + ']'.repeat(3000) + '}',
        '{"event":"pusher:ping","data":"\\ud800"}',
    ];
    for (const text of bad) {
        test(`${text.slice(0, 90) || 'an empty message'} is answered with 4200 and the connection stays`, async () => {
            const client = await ctx.open();
            client.send(text);
            await client.error(4200, 'Invalid message format');
            await client.sync();
        });
    }

    test('pusher:error carries an object as its data', async () => {
        const client = await ctx.open();
        client.send('x');
        assert.equal((await client.next()).text, '{"event":"pusher:error","data":{"code":4200,"message":"Invalid message format"}}');
    });

    test('another event that names a channel is ignored', async () => {
        const client = await ctx.open();
        const other = await ctx.open();
        const channel = unique();
        await client.subscribe(channel);
        await other.subscribe(channel);
        client.send({ event: 'something', channel, data: { a: 1 } });
        client.send({ event: 'App\\Events\\Fake', channel, data: { a: 1 } });
        await quiet(ctx.ipc, client, other);
    });

    test('data of a subscribe may be a JSON string that holds an object', async () => {
        const client = await ctx.open();
        const channel = unique();
        client.send({ event: 'pusher:subscribe', data: JSON.stringify({ channel }) });
        await client.expect('pusher_internal:subscription_succeeded', channel);
    });

    test('many messages in one write are answered in order', async () => {
        const client = await ctx.open();
        const channels = Array.from({ length: 200 }, () => unique());
        for (const channel of channels) client.send({ event: 'pusher:subscribe', data: { channel } });
        for (const channel of channels) await client.expect('pusher_internal:subscription_succeeded', channel);
    });

    test('a message with members that nobody knows works', async () => {
        const client = await ctx.open();
        const channel = unique();
        client.send({ id: 5, event: 'pusher:subscribe', data: { channel, extra: [1, { a: null }] }, more: true });
        await client.expect('pusher_internal:subscription_succeeded', channel);
    });

    test('a wrong message harms nobody else', async () => {
        const channel = unique();
        const good = await ctx.open();
        await good.subscribe(channel);
        const evil = await ctx.open();
        for (const text of bad) evil.send(text);
        for (let i = 0; i < bad.length; i++) await evil.error(4200);
        await ctx.ipc.publish({ channel, event: 'E', data: '1' });
        await good.expect('E', channel);
    });

    test('a subscription_error is double encoded like every server message', async () => {
        const client = await ctx.open();
        client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: 'key1:' + '0'.repeat(64) } });
        const { scoped } = await client.refused('private-x');
        assert.deepEqual(scoped, { type: 'AuthError', error: scoped.error, status: 401 });
    });

    test('an auth of another socket id is refused', async () => {
        const client = await ctx.open();
        const channel = unique('private');
        client.send({ event: 'pusher:subscribe', data: { channel, auth: auth(APP, '1.1', channel) } });
        await client.refused(channel);
    });
});
