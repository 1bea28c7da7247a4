// RFC 6455 on the endpoint that clients use, where frames.test.mjs leaves off: sizes at their borders, many fragments, frames
// that arrive in any pieces, and the closing handshake from both sides. UTF-8 and compression have files of their own.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { suite, unique } from '../lib/suite.mjs';
import { long } from '../lib/paths.mjs';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, clientFrame, closePayload } from '../lib/ws.mjs';

const MAX = 100_000;
const ping = '{"event":"pusher:ping","data":{}}';
/** A ping of the Pusher protocol with `bytes` bytes. */
const sized = (bytes) => `${ping.slice(0, -1)}${' '.repeat(bytes - ping.length)}}`;

suite('conformance', { workers: [1, 3], sections: { limits: { close_timeout: 1, max_message_size: MAX } } }, (ctx) => {
    async function closes(code, ...frames) {
        const client = await ctx.open();
        client.write(Buffer.concat(frames));
        return client.closedWith(code);
    }

    test('sizes at the borders of the length forms and of the limit', async () => {
        const client = await ctx.open();
        for (const size of [ping.length, 125, 126, 127, 65535, 65536, MAX - 1, MAX]) {
            client.send(sized(size));
            await client.expect('pusher:pong');
            client.write(clientFrame(sized(size).slice(0, 20), { fin: false }));
            client.write(clientFrame(sized(size).slice(20), { opcode: CONTINUATION }));
            await client.expect('pusher:pong');
        }
        client.write(clientFrame(sized(MAX), { fin: false }));
        client.write(clientFrame('', { opcode: CONTINUATION }));
        await client.expect('pusher:pong');
        client.send(sized(MAX + 1));
        await client.closedWith(1009);
    });
    test('one byte over the limit is refused by the header that says so', async () => {
        await closes(1009, clientFrame('', { length: MAX + 1 }));
        await closes(1009, clientFrame(sized(MAX), { fin: false }), clientFrame('', { opcode: CONTINUATION, fin: false, length: 1 }));
        await closes(1009, clientFrame('x', { fin: false }), clientFrame('', { opcode: CONTINUATION, length: MAX }));
    });
    test('order and type are judged by the header as well', async () => {
        await closes(1003, clientFrame('', { opcode: BINARY, length: 1000 }));
        await closes(1002, clientFrame('', { opcode: CONTINUATION, length: 1000 }));
        await closes(1002, clientFrame('{', { fin: false }), clientFrame('', { length: 1000 }));
    });
    test('every first byte of a frame', async () => {
        for (let first = 0; first < 256; first++) {
            const opcode = first & 15;
            const fine = [0x81, 0x01, 0x88, 0x89, 0x8a].includes(first);
            const client = await ctx.open();
            client.write(Buffer.from([first, 0x80, 1, 2, 3, 4]));
            if (!fine) await client.closedWith(first === 0x82 || first === 0x02 ? 1003 : 1002);
            else if (first === 0x81) await client.error(4200);
            else if (opcode === CLOSE) assert.equal((await client.frame()).close, 1005);
            else if (opcode === PING) assert.ok((await client.frame()).pong);
            else if (opcode === PONG) await client.sync();
            client.destroy();
        }
    });

    test('a hundred messages, pings and fragments in one write are answered in order', async () => {
        const client = await ctx.open();
        const frames = [];
        for (let i = 0; i < 100; i++) {
            frames.push(clientFrame(ping.slice(0, 7), { fin: false }), clientFrame(`${i}`, { opcode: PING }), clientFrame(ping.slice(7), { opcode: CONTINUATION }), clientFrame(ping));
        }
        client.write(Buffer.concat(frames));
        for (let i = 0; i < 100; i++) {
            assert.equal((await client.frame()).pong?.toString(), `${i}`);
            await client.expect('pusher:pong');
            await client.expect('pusher:pong');
        }
    });
    test('the same bytes in pieces of every size', async () => {
        const bytes = Buffer.concat([
            clientFrame(ping), clientFrame('a', { opcode: PING }), clientFrame(ping.slice(0, 9), { fin: false }), clientFrame('b', { opcode: PING }),
            clientFrame('', { opcode: CONTINUATION, fin: false }), clientFrame(ping.slice(9), { opcode: CONTINUATION }), clientFrame(sized(300)),
        ]);
        const client = await ctx.open();
        for (let size = 1; size <= 40; size++) {
            for (let at = 0; at < bytes.length; at += size) await new Promise((done) => client.socket.write(bytes.subarray(at, at + size), done));
            await client.expect('pusher:pong');
            assert.equal((await client.frame()).pong?.toString(), 'a');
            assert.equal((await client.frame()).pong?.toString(), 'b');
            await client.expect('pusher:pong');
            await client.expect('pusher:pong');
        }
    });
    test('frames behind the handshake in the same packet', async () => {
        const client = await ctx.dial({ glue: Buffer.concat([clientFrame(ping), clientFrame('x', { opcode: PING }), clientFrame(ping).subarray(0, 9)]) });
        await client.established();
        await client.expect('pusher:pong');
        assert.equal((await client.frame()).pong?.toString(), 'x');
    });

    test('a message of 65,536 fragments; a flood of empty ones ends at one more', long, async () => {
        const client = await ctx.open();
        const text = sized(65536);
        client.write(Buffer.concat(Array.from(text, (letter, i) => clientFrame(letter, { opcode: i ? CONTINUATION : TEXT, fin: i === text.length - 1 }))));
        await client.expect('pusher:pong');
        client.write(Buffer.concat(Array.from({ length: 65537 }, (_, i) => clientFrame('', { opcode: i ? CONTINUATION : TEXT, fin: false }))));
        assert.equal((await client.frame()).close, 1009);
        client.destroy();
    });

    test('the daemon closes first: it waits for the answer, and takes nothing more', async () => {
        const client = await ctx.open();
        const watcher = await ctx.open();
        const channel = unique();
        await watcher.subscribe(channel);
        client.write(clientFrame('', { opcode: 3 }));
        assert.equal((await client.frame()).close, 1002);
        client.send({ event: 'pusher:subscribe', data: { channel } });
        client.write(clientFrame(closePayload(1002), { opcode: CLOSE }));
        assert.ok((await client.frame()).end);
        assert.equal((await ctx.ipc.publish({ channel, event: 'E', data: '1' })).recipients, 1);
        await watcher.expect('E', channel);
    });
    test('the client closes first, in the middle of a message and of a join', async () => {
        for (const before of [clientFrame('{', { fin: false }), clientFrame(JSON.stringify({ event: 'pusher:subscribe', data: { channel: unique('cache') } }))]) {
            const client = await ctx.open();
            client.write(Buffer.concat([before, clientFrame(closePayload(4001, 'bye'), { opcode: CLOSE })]));
            const got = [];
            for (let frame = await client.frame(); !frame.end; frame = await client.frame()) got.push(frame);
            assert.equal(got.at(-1).close, 4001);
        }
    });
    test('codes of a close: every one from 0 to 5,100 that means something, and its neighbours', async () => {
        const good = (code) => (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
        for (const code of [0, 1, 500, 999, ...Array.from({ length: 20 }, (_, i) => 1000 + i), 1999, 2000, 2998, 2999, 3000, 3001, 3999, 4000, 4201, 4999, 5000, 5001, 65535]) {
            const client = await ctx.open();
            client.write(clientFrame(closePayload(code, 'r'), { opcode: CLOSE }));
            assert.equal((await client.frame()).close, good(code) ? code : 1002, `code ${code}`);
            assert.ok((await client.frame()).end);
        }
    });
    test('refusals are counted', async () => {
        const before = await ctx.daemon.metrics();
        await closes(1002, clientFrame(ping, { rsv: 2 }));
        await closes(1009, clientFrame('', { length: MAX + 1 }));
        await closes(1007, clientFrame(Buffer.from([0xff]), { fin: false }));
        const after = await ctx.daemon.metrics();
        const more = (name, labels) => after.get(name, labels) - before.get(name, labels);
        assert.equal(more('bad_input_total', 'frame'), 2);
        assert.equal(more('limits_reached_total', 'max_message_size'), 1);
    });
});
