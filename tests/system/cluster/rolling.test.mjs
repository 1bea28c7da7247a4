// A rolling release as docs/deploying.md has it: two nodes behind HAProxy with its shipped file, pusher-js that reconnects, publishers on
// both. What each client missed is counted, and when. FANFARE_TEST_LONG=1.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Authority } from '../lib/certs.mjs';
import { Nodes } from '../lib/cluster.mjs';
import { done } from '../lib/ctl.mjs';
import { APP, freePort } from '../lib/daemon.mjs';
import { long, sleep } from '../lib/faults.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { root } from '../lib/paths.mjs';
import { Proxy, missingCommand } from '../lib/proxy.mjs';
import { Redis, noRedis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const NAME = 'ws.example.com';
const CLIENTS = 120; // half of them are told at once, as fewer than a hundred are, and all of them over drain_period
const PERIOD = 3; // drain_period in seconds
const EVERY_MS = 200; // a publish of each publisher

/** The shipped file with these nodes. */
const haproxy = (nodes, plain, pair) => (dir, listen) => {
    writeFileSync(join(dir, 'pair.pem'), readFileSync(pair.certificate, 'utf8') + readFileSync(pair.key, 'utf8'));
    let text = readFileSync(join(root, 'packaging/haproxy/fanfare.cfg'), 'utf8');
    for (const [from, to] of [
        ['server node-1 10.0.0.11:8080', `server node-1 127.0.0.1:${nodes[0].port} port ${nodes[0].adminPort}`],
        ['server node-2 10.0.0.12:8080', `server node-2 127.0.0.1:${nodes[1].port} port ${nodes[1].adminPort}`],
        ['bind :443 ssl crt /etc/haproxy/certs/ws.example.com.pem', `bind 127.0.0.1:${listen} ssl crt ${dir}/pair.pem`],
        ['bind :80', `bind 127.0.0.1:${plain}`],
    ]) {
        assert.ok(text.includes(from), `the file no longer has ${from}`);
        text = text.replaceAll(from, to);
    }
    return `global\n    maxconn ${4 * CLIENTS}\ndefaults\n    log global\n${text}`;
};

/** pusher-js in a process of its own. It writes an array a line: what happened, to whom, when, and what it got. */
const browsers = `const dns = require('node:dns');
dns.lookup = (host, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4));
const Pusher = require(${JSON.stringify(join(root, 'out/node/node_modules/pusher-js'))});
const say = (...words) => console.log(JSON.stringify(words));
for (let i = 0; i < ${CLIENTS}; i++) {
    const pusher = new Pusher(process.argv[2], { cluster: '', wsHost: '${NAME}', wssPort: Number(process.argv[3]), forceTLS: true, enabledTransports: ['ws', 'wss'] });
    const channel = pusher.subscribe('orders');
    channel.bind('pusher:subscription_succeeded', () => say('in', i, Date.now()));
    channel.bind('E', (id) => say('E', i, Date.now(), id));
    pusher.connection.bind('state_change', ({ previous }) => previous === 'connected' && say('out', i, Date.now()));
    pusher.connection.bind('error', (error) => say('error', i, Date.now(), error?.error?.data?.code ?? error?.data?.code ?? error?.error?.type ?? error?.type ?? JSON.stringify(error)));
}
`;

/** Publishes until it is stopped, and connects again as often as it has to; what was acknowledged, and when, is in sent. */
class Publisher {
    constructor(node, label) {
        Object.assign(this, { node, label, sent: [], tried: 0, failed: 0 });
        this.ended = this.#publishing();
    }
    async #publishing() {
        let ipc;
        for (let i = 0; !this.stopping; i++) {
            const id = `${this.label}/${i}`;
            const at = Date.now();
            this.tried++;
            try {
                if (!ipc || ipc.closed) ipc = await Ipc.open(this.node.socket, APP);
                await ipc.publish({ channel: 'orders', event: 'E', data: JSON.stringify(id) });
                this.sent.push({ id, at, until: Date.now() });
            } catch (error) {
                this.why = error.message;
                this.failed++; // nobody said that it would arrive
                ipc?.close();
                ipc = undefined;
            }
            await sleep(EVERY_MS);
        }
        ipc?.close();
    }
    async stop() {
        this.stopping = true;
        await this.ended;
    }
}

const middle = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
const most = (numbers) => Math.max(0, ...numbers);

