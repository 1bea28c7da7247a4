// A hostile or broken publisher: it is refused with a reason, and costs nobody else anything.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { APP } from '../lib/daemon.mjs';
import * as ipc from '../lib/ipc.mjs';
import { Ipc, frame, hello } from '../lib/ipc.mjs';
import { arrayHead, encode } from '../lib/msgpack.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { quiet } from '../lib/ws.mjs';
import { until } from '../lib/wait.mjs';

const u32 = (n) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(n);
    return bytes;
};

suite('hostile publishers', { workers: [1, 3] }, (ctx) => {
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${ctx.daemon.pid}/status`, 'utf8'))[1]);

    /** Frames behind a good hello; everybody else goes on meanwhile. */
    async function attack(bytes, { end = false } = {}) {
        const own = await Ipc.open(ctx.daemon.socket, APP);
        own.write(bytes);
        if (end) own.socket.end();
        return own;
    }

    const hostile = {
        'a length of zero': u32(0),
        'a length over 16 MiB': u32((16 << 20) + 1),
        'a length of 4 GB': u32(0xffffffff),
        'HTTP': Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
        'random bytes': Buffer.concat([u32(100), Buffer.alloc(100, 0xc1)]),
        'an array that announces 4 billion elements': frame(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
        'a map that announces 4 billion pairs': frame(Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff])),
        'a string that announces 4 GB': frame(Buffer.from([0x92, 0x02, 0xdb, 0xff, 0xff, 0xff, 0xff])),
        'a bin that announces 4 GB': frame(Buffer.from([0x92, 0x02, 0xc6, 0xff, 0xff, 0xff, 0xff])),
        'an ext': frame(Buffer.from([0x92, 0x02, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x01])),
        'a thousand nested arrays': frame(Buffer.concat([Buffer.alloc(1000, 0x91), Buffer.from([0xc0])])),
        'a thousand nested maps': frame(Buffer.concat([...Array.from({ length: 1000 }, () => Buffer.from([0x81, 0xc0])), Buffer.from([0xc0])])),
        'channels that announce 500 million': frame(Buffer.concat([arrayHead(7), encode(2), encode(1), Buffer.from([0xdd, 0x1d, 0xcd, 0x65, 0x00])])),
        'a truncated value': frame(encode([2, 1, ['c'], 'E', null, null, 'data']).subarray(0, -2)),
        'two values in one frame': frame(Buffer.concat([encode([4, 1]), encode([4, 2])])),
        'not an array': frame(encode({ type: 2 })),
        'an empty array': frame(encode([])),
        'an unknown type': frame(encode([99, 1])),
        'an answer instead of a request': frame(encode([ipc.ACK, 1, 'id', 5, false])),
        'a type that is text': frame(encode(['publish', 1])),
        'a negative seq': frame(encode([4, -1])),
        'a seq that is missing': frame(encode([4])),
        'a seq of text': frame(encode([4, 'x'])),
        'a publish without fields': frame(encode([2, 1])),
        'channels that are no array': frame(encode([2, 1, 'c', 'E', null, null, '{}'])),
        'a channel that is a number': frame(encode([2, 1, [5], 'E', null, null, '{}'])),
        'an event that is nil': frame(encode([2, 1, ['c'], null, null, null, '{}'])),
        'an except that is a number': frame(encode([2, 1, ['c'], 'E', 5, null, '{}'])),
        'a key that is an array': frame(encode([2, 1, ['c'], 'E', null, [], '{}'])),
        'data that is a map': frame(encode([2, 1, ['c'], 'E', null, null, { a: 1 }])),
        'data that is nil': frame(encode([2, 1, ['c'], 'E', null, null, null])),
        'a batch that is a map': frame(encode([3, 1, {}])),
        'a batch of numbers': frame(encode([3, 1, [1, 2, 3]])),
        'a batch with an empty message': frame(encode([3, 1, [[]]])),
        '10,001 channels': frame(encode([2, 1, Array.from({ length: 10_001 }, (_, i) => `c${i}`), 'E', null, null, '{}'])),
        'a termination without a user': frame(encode([6, 1])),
        'a termination of a number': frame(encode([6, 1, 7])),
        'a socket id that is nil': frame(encode([7, 1, null])),
        'attributes that are text': frame(encode([8, 1, null, 'cache'])),
        'an attribute that is a number': frame(encode([8, 1, null, [5]])),
        'attributes that announce 500 million': frame(Buffer.concat([arrayHead(4), encode(8), encode(1), encode(null), Buffer.from([0xdd, 0x1d, 0xcd, 0x65, 0x00])])),
        'a channel that is nil': frame(encode([9, 1, null, []])),
        'members of a map': frame(encode([10, 1, {}])),
        'a list of channels as a request': frame(encode([72, 1, []])),
        'many nested batches': frame(Buffer.concat([Buffer.from([0x93, 0x03, 0x01]), Buffer.alloc(12, 0x91), Buffer.from([0x90])])),
    };

    for (const [name, bytes] of Object.entries(hostile)) {
        test(`${name} is answered with an error`, async () => {
            const channel = unique();
            const client = await ctx.open();
            await client.subscribe(channel);
            const own = await attack(bytes);
            const answer = await own.inbox.take(name);
            assert.equal(answer?.[0], ipc.ERROR, JSON.stringify(answer));
            assert.equal(typeof answer[2], 'string');
            assert.ok(answer[3].length > 3);
            assert.equal((await ctx.ipc.publish({ channel })).recipients, 1);
            await client.expect('E');
            own.close();
        });
    }

    test('hostile bytes are counted', async () => {
        assert.ok((await ctx.daemon.metrics()).get('bad_input_total', 'ipc') > 0);
    });

    test('a peer that dies in the middle of a frame has published nothing of it', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const whole = frame([ipc.PUBLISH, 1, ...Ipc.message({ channel, data: 'x'.repeat(50_000) })]);
        for (const cut of [1, 4, 5, 100, 30_000, whole.length - 1]) {
            const own = await attack(whole.subarray(0, cut), { end: true });
            await own.ended;
        }
        const own = await attack(Buffer.concat([frame([ipc.PUBLISH, 1, ...Ipc.message({ channel, data: 'whole' })]), whole.subarray(0, 1000)]), { end: true });
        await own.ended;
        assert.equal((await client.expect('E')).data, 'whole');
        await quiet(ctx.ipc, client);
    });

    test('a peer that publishes and hangs up at once has published', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        for (let i = 0; i < 50; i++) {
            const own = await Ipc.connect(ctx.daemon.socket);
            own.socket.end(Buffer.concat([frame(hello(APP)), frame([ipc.PUBLISH, 1, ...Ipc.message({ channel, data: String(i) })])]));
            await own.ended;
            assert.equal((await client.expect('E')).data, String(i));
        }
    });

    test('half a frame does not hold up the other publishers', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const stuck = [];
        for (let i = 0; i < 20; i++) {
            const own = await attack(Buffer.concat([u32(1000), Buffer.from([0x97, 0x02])]));
            stuck.push(own);
        }
        for (let i = 0; i < 100; i++) await ctx.ipc.publish({ channel, data: String(i) });
        for (let i = 0; i < 100; i++) assert.equal((await client.expect('E')).data, String(i));
        for (const own of stuck) own.close();
    });

    test('half of 16 MiB from many peers does not stay in memory', async () => {
        const peers = [];
        for (let i = 0; i < 4; i++) {
            const own = await attack(Buffer.concat([u32(16 << 20), Buffer.alloc(4 << 20, 0x90)]));
            peers.push(own);
        }
        await ctx.ipc.ping();
        for (const own of peers) own.close();
        await Promise.all(peers.map((own) => own.ended));
        await ctx.ipc.ping();
    });

    test('a peer that does not read its answers is not read any more, and others go on', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const own = await Ipc.open(ctx.daemon.socket, APP);
        own.socket.pause();
        const pings = Buffer.concat(Array.from({ length: 1000 }, (_, i) => frame([ipc.STATS, i + 1])));
        let blocked = false;
        for (let i = 0; i < 2000 && !blocked; i++) {
            const taken = new Promise((done) => own.socket.write(pings, () => done(true)));
            blocked = !(await Promise.race([taken, new Promise((done) => setTimeout(done, 3000, false))]));
            if (i % 20 === 0) await ctx.ipc.ping();
        }
        assert.ok(blocked, 'the daemon stopped reading');
        await ctx.ipc.publish({ channel, data: '1' });
        assert.equal((await client.expect('E')).data, '1');
        assert.ok(rss() < 300_000, `${rss()} KB`);
        own.close();
    });

    test('a storm of random frames', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        for (let i = 0; i < 100; i++) {
            const body = randomBytes(1 + Math.floor(Math.random() * 300));
            if (i % 2) body[0] = 0x97;
            if (i % 4 === 3) body[1] = 2 + (i % 3);
            const own = await attack(Buffer.concat([frame(body), randomBytes(i)]), { end: true });
            await own.ended;
        }
        await ctx.ipc.publish({ channel, event: 'still', data: '1' });
        await client.expect('still');
    });

    test('connections that say nothing and go are forgotten', async () => {
        const fds = () => readdirSync(`/proc/${ctx.daemon.pid}/fd`).length;
        await ctx.ipc.ping();
        const before = fds();
        for (let i = 0; i < 100; i++) await (await Ipc.connect(ctx.daemon.socket)).close();
        await until(async () => fds() <= before + 2, 'descriptors to be given back');
    });
});
