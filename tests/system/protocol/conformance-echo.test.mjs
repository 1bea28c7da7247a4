// The codec on its own, against the build with an echo endpoint: the cases of RFC 6455 and RFC 7692 in the groups in which
// conformance suites usually have them. Each case names its group in front.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { constants, deflateRawSync } from 'node:zlib';
import { APP, Daemon } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { buildEcho } from '../lib/echo.mjs';
import { long } from '../lib/paths.mjs';
import { deadline } from '../lib/wait.mjs';
import { BAD, GOOD } from '../lib/utf8.mjs';
import { BINARY, CLOSE, CONTINUATION, Client, PING, PONG, TEXT, clientFrame, closePayload, pack } from '../lib/ws.mjs';

const MAX = 16 << 20;
const FRAGMENTS = 65536;
/** Text with characters of one, two, three and four bytes, or bytes of all values. */
const alphabet = Buffer.from('Conformance \u00e9\u4e16\u{1f600} ');
function text(size) {
    const whole = Buffer.alloc(size, alphabet);
    // the last character may be cut: letters instead
    const cut = size % alphabet.length;
    return cut ? Buffer.concat([whole.subarray(0, size - cut), Buffer.alloc(cut, 'x')]) : whole;
}
const binary = (size) => Buffer.alloc(size, Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 167) & 255)));

