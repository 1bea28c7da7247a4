// WebSocket framing: fragments, control frames, close codes, and everything that a broken client may send.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { suite, unique } from '../lib/suite.mjs';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, clientFrame, closePayload, handshake } from '../lib/ws.mjs';

const ping = '{"event":"pusher:ping","data":{}}';

suite('frames', { workers: [1, 3], sections: { limits: { close_timeout: 1 } } }, (ctx) => {
    /** Writes bytes and expects a close frame with this code, and that the daemon hangs up. */
    async function closes(code, ...frames) {
        const client = await ctx.open();
        client.write(Buffer.concat(frames));
        return client.closedWith(code);
    }

    test('a control ping is answered with its payload', async () => {
        const client = await ctx.open();
        for (const payload of ['', 'hello', 'x'.repeat(125)]) {
            client.write(clientFrame(payload, { opcode: PING }));
            assert.equal((await client.frame()).pong?.toString(), payload);
        }
    });

    test('an unasked pong is not answered', async () => {
        const client = await ctx.open();
        client.write(clientFrame('x', { opcode: PONG }));
        assert.deepEqual(await client.sync(), []);
    });

    test('a fragmented message is one message', async () => {
        const client = await ctx.open();
        const channel = unique();
        const text = JSON.stringify({ event: 'pusher:subscribe', data: { channel } });
        client.write(clientFrame(text.slice(0, 5), { fin: false }));
        client.write(clientFrame('', { opcode: CONTINUATION, fin: false }));
        client.write(clientFrame(text.slice(5, 20), { opcode: CONTINUATION, fin: false }));
        client.write(clientFrame(text.slice(20), { opcode: CONTINUATION }));
        await client.expect('pusher_internal:subscription_succeeded', channel);
    });

    test('a message in one-byte fragments, each in its own write, is one message', async () => {
        const client = await ctx.open();
        const bytes = [...Buffer.from(ping)];
        for (let i = 0; i < bytes.length; i++) {
            const frame = clientFrame(Buffer.from([bytes[i]]), { opcode: i ? CONTINUATION : TEXT, fin: i === bytes.length - 1 });
            await new Promise((done) => client.socket.write(frame, done));
        }
        await client.expect('pusher:pong');
    });

    test('a frame that arrives byte by byte is one frame', async () => {
        const client = await ctx.open();
        for (const byte of clientFrame(ping)) await new Promise((done) => client.socket.write(Buffer.from([byte]), done));
        await client.expect('pusher:pong');
    });

    test('a UTF-8 character split over two fragments is fine', async () => {
        const client = await ctx.open();
        const channel = unique('presence');
        const text = Buffer.from(JSON.stringify(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: '1', user_info: '\u00e9\u{1f600}' }) })));
        const cut = text.indexOf(Buffer.from('\u{1f600}')) + 2;
        client.write(clientFrame(text.subarray(0, cut), { fin: false }));
        client.write(clientFrame(text.subarray(cut), { opcode: CONTINUATION }));
        const done = await client.expect('pusher_internal:subscription_succeeded', channel);
        assert.equal(JSON.parse(done.data).presence.hash['1'], '\u00e9\u{1f600}');
    });

    test('control frames between fragments are answered at once and do not break the message', async () => {
        const client = await ctx.open();
        client.write(clientFrame(ping.slice(0, 10), { fin: false }));
        client.write(clientFrame('between', { opcode: PING }));
        assert.equal((await client.frame()).pong?.toString(), 'between');
        client.write(clientFrame('', { opcode: PONG }));
        client.write(clientFrame(ping.slice(10), { opcode: CONTINUATION }));
        await client.expect('pusher:pong');
    });

    test('messages of every length form around the borders arrive', async () => {
        const client = await ctx.open();
        for (const size of [125, 126, 127, 1000, 10000]) {
            const text = ping.slice(0, -1) + ' '.repeat(size - ping.length) + '}';
            client.send(text);
            await client.expect('pusher:pong');
        }
    });

    test('a binary message is refused with 1003', async () => void (await closes(1003, clientFrame(ping, { opcode: BINARY }))));
    test('the first frame of a binary message is enough', async () => void (await closes(1003, clientFrame('x', { opcode: BINARY, fin: false }))));
    test('a binary opcode inside a fragmented message is 1002', async () =>
        void (await closes(1002, clientFrame('{', { fin: false }), clientFrame('x', { opcode: BINARY }))));
    test('a text opcode inside a fragmented message is 1002', async () =>
        void (await closes(1002, clientFrame('{', { fin: false }), clientFrame('}', { opcode: TEXT }))));
    test('a continuation of nothing is 1002', async () => void (await closes(1002, clientFrame('x', { opcode: CONTINUATION }))));
    test('an unmasked frame is 1002', async () => void (await closes(1002, clientFrame(ping, { mask: false }))));
    for (const rsv of [1, 2, 4, 7]) {
        test(`reserved bits ${rsv} are 1002`, async () => void (await closes(1002, clientFrame(ping, { rsv }))));
    }
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
        test(`opcode ${opcode} is 1002`, async () => void (await closes(1002, clientFrame('', { opcode }))));
    }
    for (const opcode of [PING, PONG, CLOSE]) {
        test(`a fragmented control frame (opcode ${opcode}) is 1002`, async () => void (await closes(1002, clientFrame('', { opcode, fin: false }))));
        test(`a control frame (opcode ${opcode}) of 126 bytes is 1002`, async () => void (await closes(1002, clientFrame('x'.repeat(126), { opcode }))));
    }
    test('a length in a longer form than needed is 1002', async () => {
        await closes(1002, clientFrame(ping, { form: 16 }));
        await closes(1002, clientFrame(ping, { form: 64 }));
    });

    for (const [name, bytes] of Object.entries({
        'a lone continuation byte': [0x80],
        'an overlong form': [0xc0, 0xaf],
        'a surrogate': [0xed, 0xa0, 0x80],
        'above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
        'a truncated character': [0xe2, 0x82],
    })) {
        test(`invalid UTF-8 (${name}) is 1007`, async () => void (await closes(1007, clientFrame(Buffer.concat([Buffer.from('{"event":"'), Buffer.from(bytes), Buffer.from('"}')])))));
    }
    test('invalid UTF-8 in fragments is 1007', async () =>
        void (await closes(1007, clientFrame(Buffer.from([0xe2, 0x82]), { fin: false }), clientFrame('x', { opcode: CONTINUATION }))));

    test('a message over max_message_size is 1009', async () => {
        const frame = await closes(1009, clientFrame('x'.repeat(10241)));
        assert.match(frame.reason, /size/i);
    });
    test('a message that exceeds it in fragments is 1009', async () =>
        void (await closes(1009, ...Array.from({ length: 3 }, (_, i) => clientFrame('x'.repeat(4000), { opcode: i ? CONTINUATION : TEXT, fin: false })))));
    test('an announced length is judged before its bytes arrive', async () => {
        await closes(1009, clientFrame('', { length: 1_000_000 }));
        await closes(1009, clientFrame('', { length: 2 ** 40 }));
    });
    test('a length over 2^63 is refused', async () => {
        const client = await ctx.open();
        client.write(Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]));
        const frame = await client.frame();
        assert.ok([1002, 1009].includes(frame.close), JSON.stringify(frame));
        client.destroy();
    });

    test('a client\'s close is answered with its code, then the daemon hangs up', async () => {
        for (const code of [1000, 1001, 3000, 4000, 4999]) {
            const client = await ctx.open();
            client.write(clientFrame(closePayload(code, 'bye'), { opcode: CLOSE }));
            assert.equal((await client.frame()).close, code);
            assert.ok((await client.frame()).end);
        }
    });
    test('a close without a code is answered with an empty close or 1000', async () => {
        const client = await ctx.open();
        client.write(clientFrame('', { opcode: CLOSE }));
        assert.ok([1000, 1005].includes((await client.frame()).close));
        assert.ok((await client.frame()).end);
    });
    test('close codes that may not be sent are 1002', async () => {
        for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000]) await closes(1002, clientFrame(closePayload(code), { opcode: CLOSE }));
    });
    test('a close of one byte is 1002', async () => void (await closes(1002, clientFrame('x', { opcode: CLOSE }))));
    test('a close reason that is not UTF-8 is 1007', async () =>
        void (await closes(1007, clientFrame(Buffer.concat([closePayload(1000), Buffer.from([0xff])]), { opcode: CLOSE }))));
    test('nothing behind a close is handled', async () => {
        const client = await ctx.open();
        client.write(Buffer.concat([clientFrame(closePayload(1000), { opcode: CLOSE }), clientFrame(ping)]));
        assert.equal((await client.frame()).close, 1000);
        assert.ok((await client.frame()).end);
    });
    test('what was asked before a close is answered before it', async () => {
        const client = await ctx.open();
        client.write(Buffer.concat([clientFrame(ping), clientFrame('x', { opcode: BINARY })]));
        await client.expect('pusher:pong');
        await client.closedWith(1003);
    });
    test('data and the end of the stream together: the data counts', async () => {
        const channel = unique();
        const watcher = await ctx.open();
        await watcher.subscribe(channel);
        for (let i = 0; i < 20; i++) {
            const client = await ctx.open();
            await client.subscribe(unique());
            client.socket.end(clientFrame(ping));
            await client.ended;
        }
        assert.ok(!watcher.closed);
        await watcher.sync();
    });
    test('a client that never answers the close frame is hung up on', async () => {
        const client = await ctx.open();
        client.write(clientFrame('x', { opcode: BINARY }));
        assert.equal((await client.frame()).close, 1003);
        assert.ok((await client.frame('the end')).end);
    });
    test('garbage behind the handshake ends that connection alone', async () => {
        const good = await ctx.open();
        for (let i = 0; i < 20; i++) {
            const bytes = Buffer.from(Array.from({ length: 500 }, () => Math.floor(Math.random() * 256)));
            bytes[0] = 0xf3;
            const evil = await ctx.dial({ glue: bytes });
            await evil.ended;
        }
        await good.sync();
    });
    test('a head without an end, then the end of the stream', async () => {
        const good = await ctx.open();
        const evil = await ctx.open();
        evil.socket.end(handshake('/app/key1').slice(0, 20));
        await evil.ended;
        await good.sync();
    });
    test('bad frames are counted', async () => {
        const before = (await ctx.daemon.metrics()).get('bad_input_total', 'frame') ?? 0;
        await closes(1002, clientFrame('', { opcode: 3 }));
        assert.ok((await ctx.daemon.metrics()).get('bad_input_total', 'frame') > before);
    });
});

suite('a tiny message limit', { sections: { limits: { max_message_size: 1 } } }, (ctx) => {
    test('is refused as Reverb does', async () => {
        const client = await ctx.open();
        client.send({ event: 'pusher:subscribe', data: { channel: 'c' } });
        assert.equal((await client.frame()).close, 1009);
    });
});

suite('a large message limit', { sections: { limits: { max_message_size: '200K' } } }, (ctx) => {
    test('20,000 bytes of channel_data pass', async () => {
        const client = await ctx.open();
        const channel = unique('presence');
        const info = 'x'.repeat(20000);
        const done = await client.subscribe(channel, { data: { user_id: '1', user_info: info } });
        assert.equal(JSON.parse(done.data).presence.hash['1'], info);
    });
    test('a client event of 150 KB passes', async () => {
        const a = await ctx.open();
        const b = await ctx.open();
        const channel = unique('private');
        await a.subscribe(channel);
        await b.subscribe(channel);
        a.send({ event: 'client-big', channel, data: 'x'.repeat(150_000) });
        assert.equal((await b.expect('client-big', channel)).data.length, 150_000);
    });
});
