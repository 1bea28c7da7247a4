// UTF-8 as RFC 6455 wants it: wherever a text is cut it is the same text, and the first byte that can lead nowhere ends the
// connection with 1007, be the frame or the message complete or not.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { suite } from '../lib/suite.mjs';
import { CLOSE, CONTINUATION, PING, TEXT, clientFrame, closePayload } from '../lib/ws.mjs';
import { BAD, GOOD } from '../lib/utf8.mjs';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
/** A ping of the Pusher protocol with these bytes in it. */
const around = (bytes) => Buffer.concat([Buffer.from('{"event":"pusher:ping","other":"'), Buffer.from(bytes), Buffer.from('"}')]);
const start = around([]).indexOf('"}');

suite('UTF-8', { workers: [1, 3], sections: { limits: { close_timeout: 1, max_message_size: '100K' } } }, (ctx) => {
    const written = (client, bytes) => new Promise((done) => client.socket.write(bytes, done));

    test('every good sequence in one frame', async () => {
        const client = await ctx.open();
        for (const bytes of GOOD) {
            client.write(clientFrame(around(bytes)));
            await client.expect('pusher:pong');
        }
    });

    test('every good sequence cut into two frames at every byte', async () => {
        const client = await ctx.open();
        for (const bytes of GOOD) {
            const text = around(bytes);
            for (let cut = start; cut <= start + bytes.length; cut++) {
                client.write(clientFrame(text.subarray(0, cut), { fin: false }));
                client.write(clientFrame(text.subarray(cut), { opcode: CONTINUATION }));
                await client.expect('pusher:pong');
            }
        }
    });

    test('each byte in a frame of its own, pings and empty frames between', async () => {
        const client = await ctx.open();
        for (const bytes of GOOD) {
            const text = around(bytes);
            for (let i = 0; i < text.length; i++) {
                client.write(clientFrame(text.subarray(i, i + 1), { opcode: i ? CONTINUATION : TEXT, fin: i === text.length - 1 }));
                if (i >= start && i < start + bytes.length) {
                    client.write(clientFrame('p', { opcode: PING }));
                    client.write(clientFrame('', { opcode: CONTINUATION, fin: false }));
                    assert.equal((await client.frame()).pong?.toString(), 'p');
                }
            }
            await client.expect('pusher:pong');
        }
    });

    test('each byte in a TCP segment of its own', async () => {
        const client = await ctx.open();
        for (const bytes of GOOD) {
            for (const byte of clientFrame(around(bytes))) await written(client, Buffer.from([byte]));
            await client.expect('pusher:pong');
        }
    });

    for (const [name, bytes, cut] of BAD) {
        const bad = bytes.slice(0, cut);
        test(`${name} (${hex(bytes)}) is 1007 in a whole message`, async () => {
            const client = await ctx.open();
            client.write(clientFrame(around(bytes)));
            await client.closedWith(1007);
        });
        test(`${name} is 1007 in a fragment, before the message ends`, async () => {
            const client = await ctx.open();
            client.write(clientFrame(around(bad).subarray(0, start + bad.length), { fin: false }));
            await client.closedWith(1007);
        });
        test(`${name} is 1007 when its last byte comes in a fragment of its own`, async () => {
            const client = await ctx.open();
            client.write(clientFrame(around(bad).subarray(0, start + bad.length - 1), { fin: false }));
            client.write(clientFrame('still here', { opcode: PING }));
            assert.deepEqual((await client.frame()).pong?.toString(), 'still here', JSON.stringify(client.log));
            client.write(clientFrame(Buffer.from(bad.slice(-1)), { opcode: CONTINUATION, fin: false }));
            await client.closedWith(1007);
        });
        test(`${name} is 1007 in a frame that is not complete`, async () => {
            const client = await ctx.open();
            const frame = clientFrame(Buffer.concat([around(bad), Buffer.alloc(70_000, 'x')]));
            client.write(clientFrame(around('')));
            client.write(frame.subarray(0, 14 + start + bad.length));
            await client.expect('pusher:pong');
            await client.closedWith(1007);
        });
        test(`${name} is 1007 byte by byte, and not before its last byte`, async () => {
            const client = await ctx.open();
            const frame = clientFrame(Buffer.concat([around(bad).subarray(0, start + bad.length), Buffer.alloc(200, 'x')]));
            const head = frame.length - 200;
            for (let i = 0; i < head - 1; i++) await written(client, frame.subarray(i, i + 1));
            await ctx.ipc.ping();
            assert.deepEqual(client.frames.waiting, []);
            client.write(frame.subarray(head - 1, head));
            await client.closedWith(1007);
        });
    }

    for (const bytes of GOOD.filter((one) => one.length > 1 && one.length <= 4)) {
        test(`the end within ${hex(bytes)} is 1007`, async () => {
            for (let cut = 1; cut < bytes.length; cut++) {
                const whole = await ctx.open();
                whole.write(clientFrame(Buffer.from(bytes.slice(0, cut))));
                await whole.closedWith(1007);
                const fragments = await ctx.open();
                fragments.write(clientFrame(Buffer.from(bytes.slice(0, cut)), { fin: false }));
                fragments.write(clientFrame('', { opcode: CONTINUATION }));
                await fragments.closedWith(1007);
            }
        });
    }

    test('what was valid before the bad frame is still answered', async () => {
        const client = await ctx.open();
        client.write(Buffer.concat([clientFrame(around('')), clientFrame('1', { opcode: PING }), clientFrame(around([0xff]))]));
        await client.expect('pusher:pong');
        assert.equal((await client.frame()).pong?.toString(), '1');
        await client.closedWith(1007);
    });

    test('a close reason is judged too', async () => {
        for (const [, bytes] of BAD) {
            const client = await ctx.open();
            client.write(clientFrame(Buffer.concat([closePayload(1000), Buffer.from(bytes)]), { opcode: CLOSE }));
            await client.closedWith(1007);
        }
        for (const bytes of GOOD.filter((one) => one.length <= 100)) {
            const client = await ctx.open();
            client.write(clientFrame(Buffer.concat([closePayload(1000), Buffer.from(bytes)]), { opcode: CLOSE }));
            await client.closedWith(1000);
        }
    });
});