for (const workers of [1, 3]) {
    describe(`echo (workers=${workers})`, () => {
        let daemon;
        const clients = new Set();
        before(async () => {
            daemon = await Daemon.start({ workers, binary: buildEcho(), sections: { limits: { close_timeout: 1 } } });
        });
        after(async () => {
            for (const client of clients) client.destroy();
            await daemon?.stop();
        });
        async function open(extensions) {
            const client = await Client.dial(daemon, { app: APP, path: '/__echo', headers: extensions ? { 'Sec-WebSocket-Extensions': extensions } : {} });
            clients.add(client);
            client.ended.then(() => clients.delete(client));
            const response = await client.response();
            assert.equal(response?.status, 101, response?.first);
            if (extensions) assert.ok(client.windowBits, 'compression was not agreed upon');
            return client;
        }
        const written = (client, bytes) => new Promise((done) => client.socket.write(bytes, done));
        async function echoed(client, payload, opcode) {
            const frame = await client.frame(`${payload.length} bytes`);
            const got = opcode === BINARY ? frame.binary : frame.bytes;
            assert.ok(got, `expected ${payload.length} bytes of type ${opcode}, got ${JSON.stringify(frame).slice(0, 200)}`);
            assert.ok(got.equals(payload), `${got.length} bytes came back for ${payload.length}, or other ones`);
            return frame;
        }
        async function closes(code, ...frames) {
            const client = await open();
            client.write(Buffer.concat(frames));
            return client.closedWith(code);
        }
        /** Splits into frames of at most `size` bytes. */
        function* fragments(payload, size, opcode = TEXT, rsv = 0) {
            for (let at = 0; at === 0 || at < payload.length; at += size) {
                yield clientFrame(payload.subarray(at, at + size), { opcode: at ? CONTINUATION : opcode, rsv: at ? 0 : rsv, fin: at + size >= payload.length });
            }
        }

        // ---- 1: lengths
        for (const [name, opcode, make] of [['text', TEXT, text], ['binary', BINARY, binary]]) {
            test(`1: ${name} of every length form, in one write and in pieces`, async () => {
                const client = await open();
                for (const size of [0, 1, 125, 126, 127, 128, 65535, 65536, 65537]) {
                    const payload = make(size);
                    client.write(clientFrame(payload, { opcode }));
                    await echoed(client, payload, opcode);
                    const frame = clientFrame(payload, { opcode });
                    for (let at = 0; at < frame.length; at += 997) await written(client, frame.subarray(at, at + 997));
                    await echoed(client, payload, opcode);
                }
            });
            test(`1: ${name} byte by byte`, async () => {
                const client = await open();
                for (const size of [0, 1, 125, 126, 300]) {
                    const payload = make(size);
                    for (const byte of clientFrame(payload, { opcode })) await written(client, Buffer.from([byte]));
                    await echoed(client, payload, opcode);
                }
            });
            test(`1: ${name} in a length form that is too long is 1002`, async () => {
                for (const [size, form] of [[0, 16], [125, 16], [0, 64], [125, 64], [126, 64], [65535, 64]]) await closes(1002, clientFrame(make(size), { opcode, form }));
            });
        }
        test('1: a length with its highest bit is refused by its first byte', async () => {
            await closes(1002, Buffer.from([0x82, 0xff, 0x80]));
        });

        // ---- 2: pings and pongs
        test('2: a ping is answered with its bytes, in every size, in one write and byte by byte', async () => {
            const client = await open();
            for (const payload of [Buffer.alloc(0), Buffer.from('hello'), Buffer.from([0, 255, 254, 253, 0]), binary(125)]) {
                client.write(clientFrame(payload, { opcode: PING }));
                assert.deepEqual((await client.frame()).pong, payload);
                for (const byte of clientFrame(payload, { opcode: PING })) await written(client, Buffer.from([byte]));
                assert.deepEqual((await client.frame()).pong, payload);
            }
        });
        test('2: ten pings at once have ten answers in order', async () => {
            const client = await open();
            client.write(Buffer.concat(Array.from({ length: 10 }, (_, i) => clientFrame(`ping-${i}`, { opcode: PING }))));
            for (let i = 0; i < 10; i++) assert.equal((await client.frame()).pong?.toString(), `ping-${i}`);
        });
        test('2: pongs are not answered', async () => {
            const client = await open();
            client.write(Buffer.concat([clientFrame('', { opcode: PONG }), clientFrame('unasked', { opcode: PONG }), clientFrame('x', { opcode: PING })]));
            assert.equal((await client.frame()).pong?.toString(), 'x');
        });
        for (const opcode of [PING, PONG, CLOSE]) {
            test(`2: a control frame (${opcode}) of 126 bytes, of 65,536, or fragmented is 1002`, async () => {
                await closes(1002, clientFrame(binary(126), { opcode }));
                await closes(1002, clientFrame(binary(65536), { opcode }));
                await closes(1002, clientFrame('', { opcode, fin: false }));
            });
        }

        // ---- 3, 4: reserved bits and opcodes; masks
        for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
            test(`3: reserved bits ${rsv} are 1002 on every opcode, and what came before is answered`, async () => {
                for (const opcode of [TEXT, BINARY, PING, PONG, CLOSE]) {
                    const client = await open();
                    client.write(Buffer.concat([clientFrame('before'), clientFrame('*', { opcode, rsv })]));
                    await echoed(client, Buffer.from('before'), TEXT);
                    await client.closedWith(1002);
                }
            });
        }
        for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
            test(`4: opcode ${opcode} is 1002, empty or not, final or not`, async () => {
                for (const payload of ['', 'x']) for (const fin of [true, false]) await closes(1002, clientFrame(payload, { opcode, fin }));
            });
        }
        test('4: a frame without a mask is 1002', async () => {
            for (const opcode of [TEXT, BINARY, PING, PONG, CLOSE]) await closes(1002, clientFrame('x', { opcode, mask: false }));
        });
        test('4: every byte of a mask is used, a mask of zeros as well', async () => {
            const client = await open();
            for (const key of [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [255, 255, 255, 255], [1, 2, 3, 4]]) {
                for (const size of [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17]) {
                    const payload = binary(size);
                    client.write(Buffer.concat([Buffer.from([0x82, 0x80 | size, ...key]), payload.map((byte, i) => byte ^ key[i & 3])]));
                    await echoed(client, payload, BINARY);
                }
            }
        });

        // ---- 5: fragments
        for (const opcode of [TEXT, BINARY]) {
            test(`5: fragments of type ${opcode}, empty ones among them, one message`, async () => {
                const client = await open();
                for (const parts of [['', ''], ['a', ''], ['', 'a'], ['a', 'b'], ['a', '', 'b'], ['', '', '', ''], ['fragment1', 'fragment2', 'fragment3']]) {
                    parts.forEach((part, i) => client.write(clientFrame(part, { opcode: i ? CONTINUATION : opcode, fin: i === parts.length - 1 })));
                    await echoed(client, Buffer.from(parts.join('')), opcode);
                }
            });
        }
        test('5: pings between fragments are answered at once, in order', async () => {
            const client = await open();
            for (let i = 0; i < 5; i++) {
                client.write(clientFrame(`part${i} `, { opcode: i ? CONTINUATION : TEXT, fin: i === 4 }));
                if (i === 4) break;
                client.write(clientFrame(`p${i}`, { opcode: PING }));
                client.write(clientFrame('', { opcode: PONG }));
                assert.equal((await client.frame()).pong?.toString(), `p${i}`);
            }
            await echoed(client, Buffer.from('part0 part1 part2 part3 part4 '), TEXT);
        });
        test('5: the same in one write, and byte by byte', async () => {
            const bytes = Buffer.concat([
                clientFrame('one', { fin: false }), clientFrame('p', { opcode: PING }), clientFrame('two', { opcode: CONTINUATION, fin: false }),
                clientFrame('q', { opcode: PING }), clientFrame('three', { opcode: CONTINUATION }),
            ]);
            const client = await open();
            for (const step of [bytes.length, 1]) {
                for (let at = 0; at < bytes.length; at += step) await written(client, bytes.subarray(at, at + step));
                assert.equal((await client.frame()).pong?.toString(), 'p');
                assert.equal((await client.frame()).pong?.toString(), 'q');
                await echoed(client, Buffer.from('onetwothree'), TEXT);
            }
        });
        test('5: a continuation of nothing is 1002, final or not, also behind a whole message', async () => {
            for (const fin of [true, false]) {
                await closes(1002, clientFrame('x', { opcode: CONTINUATION, fin }), clientFrame('y'));
                const client = await open();
                client.write(Buffer.concat([clientFrame('a', { fin: false }), clientFrame('b', { opcode: CONTINUATION }), clientFrame('x', { opcode: CONTINUATION, fin })]));
                await echoed(client, Buffer.from('ab'), TEXT);
                await client.closedWith(1002);
            }
        });
        test('5: a new message inside of one is 1002', async () => {
            for (const opcode of [TEXT, BINARY]) for (const fin of [true, false]) await closes(1002, clientFrame('a', { fin: false }), clientFrame('b', { opcode, fin }));
        });
        test('5: a close inside of a message ends it', async () => {
            const client = await open();
            client.write(Buffer.concat([clientFrame('a', { fin: false }), clientFrame(closePayload(1000), { opcode: CLOSE }), clientFrame('b', { opcode: CONTINUATION })]));
            assert.equal((await client.frame()).close, 1000);
            assert.ok((await client.frame()).end);
        });
        test('5: as many fragments as are allowed, an empty last one behind them, and one more', long, async () => {
            const client = await open();
            const payload = text(FRAGMENTS);
            client.write(Buffer.concat([...fragments(payload, 1)]));
            await echoed(client, payload, TEXT);
            const empty = Buffer.concat(Array.from({ length: FRAGMENTS }, (_, i) => clientFrame('', { opcode: i ? CONTINUATION : TEXT, fin: false })));
            client.write(Buffer.concat([empty, clientFrame('', { opcode: PING })]));
            assert.ok((await client.frame()).pong);
            client.write(clientFrame('', { opcode: CONTINUATION }));
            await echoed(client, Buffer.alloc(0), TEXT);
            // What ends the message must be empty then, and what is empty must end it.
            for (const more of [clientFrame('x', { opcode: CONTINUATION }), clientFrame('', { opcode: CONTINUATION, fin: false })]) {
                const other = await open();
                other.write(Buffer.concat([empty, more]));
                await other.closedWith(1009);
            }
        });

        // ---- 6: UTF-8
        test('6: good text in frames and fragments, cut anywhere', async () => {
            const client = await open();
            for (const bytes of GOOD) {
                const payload = Buffer.from([...Buffer.from('<'), ...bytes, ...Buffer.from('>')]);
                client.write(clientFrame(payload));
                await echoed(client, payload, TEXT);
                for (let size = 1; size <= Math.min(payload.length, 5); size++) {
                    client.write(Buffer.concat([...fragments(payload, size)]));
                    await echoed(client, payload, TEXT);
                }
            }
        });
        test('6: bad text is 1007 at its first bad byte, bad bytes in binary are fine', async () => {
            for (const [, bytes, cut] of BAD) {
                await closes(1007, clientFrame(Buffer.from(bytes)));
                await closes(1007, clientFrame(Buffer.from(bytes.slice(0, cut)), { fin: false }));
                await closes(1007, clientFrame(Buffer.from([...bytes, 0, 0]), {}).subarray(0, 6 + cut));
                const client = await open();
                client.write(clientFrame(Buffer.from(bytes), { opcode: BINARY }));
                await echoed(client, Buffer.from(bytes), BINARY);
            }
        });

        // ---- 7: closing
        test('7: codes that may be sent come back, all others are 1002', async () => {
            for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
                const client = await open();
                client.write(clientFrame(closePayload(code, 'because'), { opcode: CLOSE }));
                assert.equal((await client.frame()).close, code);
                assert.ok((await client.frame()).end);
            }
            for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]) await closes(1002, clientFrame(closePayload(code), { opcode: CLOSE }));
        });
        test('7: an empty close, one with the longest reason; one of a single byte', async () => {
            const client = await open();
            client.write(clientFrame('', { opcode: CLOSE }));
            assert.equal((await client.frame()).close, 1005);
            assert.ok((await client.frame()).end);
            const talkative = await open();
            talkative.write(clientFrame(closePayload(1000, 'x'.repeat(123)), { opcode: CLOSE }));
            assert.equal((await talkative.frame()).close, 1000);
            assert.ok((await talkative.frame()).end);
            await closes(1002, clientFrame('x', { opcode: CLOSE }));
            await closes(1007, clientFrame(Buffer.concat([closePayload(1000), Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xed, 0xa0, 0x80])]), { opcode: CLOSE }));
        });
        test('7: nothing behind a close is read; what came before is answered', async () => {
            const client = await open();
            client.write(Buffer.concat([clientFrame('before'), clientFrame(closePayload(1000), { opcode: CLOSE }), clientFrame('after'), clientFrame('', { opcode: PING }), clientFrame(closePayload(1001), { opcode: CLOSE })]));
            await echoed(client, Buffer.from('before'), TEXT);
            assert.equal((await client.frame()).close, 1000);
            assert.ok((await client.frame()).end);
        });
        test('7: a close behind 256 KB of text waits for them', async () => {
            const client = await open();
            const payload = text(262144);
            client.write(Buffer.concat([clientFrame(payload), clientFrame(closePayload(1000), { opcode: CLOSE })]));
            await echoed(client, payload, TEXT);
            assert.equal((await client.frame()).close, 1000);
        });

        // ---- 9, 10: sizes
        for (const [name, opcode, make] of [['text', TEXT, text], ['binary', BINARY, binary]]) {
            test(`9: ${name} of 64 KB to 16 MB in one frame`, long, async () => {
                const client = await open();
                for (const size of [1 << 16, 1 << 18, 1 << 20, 1 << 22, MAX]) {
                    const payload = make(size);
                    client.write(clientFrame(payload, { opcode }));
                    await echoed(client, payload, opcode);
                }
                client.write(clientFrame('', { opcode, length: MAX + 1 }));
                await client.closedWith(1009);
            });
            test(`9: ${name} of 4 MB in fragments of 64 bytes to 4 MB`, long, async () => {
                const client = await open();
                const payload = make(1 << 22);
                for (const size of [64, 256, 1024, 4096, 65536, 1 << 20]) {
                    client.write(Buffer.concat([...fragments(payload, size, opcode)]));
                    await echoed(client, payload, opcode);
                }
            });
            test(`9: ${name} of 1 MB in writes of 1,024 bytes`, long, async () => {
                const client = await open();
                const payload = make(1 << 20);
                const frame = clientFrame(payload, { opcode });
                for (let at = 0; at < frame.length; at += 1024) await written(client, frame.subarray(at, at + 1024));
                await echoed(client, payload, opcode);
            });
            test(`9: 1,000 messages of ${name}, pipelined`, async () => {
                const client = await open();
                for (const size of [0, 16, 64, 256, 1024]) {
                    const payload = make(size);
                    client.write(Buffer.concat(Array.from({ length: 1000 }, () => clientFrame(payload, { opcode }))));
                    for (let i = 0; i < 1000; i++) await echoed(client, payload, opcode);
                }
            });
        }
        test('9: fragments that together exceed 16 MB are 1009 by the header that does it', long, async () => {
            const client = await open();
            client.write(clientFrame(binary(MAX), { opcode: BINARY, fin: false }));
            client.write(clientFrame('', { opcode: CONTINUATION, fin: false, length: 1 }).subarray(0, 6));
            await client.closedWith(1009);
        });
        test('9: a client that sends much and reads late gets all of it', long, async () => {
            const client = await open();
            client.socket.pause();
            const payload = binary(1 << 20);
            for (let i = 0; i < 24; i++) client.write(clientFrame(payload, { opcode: BINARY }));
            client.socket.resume();
            for (let i = 0; i < 24; i++) await echoed(client, payload, BINARY);
        });
        test('10: 64 KB in fragments of 1,300 bytes', async () => {
            const client = await open();
            client.write(Buffer.concat([...fragments(text(65536), 1300)]));
            await echoed(client, text(65536), TEXT);
        });

        // ---- 12, 13: compression
        for (const offer of [
            'permessage-deflate',
            'permessage-deflate; client_max_window_bits',
            'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
            ...[8, 9, 10, 11, 12, 13, 14, 15].map((bits) => `permessage-deflate; server_max_window_bits=${bits}`),
            'permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9',
        ]) {
            test(`12, 13: ${offer}: all sizes, text and binary, compressed, plain and in fragments`, async () => {
                const client = await open(offer);
                const bits = /client_max_window_bits=9/.test(offer) ? 9 : 15;
                for (const size of [0, 16, 64, 127, 128, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072]) {
                    for (const [opcode, payload] of [[TEXT, text(size)], [BINARY, binary(size)]]) {
                        const packed = pack(payload, bits);
                        client.write(clientFrame(packed, { opcode, rsv: 4 }));
                        const frame = await echoed(client, payload, opcode);
                        if (size < 128) assert.ok(!frame.packed);
                        else if (opcode === TEXT && size > 128) assert.ok(frame.packed, `${size} bytes`);
                        client.write(Buffer.concat([...fragments(packed, 100, opcode, 4)]));
                        await echoed(client, payload, opcode);
                        client.write(clientFrame(payload, { opcode }));
                        await echoed(client, payload, opcode);
                    }
                }
            });
        }
        test('12: 1,000 messages of growing size', async () => {
            const client = await open('permessage-deflate');
            const sizes = Array.from({ length: 1000 }, (_, i) => (i * i) % 9973);
            client.write(Buffer.concat(sizes.map((size, i) => (i % 4 ? clientFrame(pack(text(size)), { rsv: 4 }) : clientFrame(text(size))))));
            for (const size of sizes) await echoed(client, text(size), TEXT);
        });
        test('12: 16 MB compressed; one byte more is 1009', long, async () => {
            const client = await open('permessage-deflate');
            client.write(clientFrame(pack(binary(MAX)), { opcode: BINARY, rsv: 4 }));
            await echoed(client, binary(MAX), BINARY);
            client.write(clientFrame(pack(Buffer.alloc(MAX + 1)), { opcode: BINARY, rsv: 4 }));
            await client.closedWith(1009);
        });
        test('12: compressed bytes cut at every place are one message', async () => {
            const client = await open('permessage-deflate');
            const payload = text(700);
            const packed = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH, level: 9 }).subarray(0, -4);
            for (let cut = 0; cut <= packed.length; cut++) {
                client.write(clientFrame(packed.subarray(0, cut), { rsv: 4, fin: false }));
                client.write(clientFrame('', { opcode: PING }));
                client.write(clientFrame(packed.subarray(cut), { opcode: CONTINUATION }));
                assert.ok((await client.frame()).pong);
                await echoed(client, payload, TEXT);
            }
        });
        test('12: ws echoes through it, compressed and not', async () => {
            const WebSocket = need('ws');
            for (const perMessageDeflate of [false, { threshold: 0 }, { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 }]) {
                const socket = new WebSocket(`ws://127.0.0.1:${daemon.port}/__echo`, { perMessageDeflate });
                await deadline(new Promise((done, fail) => socket.once('open', done).once('error', fail)), 'ws to open');
                for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
                    for (const [payload, isBinary] of [[text(size).toString(), false], [binary(size), true]]) {
                        const answer = deadline(new Promise((done) => socket.once('message', (data, kind) => done([data, kind]))), `${size} bytes`);
                        socket.send(payload);
                        const [data, kind] = await answer;
                        assert.equal(kind, isBinary);
                        assert.ok(data.equals(Buffer.from(payload)));
                    }
                }
                const ended = new Promise((done) => socket.once('close', (code) => done(code)));
                socket.close(1000);
                assert.equal(await deadline(ended, 'the close'), 1000);
            }
        });
    });
}

describe('without the option', () => {
    test('/__echo is 404', async () => {
        const daemon = await Daemon.start();
        try {
            const client = await Client.dial(daemon, { path: '/__echo' });
            assert.equal((await client.response()).status, 404);
            assert.equal((await daemon.http('/__echo')).status, 404);
            client.destroy();
        } finally {
            await daemon.stop();
        }
    });
});
