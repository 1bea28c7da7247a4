// A Redis older than 6.2 knows no MINID: the log is trimmed by number there, and nothing that is said stays out of it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createConnection, createServer } from 'node:net';
import { APP, freePort } from '../lib/daemon.mjs';
import { Nodes } from '../lib/cluster.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { noRedis, Redis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

/**
 * Redis as an old one answers: MINID becomes a word that this one knows as little, and it takes it for an id, as those
 * did. `tried`: how often it was met.
 */
async function old(redis) {
    const wire = { port: await freePort(), tried: 0, pairs: new Set() };
    const server = createServer((client) => {
        const pair = [client, createConnection({ port: redis.port, host: '127.0.0.1' })];
        wire.pairs.add(pair);
        for (const [from, to] of [pair, pair.toReversed()]) {
            from.on('error', () => {}).on('close', () => to.destroy());
            from.on('data', (bytes) => {
                for (let at = bytes.indexOf('$5\r\nMINID'); at >= 0; at = bytes.indexOf('$5\r\nMINID', at)) {
                    bytes.write('NOWAY', at + 4);
                    wire.tried++;
                }
                to.write(bytes);
            });
        }
    });
    await new Promise((done) => server.listen(wire.port, '127.0.0.1', done));
    wire.stop = () => {
        for (const pair of wire.pairs) for (const socket of pair) socket.destroy();
        server.close();
    };
    return wire;
}

test('a Redis older than 6.2 is trimmed by number', { skip: noRedis }, async (t) => {
    const redis = await Redis.start();
    t.after(() => redis.stop());
    const wire = await old(redis);
    t.after(() => wire.stop());
    const nodes = await Nodes.start(2, { redis: `redis://127.0.0.1:${wire.port}/0`, sections: { cluster: { resend_window: 1 } } });
    t.after(() => nodes.stop({ check: false }));
    const client = await Client.open(nodes.at(1), { app: APP });
    await client.subscribe('old');
    await client.sync();
    const ipc = await Ipc.open(nodes.at(0).socket, APP);
    const first = async () => (await redis.command('XRANGE', 'fanfare:lane:0', '-', '+', 'COUNT', 1))[0][0];
    const begin = await first();
    let n = 0;
    // It is cut in whole blocks of a hundred entries.
    await until(async () => {
        for (let i = 0; i < 20; i++) {
            await ipc.publish({ channel: 'old', event: 'n', data: `${n++}` });
        }
        assert.ok(wire.tried >= 1, 'it was tried to trim by age');
        assert.notEqual(await first(), begin, 'the first entries are gone');
        return true;
    }, 'the log to be trimmed', 30_000);
    for (let i = 0; i < n; i++) assert.equal((await client.expect('n', 'old')).data, `${i}`);
    assert.equal(await nodes.sum('bus_dropped_total'), 0);
    assert.equal(await nodes.sum('bus_lost_total'), 0);
});
