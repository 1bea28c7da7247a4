// Who reaches the admin listener and means no good, or watches without a pause.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { APP, Daemon, freePort } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const TOKEN = 'the-token-of-the-operator';

async function start(t, options = {}) {
    const daemon = await Daemon.start({ ...options, sections: { admin: { token: TOKEN }, ...options.sections } });
    t.after(() => daemon.stop());
    const url = `http://127.0.0.1:${daemon.adminPort}`;
    const order = (path, value) =>
        fetch(url + path, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify(value) });
    return { daemon, url, order };
}

describe('the admin listener', () => {
    test('a publish to more channels than are allowed is refused, and reaches none of them', async (t) => {
        const { daemon, order } = await start(t, { sections: { limits: { max_channels_per_publish: 60 } } });
        const client = await Client.open(daemon);
        await client.subscribe('c0');
        for (const n of [61, 101, 5000]) {
            const answer = await order('/api/publish', { app: APP.id, channels: Array.from({ length: n }, (_, i) => `c${i}`), event: 'no', data: 'x' });
            assert.equal(answer.status, 400);
            assert.match((await answer.json()).error, new RegExp(`goes to ${n === 61 ? 60 : 100} channels at most`));
        }
        assert.equal((await order('/api/publish', { app: APP.id, channels: Array.from({ length: 60 }, (_, i) => `c${i}`), event: 'yes', data: 'x' })).status, 200);
        assert.equal((await client.next()).event, 'yes');
        assert.equal((await order('/api/publish', { app: APP.id, channels: ['c0'], event: 'e', data: 'x'.repeat(103_000) })).status, 413);
        await client.close();
    });

    test('nothing large is kept of a login, before it has shown a token', async (t) => {
        const { url } = await start(t);
        const login = (body, more = {}) => fetch(`${url}/console/login`, { method: 'POST', headers: { origin: url }, body, ...more });
        assert.equal((await login('x'.repeat(5000))).status, 413);
        assert.equal((await login(new Blob(['{}']).stream(), { duplex: 'half' })).status, 413);
        assert.equal((await login(JSON.stringify({ token: 'another' }))).status, 401);
        assert.equal((await login(JSON.stringify({ token: TOKEN }))).status, 200);
    });

    test('an answer of the collector that does not end is not read to the end', async (t) => {
        const port = await freePort();
        const sockets = new Set();
        const server = createServer((socket) => {
            sockets.add(socket);
            const more = () => socket.writable && socket.write('a'.repeat(65536));
            socket.on('error', () => {}).on('drain', more).on('close', () => sockets.delete(socket));
            socket.once('data', () => {
                socket.write('HTTP/1.1 200 OK\r\n\r\n');
                more();
            });
        });
        await new Promise((done) => server.listen(port, '127.0.0.1', done));
        t.after(() => {
            for (const socket of sockets) socket.destroy();
            server.close();
        });
        const { daemon } = await start(t, { sections: { trace: { endpoint: `http://127.0.0.1:${port}/v1/traces`, sample: 1 } } });
        const ipc = await Ipc.open(daemon.socket, APP);
        await deadline(ipc.publish({ channel: 'c', event: 'e', data: '1' }), 'the receipt');
        await until(async () => {
            const text = await (await fetch(`http://127.0.0.1:${daemon.adminPort}/metrics`)).text();
            return Number(/^fanfare_trace_spans_exported_total (\d+)$/m.exec(text)[1]) >= 2;
        }, 'the spans to be taken', 4000);
        ipc.close();
    });
});
