// permessage-deflate (RFC 7692): the handshake, what the daemon compresses and for whom, and what it takes from clients.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { deflateRawSync } from 'node:zlib';
import { need } from '../lib/deps.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { BAD, GOOD } from '../lib/utf8.mjs';
import { CLOSE, CONTINUATION, PING, PONG, TEXT, clientFrame, closePayload, pack, settle } from '../lib/ws.mjs';

const MAX = 20_000;
const answer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const offering = (value) => ({ headers: { 'Sec-WebSocket-Extensions': value } });
const offer = offering('permessage-deflate; client_max_window_bits');
const ping = '{"event":"pusher:ping","data":{}}';
/** A ping of the Pusher protocol with `bytes` bytes. */
const sized = (bytes) => `${ping.slice(0, -1)}${' '.repeat(bytes - ping.length)}}`;
/** Text that repeats itself at all distances up to 60,000, and does not shrink to nothing. */
function sample(length) {
    const words = Array.from({ length: 6000 }, (_, i) => `w${(i * 2654435761 % 1e9).toString(36)}`);
    let text = '';
    for (let i = 0; text.length < length; i = (i * 7 + 3) % words.length) text += `${words[i]}${words[(i + 1) % 7]} `;
    return text.slice(0, length);
}

suite('permessage-deflate', {
    workers: [1, 3],
    sections: {
        server: { permessage_deflate: 'yes' },
        limits: { close_timeout: 1, max_message_size: MAX, max_event_size: '1M' },
        'app "app1"': { client_event_rate: 0 },
        'app "plain"': { key: 'plain', secret: 'secret-of-plain', permessage_deflate: 'no' },
    },
}, (ctx) => {
    const packed = () => ctx.open(offer);
    async function closes(code, ...frames) {
        const client = await packed();
        client.write(Buffer.concat(frames));
        return client.closedWith(code);
    }

    for (const [header, wanted] of [
        ['permessage-deflate', answer],
        ['permessage-deflate; client_max_window_bits', answer],
        ['permessage-deflate; client_max_window_bits=8', answer],
        ['permessage-deflate; client_no_context_takeover; server_no_context_takeover', answer],
        ...[8, 9, 10, 11, 12, 13, 14, 15].map((bits) => [`permessage-deflate; server_max_window_bits=${bits}`, `${answer}; server_max_window_bits=${bits}`]),
        ['permessage-deflate; server_max_window_bits="10"', `${answer}; server_max_window_bits=10`],
        ['permessage-deflate; server_max_window_bits=9, permessage-deflate', `${answer}; server_max_window_bits=9`],
        ['permessage-deflate; server_max_window_bits=7, permessage-deflate', answer],
        ['x-webkit-deflate-frame, permessage-deflate', answer],
        [['x-other', 'permessage-deflate; bogus', 'permessage-deflate; server_max_window_bits=12'], `${answer}; server_max_window_bits=12`],
        [null, undefined],
        ['', undefined],
        ['x-webkit-deflate-frame', undefined],
        ['permessage-deflate; server_max_window_bits', undefined],
        ['permessage-deflate; server_max_window_bits=16', undefined],
        ['permessage-deflate; server_max_window_bits=08', undefined],
        ['permessage-deflate; client_max_window_bits=7', undefined],
        ['permessage-deflate; server_no_context_takeover=1', undefined],
        ['permessage-deflate; client_no_context_takeover; client_no_context_takeover', undefined],
        ['permessage-deflate; bogus', undefined],
    ]) {
        test(`offered ${JSON.stringify(header)}, answered ${JSON.stringify(wanted)}`, async () => {
            const client = await ctx.dial(offering(header));
            const response = await client.response();
            assert.equal(response.status, 101);
            assert.equal(response.headers['sec-websocket-extensions'], wanted);
            await client.expect('pusher:connection_established');
            await client.sync();
        });
    }

    test('an application that is left out agrees to nothing, and takes no compressed frame', async () => {
        const client = await ctx.open({ app: { key: 'plain', secret: 'secret-of-plain' }, ...offer });
        assert.equal(client.windowBits, undefined);
        client.write(clientFrame(pack(ping), { rsv: 4 }));
        await client.closedWith(1002);
    });

    test('a refused client is not agreed with', async () => {
        const client = await ctx.dial({ path: '/app/nobody?protocol=7', ...offer });
        assert.equal((await client.response()).headers['sec-websocket-extensions'], undefined);
        await client.error(4001);
    });

    test('one event, every window and none: all get the same text', async () => {
        const channel = unique();
        const clients = [await ctx.open(), await packed()];
        for (let bits = 8; bits <= 15; bits++) clients.push(await ctx.open(offering(`permessage-deflate; server_max_window_bits=${bits}`)));
        for (const client of clients) await client.subscribe(channel);
        for (const size of [10, 100, 127, 128, 300, 1000, 10_000, 65_000, 70_000, 300_000]) {
            const data = sample(size);
            await ctx.ipc.publish({ channel, event: 'E', data });
            for (const [i, client] of clients.entries()) {
                const message = await client.expect('E', channel);
                assert.equal(message.data, data);
                assert.equal(message.packed, i > 0 && message.bytes.length >= 128, `${size} bytes to client ${i}`);
            }
        }
    });

    test('what does not become smaller is sent as it is', async () => {
        const channel = unique();
        const client = await packed();
        await client.subscribe(channel);
        // every character once, in no order
        const data = Array.from({ length: 400 }, (_, i) => String.fromCodePoint(0x4e00 + (i * 7919) % 20000)).join('');
        await ctx.ipc.publish({ channel, event: 'E', data });
        const message = await client.expect('E', channel);
        assert.equal(message.data, data);
        assert.ok(message.packed === false || client.wireBytes < 3000);
    });

    test('compressed once for all with the same window', async () => {
        const channel = unique();
        const clients = [];
        for (let i = 0; i < 30; i++) clients.push(await packed());
        const plain = await ctx.open();
        for (const client of [...clients, plain]) await client.subscribe(channel);
        await settle(ctx.ipc, ...clients);
        const before = await ctx.daemon.metrics();
        const data = sample(2000);
        for (let i = 0; i < 5; i++) await ctx.ipc.publish({ channel, event: 'E', data });
        for (const client of [...clients, plain]) for (let i = 0; i < 5; i++) assert.equal((await client.expect('E', channel)).packed, client !== plain);
        const after = await ctx.daemon.metrics();
        const more = (name, labels) => after.get(name, labels) - before.get(name, labels);
        assert.ok(more('messages_compressed_total') >= 5 && more('messages_compressed_total') <= 5 * ctx.workers, `${more('messages_compressed_total')} times`);
        assert.equal(more('messages_sent_compressed_total'), 150);
        assert.equal(more('messages_sent_total'), 155);
        assert.ok(more('compression_output_bytes_total') < more('compression_input_bytes_total'));
    });

    test('rosters, member events and the last event of a cache channel are compressed', async () => {
        const presence = unique('presence');
        const info = { text: sample(500) };
        const first = await packed();
        await first.subscribe(presence, { data: { user_id: '1', user_info: info } });
        const second = await packed();
        const roster = await second.subscribe(presence, { data: { user_id: '2', user_info: info } });
        assert.ok(roster.packed);
        assert.deepEqual(JSON.parse(roster.data).presence.hash, { 1: info, 2: info });
        assert.ok((await first.expect('pusher_internal:member_added', presence)).packed);
        const cache = unique('cache');
        await ctx.ipc.publish({ channel: cache, event: 'E', data: info.text });
        for (let i = 0; i < 2; i++) {
            const late = await packed();
            await late.subscribe(cache);
            assert.ok((await late.expect('E', cache)).packed);
        }
    });

    test('a client event arrives compressed or not, as each client wants it', async () => {
        const channel = unique('private');
        const [from, plain, to] = [await packed(), await ctx.open(), await packed()];
        for (const client of [from, plain, to]) await client.subscribe(channel);
        const data = { text: sample(3000) };
        from.write(clientFrame(pack(JSON.stringify({ event: 'client-e', channel, data })), { rsv: 4 }));
        assert.deepEqual(JSON.parse((await plain.expect('client-e', channel)).data), data);
        const message = await to.expect('client-e', channel);
        assert.deepEqual(JSON.parse(message.data), data);
        assert.ok(message.packed);
        assert.deepEqual(await from.sync(), []);
    });

    test('messages from clients: every window, every strategy, every size', async () => {
        const client = await packed();
        for (let bits = 9; bits <= 15; bits++) {
            for (const size of [ping.length, 125, 126, 127, 1000, 10_000, MAX]) {
                client.write(clientFrame(pack(sized(size), bits), { rsv: 4 }));
                client.write(clientFrame(sized(size)));
                await client.expect('pusher:pong');
                await client.expect('pusher:pong');
            }
        }
        for (let level = 0; level <= 9; level++) {
            for (let strategy = 0; strategy <= 4; strategy++) {
                const bytes = deflateRawSync(Buffer.from(sized(5000)), { level, strategy, finishFlush: 2 });
                client.write(clientFrame(bytes.subarray(0, -4), { rsv: 4 }));
                await client.expect('pusher:pong');
            }
        }
    });

    test('a compressed message in fragments, cut at every byte, with control frames between', async () => {
        const client = await packed();
        const bytes = pack(sized(300));
        for (let cut = 0; cut <= bytes.length; cut++) {
            client.write(clientFrame(bytes.subarray(0, cut), { rsv: 4, fin: false }));
            client.write(clientFrame('', { opcode: PONG }));
            client.write(clientFrame(bytes.subarray(cut), { opcode: CONTINUATION }));
            await client.expect('pusher:pong');
        }
        for (let i = 0; i < bytes.length; i++) {
            client.write(clientFrame(bytes.subarray(i, i + 1), { opcode: i ? CONTINUATION : TEXT, rsv: i ? 0 : 4, fin: i === bytes.length - 1 }));
            if (i % 10 === 0) {
                client.write(clientFrame(String(i), { opcode: PING }));
                assert.equal((await client.frame()).pong?.toString(), String(i));
            }
        }
        await client.expect('pusher:pong');
        for (const byte of clientFrame(bytes, { rsv: 4 })) await new Promise((done) => client.socket.write(Buffer.from([byte]), done));
        await client.expect('pusher:pong');
    });

    test('blocks of all kinds, flushes within, and a final block at the end', async () => {
        const client = await packed();
        const text = Buffer.from(sized(400));
        const stored = Buffer.concat([Buffer.from([0, 0x90, 0x01, 0x6f, 0xfe]), text, Buffer.from([0])]);
        const final = deflateRawSync(text);
        const halves = Buffer.concat([deflateRawSync(text.subarray(0, 200), { finishFlush: 2 }), pack(text.subarray(200))]);
        for (const bytes of [stored, halves, final, Buffer.concat([final, Buffer.from([0])])]) {
            client.write(clientFrame(bytes, { rsv: 4 }));
            await client.expect('pusher:pong');
        }
    });

    test('an empty compressed message is an empty message', async () => {
        const client = await packed();
        for (const bytes of [[], [0], [2, 0]]) {
            client.write(clientFrame(Buffer.from(bytes), { rsv: 4 }));
            await client.error(4200);
            await client.sync();
        }
    });

    test('RSV1 on a control frame is 1002', async () => {
        for (const opcode of [PING, PONG]) await closes(1002, clientFrame('', { opcode, rsv: 4 }));
        await closes(1002, clientFrame(closePayload(1000), { opcode: CLOSE, rsv: 4 }));
    });
    test('RSV1 on a continuation is 1002', async () => {
        const bytes = pack(ping);
        await closes(1002, clientFrame(bytes.subarray(0, 5), { rsv: 4, fin: false }), clientFrame(bytes.subarray(5), { opcode: CONTINUATION, rsv: 4 }));
        await closes(1002, clientFrame(ping.slice(0, 5), { fin: false }), clientFrame(ping.slice(5), { opcode: CONTINUATION, rsv: 4 }));
    });
    for (const rsv of [1, 2, 3, 5, 6, 7]) test(`reserved bits ${rsv} are 1002`, async () => void (await closes(1002, clientFrame(pack(ping), { rsv }))));
    test('RSV1 that was not agreed upon is 1002', async () => {
        const client = await ctx.open();
        client.write(clientFrame(pack(ping), { rsv: 4 }));
        await client.closedWith(1002);
    });
    test('a compressed binary message is 1003', async () => void (await closes(1003, clientFrame(pack('x'), { rsv: 4, opcode: 2 }))));

    for (const [name, bytes] of Object.entries({
        'noise': Buffer.from('ffffffffffff', 'hex'),
        'a block of the reserved type': Buffer.from([0x06, 0]),
        'a stored block with a wrong length': Buffer.from([0, 5, 0, 0xfb, 0xff, 0x48, 0x65]),
        'a stream that is cut': pack(sized(300)).subarray(0, -3),
        'a zlib header': Buffer.concat([Buffer.from([0x78, 0x9c]), pack(ping)]),
        'plain text': Buffer.from(ping),
        'a distance before the start': Buffer.from([0xf2, 0x08, 0x42, 0x00]),
    })) {
        test(`corrupted: ${name} is 1007`, async () => void (await closes(1007, clientFrame(bytes, { rsv: 4 }))));
    }
    test('a damaged byte never goes unnoticed as a crash', async () => {
        const bytes = pack(sample(500));
        for (let i = 0; i < bytes.length; i += 7) {
            const client = await packed();
            const damaged = Buffer.from(bytes);
            damaged[i] ^= 0x55;
            client.write(clientFrame(damaged, { rsv: 4 }));
            const frame = await client.frame();
            assert.ok([1007, 1009].includes(frame.close) || /4200/.test(frame.text), JSON.stringify(frame));
            client.destroy();
        }
        await (await packed()).sync();
    });
    test('the context of an earlier message is refused', async () => {
        const client = await packed();
        const text = Buffer.from(sized(300));
        const whole = deflateRawSync(Buffer.concat([text, text]), { finishFlush: 2, level: 9 });
        const first = deflateRawSync(text, { finishFlush: 2, level: 9 });
        client.write(clientFrame(first.subarray(0, -4), { rsv: 4 }));
        await client.expect('pusher:pong');
        // a copy of 258 bytes from 300 back, as the second message of a client that goes on with its window
        client.write(clientFrame(Buffer.from([0x1a, 0xd3, 0x90, 0x00]), { rsv: 4 }));
        assert.ok(whole.length < first.length * 2);
        await client.closedWith(1007);
    });

    test('the size that counts is the one after inflating', async () => {
        const client = await packed();
        client.write(clientFrame(pack(sized(MAX)), { rsv: 4 }));
        await client.expect('pusher:pong');
        client.write(clientFrame(pack(sized(MAX + 1)), { rsv: 4 }));
        await client.closedWith(1009);
    });
    test('the size on the wire counts as well', async () => {
        const stored = deflateRawSync(Buffer.alloc(MAX, 'x'), { level: 0, finishFlush: 2 }).subarray(0, -4);
        assert.ok(stored.length > MAX);
        await closes(1009, clientFrame(stored, { rsv: 4 }));
        await closes(1009, clientFrame(stored.subarray(0, 15_000), { rsv: 4, fin: false }), clientFrame(stored.subarray(15_000), { opcode: CONTINUATION }));
    });
    test('a bomb is 1009, in one frame and before its last fragment', async () => {
        const bomb = pack(Buffer.alloc(16 << 20));
        assert.ok(bomb.length < MAX);
        await closes(1009, clientFrame(bomb, { rsv: 4 }));
        await closes(1009, clientFrame(bomb.subarray(0, 10_000), { rsv: 4, fin: false }));
    });

    test('bad UTF-8 is 1007 after inflating, and in a message that has not ended', async () => {
        for (const [, bytes, cut] of BAD) {
            const text = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
            await closes(1007, clientFrame(pack(text), { rsv: 4 }));
            await closes(1007, clientFrame(deflateRawSync(text.subarray(0, 6 + cut), { finishFlush: 2 }), { rsv: 4, fin: false }));
        }
        const client = await packed();
        for (const bytes of GOOD) {
            const text = Buffer.concat([Buffer.from(ping.slice(0, -1)), Buffer.from(',"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
            for (let cut = 0; cut <= text.length; cut += 3) {
                client.write(clientFrame(deflateRawSync(text.subarray(0, cut), { finishFlush: 2 }), { rsv: 4, fin: false }));
                client.write(clientFrame(pack(text.subarray(cut)), { opcode: CONTINUATION }));
                await client.expect('pusher:pong');
            }
        }
    });
    test('what was valid before the bad frame is still answered', async () => {
        const client = await packed();
        client.write(Buffer.concat([clientFrame(pack(ping), { rsv: 4 }), clientFrame(Buffer.from([0xff]), { rsv: 4 })]));
        await client.expect('pusher:pong');
        await client.closedWith(1007);
    });

    test('a compressed message that has to wait for a join comes after it', async () => {
        const channel = unique('presence');
        const [client, other] = [await packed(), await ctx.open()];
        await other.subscribe(channel, { data: { user_id: '2' } });
        const join = JSON.stringify(client.subscribeMessage(channel, { data: '{"user_id":"1"}' }));
        const event = pack(JSON.stringify({ event: 'client-e', channel, data: sample(300) }));
        client.write(Buffer.concat([
            clientFrame(pack(join), { rsv: 4 }),
            clientFrame(event.subarray(0, 50), { rsv: 4, fin: false }),
            clientFrame(event.subarray(50), { opcode: CONTINUATION }),
            clientFrame(event, { rsv: 4 }),
        ]));
        await client.expect('pusher_internal:subscription_succeeded', channel);
        await other.expect('pusher_internal:member_added', channel);
        for (let i = 0; i < 2; i++) assert.equal((await other.expect('client-e', channel)).data, sample(300));
    });

    test('many messages, compressed and not, small and large, both ways', async () => {
        const channel = unique('private');
        const [from, to] = [await packed(), await packed()];
        for (const client of [from, to]) await client.subscribe(channel);
        const texts = Array.from({ length: 300 }, (_, i) => sample((i * 37) % 900));
        for (const [i, data] of texts.entries()) {
            const json = JSON.stringify({ event: 'client-e', channel, data });
            if (i % 20 === 0) await from.sync();
            from.write(i % 3 ? clientFrame(pack(json), { rsv: 4 }) : clientFrame(json));
        }
        for (const data of texts) assert.equal((await to.expect('client-e', channel)).data, data);
    });

    test('ws, with everything that it can offer', async () => {
        const WebSocket = need('ws');
        for (const perMessageDeflate of [true, false, { threshold: 0 }, { serverMaxWindowBits: 9, threshold: 0 }, { clientMaxWindowBits: 10, threshold: 0 }, { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 }]) {
            const socket = new WebSocket(`ws://127.0.0.1:${ctx.daemon.port}/app/key1?protocol=7`, { perMessageDeflate });
            const messages = [];
            socket.on('message', (data) => messages.push(JSON.parse(data)));
            const got = async (event) => {
                await until(() => messages.some((message) => message.event === event), event);
                return messages.find((message) => message.event === event);
            };
            await got('pusher:connection_established');
            assert.equal(socket.extensions.includes('permessage-deflate'), Boolean(perMessageDeflate));
            const channel = unique();
            socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel } }));
            await got('pusher_internal:subscription_succeeded');
            const data = sample(100_000);
            await ctx.ipc.publish({ channel, event: 'E', data });
            assert.equal((await got('E')).data, data);
            const ended = new Promise((done) => socket.once('close', (code) => done(code)));
            socket.close(1000);
            assert.equal(await deadline(ended, 'the close'), 1000);
        }
    });

    test('pusher-js over a socket that compresses', async () => {
        const Pusher = need('pusher-js');
        const WebSocket = need('ws');
        const sockets = [];
        const plain = Pusher.Runtime.createWebSocket;
        Pusher.Runtime.createWebSocket = (url) => {
            const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0 } });
            sockets.push(socket);
            return socket;
        };
        const pusher = new Pusher('key1', { cluster: '', wsHost: '127.0.0.1', wsPort: ctx.daemon.port, forceTLS: false, enabledTransports: ['ws'] });
        try {
            const name = unique();
            const channel = pusher.subscribe(name);
            await deadline(new Promise((done) => channel.bind('pusher:subscription_succeeded', done)), 'the subscription');
            const event = deadline(new Promise((done) => channel.bind('E', done)), 'the event');
            await ctx.ipc.publish({ channel: name, event: 'E', data: JSON.stringify({ text: sample(5000) }) });
            assert.equal((await event).text, sample(5000));
            assert.equal(sockets.length, 1);
            assert.match(sockets[0].extensions, /permessage-deflate/);
        } finally {
            Pusher.Runtime.createWebSocket = plain;
            pusher.disconnect();
        }
    });
});

suite('permessage-deflate by default', {}, (ctx) => {
    test('is off', async () => {
        const client = await ctx.open(offer);
        assert.equal(client.windowBits, undefined);
        client.write(clientFrame(pack(ping), { rsv: 4 }));
        await client.closedWith(1002);
    });
});