describe('a rolling release', { skip: long ? missingCommand('haproxy') || noRedis : 'takes long: FANFARE_TEST_LONG=1' }, () => {
    test('each client misses only what is published while it reconnects, once for each node that it has to leave', async (t) => {
        const ca = new Authority();
        t.after(() => ca.remove());
        const pair = ca.issue('front', [NAME]);
        const redis = await Redis.start();
        t.after(() => redis.stop());
        const nodes = await Nodes.start(2, {
            redis: redis.url,
            sections: { server: { trusted_proxies: '127.0.0.1', proxy_protocol: 'yes', drain_delay: 3, drain_period: PERIOD } },
        });
        t.after(() => nodes.stop({ check: false }));
        const proxy = await Proxy.start('haproxy', (file) => ['-db', '-f', file], haproxy(nodes.all, await freePort(), pair));
        t.after(() => proxy.stop());

        const file = join(proxy.dir, 'browsers.cjs');
        writeFileSync(file, browsers);
        const child = spawn(process.execPath, [file, APP.key, String(proxy.port)], { env: { ...process.env, NODE_EXTRA_CA_CERTS: ca.file }, stdio: ['ignore', 'pipe', 'inherit'] });
        t.after(() => child.kill());
        const clients = Array.from({ length: CLIENTS }, () => ({ got: new Map(), away: [], errors: [] }));
        createInterface({ input: child.stdout }).on('line', (line) => {
            const [kind, i, at, what] = JSON.parse(line);
            const client = clients[i];
            if (kind === 'E') client.got.set(what, (client.got.get(what) ?? 0) + 1);
            else if (kind === 'error') client.errors.push(what);
            else if (kind === 'out') client.away.push({ from: at });
            else if (client.away.length) client.away.at(-1).to = at;
            else client.first = at;
        });
        const all = () => clients.every(({ first, away }) => first && (!away.length || away.at(-1).to));
        await until(all, 'all clients to be there', 120_000);

        const publishers = nodes.all.map((node, i) => new Publisher(node, `n${i + 1}`));
        t.after(() => Promise.all(publishers.map((one) => one.stop())));
        await until(() => clients.every(({ got }) => got.size > 4), () => `everybody to hear both: ${publishers.map((one) => `${one.sent.length} of ${one.tried} published, ${one.why}`)}; heard ${clients.map(({ got }) => got.size)}`, 60_000);

        // One node after the other, as the page says: drain, start, wait until it is ready and everybody is somewhere.
        const drained = [];
        for (const node of nodes.all) {
            const held = (await node.metrics()).get('connections');
            const started = Date.now();
            assert.equal(await done(node, 'drain'), 'draining, then it ends\n');
            assert.equal((await node.process.exit(60_000)).code, 0);
            drained.push({ held, ms: Date.now() - started });
            await node.launch();
            await nodes.known(nodes.all);
            await until(all, 'everybody to be back', 60_000);
            await sleep(3000); // so that HAProxy has asked it twice and knows that it is there
        }
        for (const one of publishers) await one.stop();
        const sent = publishers.flatMap((one) => one.sent);
        const last = publishers.map((one) => one.sent.at(-1).id);
        await until(() => clients.every(({ got }) => last.every((id) => got.has(id))), () => `${last} to be heard: ${publishers.map((one) => `${one.sent.length} of ${one.tried} published, ${one.why}`)}; ${JSON.stringify(clients.filter(({ got }) => !last.every((id) => got.has(id))).slice(0, 3).map(({ got, away, errors }) => ({ got: [...got.keys()].slice(-4), away, errors })))}`, 20_000);

        const missed = clients.map((client) => sent.filter(({ id, at }) => at > client.first && !client.got.has(id)));
        const away = clients.flatMap((client) => client.away.map(({ from, to }) => to - from));
        t.diagnostic(`nodes: ${drained.map(({ held, ms }) => `${held} clients, ended after ${ms} ms`).join('; ')}`);
        t.diagnostic(`reconnects of a client: ${[0, 1, 2, 3].map((n) => `${n}: ${clients.filter((one) => one.away.length === n).length}`).join(', ')}; away for ${middle(away)} ms, at most ${most(away)}`);
        t.diagnostic(`published: ${publishers.map((one) => `${one.sent.length} of ${one.tried}`).join(' and ')}; missed by a client: ${middle(missed.map((one) => one.length))}, at most ${most(missed.map((one) => one.length))}`);

        for (const [i, client] of clients.entries()) {
            assert.ok(client.away.length <= 2, `client ${i} reconnected ${client.away.length} times`);
            assert.deepEqual([...client.got].filter(([, n]) => n > 1), [], `client ${i} got something twice`);
            // The subscription is there before its confirmation is read, and the close frame is read behind what came before it: a
            // message that was on its way within either second is not held against the daemon.
            const outside = missed[i].filter(({ at, until: acked }) => !client.away.some(({ from, to }) => acked >= from - 1000 && at <= to + 1000));
            assert.deepEqual(outside, [], `client ${i} missed what was published while it was connected`);
        }
        // Nobody was refused: all that a client saw is that it was asked to come again.
        const errors = clients.flatMap((client) => client.errors).filter((code) => code !== 4200);
        assert.deepEqual(errors, []);
        // What fails is what is sent to a node that is gone: a publisher on the other node notices nothing.
        for (const [i, one] of publishers.entries()) assert.ok(one.failed < one.tried / 2, `publisher ${i}: ${one.failed} of ${one.tried} failed`);
    });
});
