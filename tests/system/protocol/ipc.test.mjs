// Publishing over the Unix socket: recipients, exclusion, batches, deduplication, hellos.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { APP, APP2 } from '../lib/daemon.mjs';
import * as ipc from '../lib/ipc.mjs';
import { Ipc, frame, hello } from '../lib/ipc.mjs';
import { rawStr } from '../lib/msgpack.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { quiet } from '../lib/ws.mjs';

const rejects = (promise, reason, index) =>
    assert.rejects(promise, (error) => {
        assert.equal(error.reason, reason, error.message);
        assert.ok(error.text.length > 0);
        if (index !== undefined) assert.equal(error.index, index);
        return true;
    });

suite('publish over IPC', { workers: [1, 3] }, (ctx) => {
    test('the receipt has an id and the number of recipients', async () => {
        const channel = unique();
        const none = await ctx.ipc.publish({ channel });
        assert.equal(none.recipients, 0);
        assert.equal(none.duplicate, false);
        assert.ok(typeof none.id === 'string' && none.id.length > 0);
        const clients = await Promise.all([1, 2, 3].map(() => ctx.open()));
        for (const client of clients) await client.subscribe(channel);
        const three = await ctx.ipc.publish({ channel });
        assert.equal(three.recipients, 3);
        assert.notEqual(three.id, none.id);
    });

    test('the excluded socket does not get it and is not counted', async () => {
        const channel = unique();
        const [a, b] = [await ctx.open(), await ctx.open()];
        await a.subscribe(channel);
        await b.subscribe(channel);
        assert.equal((await ctx.ipc.publish({ channel, except: a.socketId })).recipients, 1);
        await b.expect('E', channel);
        await quiet(ctx.ipc, a, b);
    });

    test('an excluded socket that is not subscribed is not taken off the count', async () => {
        const channel = unique();
        const [a, b] = [await ctx.open(), await ctx.open()];
        await a.subscribe(channel);
        await b.subscribe(unique());
        assert.equal((await ctx.ipc.publish({ channel, except: b.socketId })).recipients, 1);
        await a.expect('E', channel);
        await quiet(ctx.ipc, a, b);
    });

    test('an unknown excluded socket is harmless', async () => {
        const channel = unique();
        const a = await ctx.open();
        await a.subscribe(channel);
        assert.equal((await ctx.ipc.publish({ channel, except: '1.1' })).recipients, 1);
        await a.expect('E');
    });

    test('several channels: a connection on two of them gets two events and counts twice', async () => {
        const [one, two, three] = [unique(), unique('private'), unique()];
        const a = await ctx.open();
        const b = await ctx.open();
        await a.subscribe(one);
        await a.subscribe(two);
        await b.subscribe(two);
        assert.equal((await ctx.ipc.publish({ channels: [one, two, three], data: '"x"' })).recipients, 3);
        const got = [await a.next(), await a.next()].map((message) => message.channel).sort();
        assert.deepEqual(got, [one, two].sort());
        await b.expect('E', two);
        assert.equal((await ctx.ipc.publish({ channels: [one, two], except: a.socketId })).recipients, 1);
        await b.expect('E', two);
        await quiet(ctx.ipc, a, b);
    });

    test('the same channel twice is one delivery', async () => {
        const channel = unique();
        const a = await ctx.open();
        await a.subscribe(channel);
        assert.equal((await ctx.ipc.publish({ channels: [channel, channel] })).recipients, 1);
        await a.expect('E');
        await quiet(ctx.ipc, a);
    });

    test('ten thousand channels in one publish', async () => {
        const channels = Array.from({ length: 10_000 }, (_, i) => `many-${i}`);
        const a = await ctx.open();
        await a.subscribe('many-0');
        await a.subscribe('many-9999');
        assert.equal((await ctx.ipc.publish({ channels })).recipients, 2);
        await a.expect('E', 'many-0');
        await a.expect('E', 'many-9999');
    });

    test('payloads pass byte for byte', async () => {
        const channel = unique();
        const a = await ctx.open();
        await a.subscribe(channel);
        const payloads = [
            '{}',
            'plain text',
            '{"a":1.0,"b":"\\/","c":"\\u00e9é"}',
            '  { "spaces" : [ ] }  ',
            '"\u2028\u2029\u{1f600}\u{10ffff}"',
            Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)).join(''),
            '\u0000',
            '',
            '"',
            '\\',
            'é'.repeat(45_000),
            JSON.stringify({ text: '\u{1f600}"\\/'.repeat(9_000) }),
            'x'.repeat(90 * 1024),
        ];
        for (const data of payloads) {
            await ctx.ipc.publish({ channel, data });
            const message = await a.expect('E', channel);
            assert.equal(typeof message.data, 'string');
            assert.ok(message.data === data, `${data.length} bytes beginning ${JSON.stringify(data.slice(0, 30))}`);
        }
    });

    test('event names of any characters', async () => {
        const channel = unique();
        const a = await ctx.open();
        await a.subscribe(channel);
        for (const event of ['App\\Events\\X', '.', 'ü "quoted"', '\u{1f600}', 'a\nb', 'client-from-server', 'x'.repeat(200)]) {
            await ctx.ipc.publish({ channel, event });
            assert.equal((await a.next()).event, event);
        }
    });

    describe('refusals', () => {
        for (const name of ['', 'a b', 'ü', 'x'.repeat(201), 'a/b', '#x', '#server-to-user-', `#server-to-user-${'x'.repeat(129)}`]) {
            test(`channel ${JSON.stringify(name.slice(0, 30))}: invalid_channel`, async () => rejects(ctx.ipc.publish({ channel: name }), 'invalid_channel'));
        }
        test('one bad channel among good ones delivers nothing', async () => {
            const channel = unique();
            const a = await ctx.open();
            await a.subscribe(channel);
            await rejects(ctx.ipc.publish({ channels: [channel, 'a b'] }), 'invalid_channel');
            await quiet(ctx.ipc, a);
        });
        test('no channel at all', async () => assert.rejects(ctx.ipc.publish({ channels: [] })));
        for (const event of ['', 'pusher:x', 'pusher_internal:member_added', 'x'.repeat(201)]) {
            test(`event ${JSON.stringify(event.slice(0, 30))}: invalid_event`, async () => rejects(ctx.ipc.publish({ channel: 'c', event }), 'invalid_event'));
        }
        test('an event name that is not UTF-8', async () => rejects(ctx.ipc.publish({ channel: 'c', event: rawStr([0xff]) }), 'invalid_event'));
        test('a payload that is not UTF-8: invalid_payload', async () => rejects(ctx.ipc.publish({ channel: 'c', data: rawStr([0x22, 0xc3, 0x28, 0x22]) }), 'invalid_payload'));
        test('a payload over max_event_size: too_large', async () => {
            await ctx.ipc.publish({ channel: 'c', data: 'x'.repeat(100 * 1024) });
            await rejects(ctx.ipc.publish({ channel: 'c', data: 'x'.repeat(100 * 1024 + 1) }), 'too_large');
        });
        test('the connection stays after each of them', async () => {
            await rejects(ctx.ipc.publish({ channel: 'a b' }), 'invalid_channel');
            await ctx.ipc.publish({ channel: 'c' });
        });
        test('refusals are counted', async () => {
            const before = (await ctx.daemon.metrics()).get('publish_rejected_total');
            await rejects(ctx.ipc.publish({ channel: 'a b' }), 'invalid_channel');
            assert.equal((await ctx.daemon.metrics()).get('publish_rejected_total'), before + 1);
        });
    });

    test('a channel of a user may be published to', async () => {
        for (const id of ['5', 'ü any \u{1f600} text', 'x'.repeat(128)]) assert.equal((await ctx.ipc.publish({ channel: `#server-to-user-${id}` })).recipients, 0);
    });

    describe('batches', () => {
        test('one receipt per message, delivered in order', async () => {
            const [one, two] = [unique(), unique('private')];
            const a = await ctx.open();
            await a.subscribe(one);
            await a.subscribe(two);
            const receipts = await ctx.ipc.batch([
                { channel: one, data: '1' },
                { channel: two, data: '2' },
                { channels: [one, two], data: '3' },
                { channel: unique(), data: '4' },
                { channel: one, data: '5', except: a.socketId },
                { channel: one, data: '6' },
            ]);
            assert.deepEqual(receipts.map((receipt) => receipt.recipients), [1, 1, 2, 0, 0, 1]);
            assert.equal(new Set(receipts.map((receipt) => receipt.id)).size, 6);
            const got = [];
            for (let i = 0; i < 5; i++) got.push((await a.next()).data);
            assert.deepEqual(got, ['1', '2', '3', '3', '6']);
        });
        for (const [name, bad, reason] of [
            ['channel', { channel: 'a b' }, 'invalid_channel'],
            ['event', { channel: 'c', event: 'pusher:x' }, 'invalid_event'],
            ['payload', { channel: 'c', data: rawStr([0xff]) }, 'invalid_payload'],
            ['size', { channel: 'c', data: 'x'.repeat(102_401) }, 'too_large'],
        ]) {
            test(`a bad ${name} anywhere delivers nothing and names its index`, async () => {
                const channel = unique();
                const a = await ctx.open();
                await a.subscribe(channel);
                for (const index of [0, 3, 5]) {
                    const messages = Array.from({ length: 6 }, () => ({ channel, key: unique('k') }));
                    messages[index] = bad;
                    await rejects(ctx.ipc.batch(messages), reason, index);
                    // Its keys were not used up by the refusal.
                    if (index !== 0) assert.equal((await ctx.ipc.publish({ channel: unique(), key: messages[0].key })).duplicate, false);
                }
                await quiet(ctx.ipc, a);
            });
        }
        test('an empty batch is answered', async () => {
            const answer = await ctx.ipc.request(ipc.BATCH, []);
            assert.ok(answer[0] === ipc.BATCH_ACK ? answer[2].length === 0 : answer[0] === ipc.ERROR, JSON.stringify(answer));
        });
        test('more messages than max_batch or as many as the wire allows: answered one way or the other, nothing in between', async () => {
            const channel = unique();
            const a = await ctx.open();
            await a.subscribe(channel);
            const answer = await ctx.ipc.request(ipc.BATCH, Array.from({ length: 500 }, (_, i) => Ipc.message({ channel, data: String(i) })));
            if (answer[0] === ipc.BATCH_ACK) for (let i = 0; i < 500; i++) assert.equal((await a.expect('E')).data, String(i));
            await quiet(ctx.ipc, a);
        });
    });

    describe('deduplication', () => {
        test('by key: the original receipt, marked, and no second delivery', async () => {
            const channel = unique();
            const a = await ctx.open();
            await a.subscribe(channel);
            const key = unique('key');
            const first = await ctx.ipc.publish({ channel, key });
            const b = await ctx.open();
            await b.subscribe(channel);
            const second = await ctx.ipc.publish({ channel, key });
            assert.deepEqual(second, { ...first, duplicate: true });
            const other = await Ipc.open(ctx.daemon.socket, APP);
            assert.deepEqual(await other.publish({ channel, key, data: 'other' }), { ...first, duplicate: true });
            await a.expect('E');
            await quiet(ctx.ipc, a, b);
            other.close();
        });
        test("a key is one application's own", async () => {
            const key = unique('key');
            const other = await Ipc.open(ctx.daemon.socket, APP2);
            assert.equal((await ctx.ipc.publish({ channel: 'c', key })).duplicate, false);
            assert.equal((await other.publish({ channel: 'c', key })).duplicate, false);
            other.close();
        });
        test('a refused publish does not use its key up', async () => {
            const key = unique('key');
            await rejects(ctx.ipc.publish({ channel: 'a b', key }), 'invalid_channel');
            assert.equal((await ctx.ipc.publish({ channel: 'c', key })).duplicate, false);
        });
        test('a key within a batch', async () => {
            const channel = unique();
            const a = await ctx.open();
            await a.subscribe(channel);
            const key = unique('key');
            const receipts = await ctx.ipc.batch([{ channel, key, data: '1' }, { channel, data: '2' }, { channel, key, data: '3' }]);
            assert.deepEqual(receipts.map((receipt) => receipt.duplicate), [false, false, true]);
            assert.equal((await a.expect('E')).data, '1');
            assert.equal((await a.expect('E')).data, '2');
            await quiet(ctx.ipc, a);
        });
        test('a key of 128 bytes is taken, of 129 refused', async () => {
            assert.equal((await ctx.ipc.publish({ channel: 'c', key: randomBytes(64).toString('hex') })).duplicate, false);
            const own = await Ipc.open(ctx.daemon.socket, APP);
            await assert.rejects(own.publish({ channel: 'c', key: 'x'.repeat(129) }));
            own.close();
        });
        test('by producer and seq, over a new connection: resent once, delivered once', async () => {
            const channel = unique();
            const a = await ctx.open();
            await a.subscribe(channel);
            const producer = randomBytes(16);
            const first = await Ipc.open(ctx.daemon.socket, APP, { producer });
            const receipts = [];
            for (let i = 0; i < 10; i++) receipts.push(await first.publish({ channel, data: String(i) }));
            first.close();
            const second = await Ipc.open(ctx.daemon.socket, APP, { producer });
            for (const seq of [10, 5, 1]) {
                const again = Ipc.receipt(await second.requestAs(seq, ipc.PUBLISH, ...Ipc.message({ channel, data: String(seq - 1) })));
                assert.deepEqual(again, { ...receipts[seq - 1], duplicate: true });
            }
            const next = Ipc.receipt(await second.requestAs(11, ipc.PUBLISH, ...Ipc.message({ channel, data: '10' })));
            assert.equal(next.duplicate, false);
            for (let i = 0; i <= 10; i++) assert.equal((await a.expect('E')).data, String(i));
            await quiet(ctx.ipc, a);
            second.close();
        });
        test('a resent batch is answered with its receipts and delivered once', async () => {
            const channel = unique();
            const a = await ctx.open();
            await a.subscribe(channel);
            const producer = randomBytes(16);
            const batch = [1, 2, 3].map((i) => Ipc.message({ channel, data: String(i) }));
            const first = await Ipc.open(ctx.daemon.socket, APP, { producer });
            const one = await first.requestAs(1, ipc.BATCH, batch);
            first.close();
            const second = await Ipc.open(ctx.daemon.socket, APP, { producer });
            const two = await second.requestAs(1, ipc.BATCH, batch);
            assert.equal(two[0], ipc.BATCH_ACK, JSON.stringify(two));
            assert.deepEqual(two[2], one[2].map(([id, recipients]) => [id, recipients, true]));
            for (let i = 1; i <= 3; i++) assert.equal((await a.expect('E')).data, String(i));
            await quiet(ctx.ipc, a);
            second.close();
        });
        test('the same seq of another producer or application is another message', async () => {
            const producer = randomBytes(16);
            const one = await Ipc.open(ctx.daemon.socket, APP, { producer });
            assert.equal((await one.publish({ channel: 'c' })).duplicate, false);
            const two = await Ipc.open(ctx.daemon.socket, APP);
            assert.equal((await two.publish({ channel: 'c' })).duplicate, false);
            const three = await Ipc.open(ctx.daemon.socket, APP2, { producer });
            assert.equal((await three.publish({ channel: 'c' })).duplicate, false);
            for (const each of [one, two, three]) each.close();
        });
    });

    test('ping and stats', async () => {
        await ctx.ipc.ping();
        const stats = await ctx.ipc.stats();
        assert.equal(typeof stats, 'object');
        assert.ok(Object.keys(stats).length > 0);
    });

    test('frames pipelined behind the hello are all answered, in order', async () => {
        const own = await Ipc.connect(ctx.daemon.socket);
        const producer = randomBytes(16);
        own.write(Buffer.concat([frame(hello(APP, { producer })), ...Array.from({ length: 200 }, (_, i) => frame([ipc.PUBLISH, i + 1, ...Ipc.message({ channel: 'c' })]))]));
        for (let i = 1; i <= 200; i++) {
            const answer = await own.inbox.take();
            assert.deepEqual([answer[0], answer[1]], [ipc.ACK, i]);
        }
        own.close();
    });

    test('frames that arrive byte by byte are frames', async () => {
        const own = await Ipc.connect(ctx.daemon.socket);
        for (const byte of Buffer.concat([frame(hello(APP)), frame([ipc.PING, 1])])) await new Promise((done) => own.socket.write(Buffer.from([byte]), done));
        assert.deepEqual(await own.inbox.take(), [ipc.PONG, 1]);
        own.close();
    });

    test('fields that a later version may add are ignored', async () => {
        const own = await Ipc.connect(ctx.daemon.socket);
        own.write(Buffer.concat([frame([...hello(APP), 'more', { x: 1 }]), frame([ipc.PUBLISH, 1, ...Ipc.message({ channel: 'c' }), 'more'])]));
        assert.equal((await own.inbox.take())[0], ipc.ACK);
        own.close();
    });

    test('text fields may be sent as bin', async () => {
        const channel = unique();
        const a = await ctx.open();
        await a.subscribe(channel);
        const answer = await ctx.ipc.request(ipc.PUBLISH, [channel], 'E', null, null, Buffer.from('"bin"'));
        if (answer[0] === ipc.ACK) assert.equal((await a.expect('E')).data, '"bin"');
        else assert.equal(answer[0], ipc.ERROR);
    });
});

suite('hellos', { sections: { 'app "off"': { key: 'off', secret: 's', enabled: 'no' } } }, (ctx) => {
    /** Sends frames and expects an error with this reason for seq 0, then the end. */
    async function refused(reason, ...frames) {
        const own = await Ipc.connect(ctx.daemon.socket);
        own.write(Buffer.concat(frames));
        const answer = await own.inbox.take();
        assert.ok(answer, 'the reason is told before the end');
        assert.equal(answer[0], ipc.ERROR, JSON.stringify(answer));
        assert.equal(answer[2], reason, JSON.stringify(answer));
        assert.ok(answer[3].length > 5, 'with words for people');
        assert.equal(await own.inbox.take(), null);
        return answer;
    }
    const publish = frame([ipc.PUBLISH, 1, ...Ipc.message({ channel: 'c' })]);

    test('an unknown application', async () => void (await refused('unknown_app', frame(hello({ id: 'nobody', secret: 's' })), publish)));
    test('a disabled application', async () => void (await refused('app_disabled', frame(hello({ id: 'off', secret: 's' })), publish)));
    test('a wrong secret', async () => void (await refused('unauthorized', frame(hello({ id: APP.id, secret: 'wrong' })), publish)));
    test("another application's secret", async () => void (await refused('unauthorized', frame(hello({ id: APP.id, secret: APP2.secret })), publish)));
    test('a mac of another application id', async () => void (await refused('unauthorized', frame(hello(APP, { signAs: 'app2' })), publish)));
    test('a mac of zeros', async () => void (await refused('unauthorized', frame(hello(APP, { mac: Buffer.alloc(32) })), publish)));
    test('a mac that is too short or too long', async () => {
        for (const length of [0, 31, 33]) {
            const own = await Ipc.connect(ctx.daemon.socket);
            own.write(frame(hello(APP, { mac: Buffer.alloc(length) })));
            const answer = await own.inbox.take();
            assert.ok(['unauthorized', 'protocol'].includes(answer?.[2]), JSON.stringify(answer));
            assert.equal(await own.inbox.take(), null);
        }
    });
    test('a clock that is off by more than ten minutes, either way', async () => {
        for (const off of [-601_000, 601_000]) {
            const answer = await refused('unauthorized', frame(hello(APP, { ms: Date.now() + off })), publish);
            assert.match(answer[3], /clock|time/i);
        }
    });
    test('a clock that is off by nine minutes is fine', async () => {
        for (const off of [-540_000, 540_000]) {
            const own = await Ipc.open(ctx.daemon.socket, APP, { ms: Date.now() + off });
            await own.ping();
            own.close();
        }
    });
    test('another version', async () => {
        for (const version of [0, 2, 99]) await refused('protocol', frame(hello(APP, { version })), publish);
    });
    test('no hello at all', async () => void (await refused('protocol', publish)));
    test('a ping instead of a hello', async () => void (await refused('protocol', frame([ipc.PING, 1]))));
    test('a second hello', async () => void (await refused('protocol', frame(hello(APP)), frame(hello(APP)))));
    test('an accepted hello alone is not answered', async () => {
        const own = await Ipc.connect(ctx.daemon.socket);
        own.write(frame(hello(APP)));
        await ctx.ipc.ping();
        own.write(frame([ipc.PING, 1]));
        assert.deepEqual(await own.inbox.take(), [ipc.PONG, 1]);
        own.close();
    });
    test('fields of wrong types', async () => {
        const good = hello(APP);
        for (let i = 2; i < good.length; i++) {
            for (const wrong of [null, [], {}, true, -1]) {
                const bad = [...good];
                bad[i] = wrong;
                const own = await Ipc.connect(ctx.daemon.socket);
                own.write(Buffer.concat([frame(bad), publish]));
                const answer = await own.inbox.take();
                assert.equal(answer?.[0], ipc.ERROR, `field ${i} = ${JSON.stringify(wrong)}: ${JSON.stringify(answer)}`);
                assert.ok(['protocol', 'unauthorized', 'unknown_app'].includes(answer[2]));
                assert.equal(await own.inbox.take(), null);
            }
        }
    });
    test('refused hellos are counted, and none of it published anything', async () => {
        const metrics = await ctx.daemon.metrics();
        assert.ok(metrics.get('ipc_refused_total') > 10, metrics.text);
        assert.equal(metrics.get('published_total', 'ipc') ?? 0, 0);
    });
    test('no secret is ever logged', () => {
        assert.ok(!ctx.daemon.stderr.includes(APP.secret));
        assert.ok(!ctx.daemon.stderr.includes(APP2.secret));
    });
});
