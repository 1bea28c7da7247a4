// Webhooks when the endpoint is slow, broken or gone, when the daemon ends, and over TLS.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, APP2, Daemon, freePort } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { unique } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

for (const workers of [1, 3]) {
    describe(`webhooks and their endpoint (workers=${workers})`, () => {
        /** A daemon with a receiver, both ended with the test. */
        const start = async (t, { answer, url, app = {}, limits, env, tls, port } = {}) => {
            const receiver = url ? null : await Receiver.start({ answer, tls, port });
            const daemon = await Daemon.start({
                workers,
                env,
                sections: { 'app "app1"': { webhook_url: url ?? receiver.url, webhook_events: 'channel_occupied', ...app }, ...(limits ? { limits } : {}) },
            });
            t.after(async () => {
                await daemon.stop();
                await receiver?.stop();
            });
            return { receiver, daemon };
        };
        const occupy = async (daemon, n = 1, options) => {
            const channels = [];
            const client = await Client.open(daemon, options);
            for (let i = 0; i < n; i++) {
                channels.push(unique());
                await client.subscribe(channels.at(-1));
            }
            return { client, channels };
        };

        test('500 and a redirect are repeated, unchanged, after 1 and 2 s; what came later waits behind', async (t) => {
            const { receiver, daemon } = await start(t, { answer: (_, n) => [500, 302][n - 1] ?? 204 });
            const { client, channels: [first] } = await occupy(daemon);
            const tries = [await receiver.arrived.take()];
            const { client: second, channels: [later] } = await occupy(daemon);
            tries.push(await receiver.arrived.take(), await receiver.arrived.take());
            assert.ok(tries[1].at - tries[0].at >= 990, `${tries[1].at - tries[0].at} ms`);
            assert.ok(tries[2].at - tries[1].at >= 1990, `${tries[2].at - tries[1].at} ms`);
            for (const request of tries) {
                assert.equal(request.text, tries[0].text);
                assert.equal(request.url, '/hook');
                assert.ok(Receiver.valid(request, APP));
            }
            assert.equal((await receiver.next()).channel, first);
            assert.equal((await receiver.next()).channel, later);
            // Libraries refuse what says that it is old, so what has waited says when it is sent.
            const waited = receiver.requests.at(-1).body;
            assert.ok(waited.time_ms >= tries[2].body.time_ms + 2900, `${waited.time_ms - tries[2].body.time_ms} ms`);
            await until(async () => (await daemon.metrics()).get('webhook_events_sent_total') === 2, 'both to be counted');
            const metrics = await daemon.metrics();
            assert.equal(metrics.get('webhook_requests_total'), 4);
            assert.equal(metrics.get('webhook_requests_failed_total'), 2);
            assert.equal(metrics.get('webhook_requests_retried_total'), 2);
            assert.match(daemon.stderr, /app app1: a webhook failed and will be retried: status 500/);
            assert.match(daemon.stderr, /app app1: webhooks are delivered again/);
            client.destroy();
            second.destroy();
        });

        test('an endpoint that is not there yet', async (t) => {
            const port = await freePort();
            const { daemon } = await start(t, { url: `http://127.0.0.1:${port}/hook` });
            const { client, channels: [channel] } = await occupy(daemon);
            await until(async () => (await daemon.metrics()).get('webhook_requests_failed_total') > 0, 'the first failure');
            const receiver = await Receiver.start({ port });
            t.after(() => receiver.stop());
            assert.deepEqual(await receiver.next(), { name: 'channel_occupied', channel });
            client.destroy();
        });

        test('one that hangs holds nobody up, its queue is bounded, and other applications have theirs', async (t) => {
            const other = await Receiver.start();
            t.after(() => other.stop());
            const receiver = await Receiver.start({ answer: () => null });
            t.after(() => receiver.stop());
            const daemon = await Daemon.start({
                workers,
                sections: {
                    limits: { webhook_queue: 5 },
                    'app "app1"': { webhook_url: receiver.url, webhook_events: 'channel_occupied' },
                    'app "app2"': { webhook_url: other.url, webhook_events: 'channel_occupied' },
                },
            });
            t.after(() => daemon.stop());
            const ipc = await Ipc.open(daemon.socket, APP);
            t.after(() => ipc.close());
            const { client, channels } = await occupy(daemon);
            await receiver.arrived.take();
            const { client: more } = await occupy(daemon, 20);
            await until(async () => (await daemon.metrics()).get('webhook_events_dropped_total', 'queue') === 16, 'all but four to be dropped');
            assert.equal((await daemon.metrics()).get('webhook_events_waiting'), 5);
            assert.match(daemon.stderr, /app app1: events are dropped, webhook_queue is full/);
            for (let i = 0; i < 200; i++) {
                await ipc.publish({ channel: channels[0], event: 'E', data: `${i}` });
                assert.equal((await client.expect('E')).data, `${i}`);
            }
            const { client: theirs, channels: [theirChannel] } = await occupy(daemon, 1, { app: APP2 });
            assert.equal((await other.next()).channel, theirChannel);
            assert.equal(receiver.requests.length, 1);
            // The process ends in time, and says what was lost.
            for (const one of [client, more, theirs]) one.destroy();
            const status = await daemon.stop({ keep: true });
            assert.equal(status.code, 0);
            assert.match(daemon.stderr, /app app1: 5 webhook events were dropped undelivered/);
            rmSync(daemon.dir, { recursive: true, force: true });
        });

        test('what the end of the process causes is still told', async (t) => {
            const { receiver, daemon } = await start(t, { app: { webhook_events: 'channel_occupied, channel_vacated, member_added, member_removed' } });
            const gone = await Client.open(daemon);
            const left = unique();
            await gone.subscribe(left);
            await gone.close(); // its channel_vacated is still held back
            const clients = [];
            for (let i = 0; i < 5; i++) clients.push(await Client.open(daemon));
            const channels = clients.map(() => unique());
            for (const [i, client] of clients.entries()) await client.subscribe(channels[i]);
            const presence = unique('presence');
            await clients[0].subscribe(presence, { data: { user_id: '1' } });
            const ended = daemon.stop();
            await Promise.all(clients.map((client) => client.closedWith(4200)));
            await ended;
            const events = receiver.requests.flatMap(({ body }) => body.events);
            const named = (name) => events.filter((event) => event.name === name).map(({ channel }) => channel).sort();
            assert.deepEqual(named('channel_vacated'), [left, presence, ...channels].sort());
            assert.deepEqual(named('channel_occupied'), [left, presence, ...channels].sort());
            assert.deepEqual(named('member_removed'), [presence]);
            assert.doesNotMatch(daemon.stderr, /not delivered/);
        });

        test('reload: another URL takes what waits, another secret signs it, and without a URL it is dropped', async (t) => {
            const { receiver, daemon } = await start(t, { answer: () => 500 });
            const other = await Receiver.start();
            t.after(() => other.stop());
            const { client, channels: [first] } = await occupy(daemon);
            await receiver.arrived.take();
            await daemon.reload({ 'app "app1"': { webhook_url: other.url, secret: 'another-secret-of-app1' } });
            assert.equal((await other.next()).channel, first);
            assert.ok(Receiver.valid(other.requests[0], { ...APP, secret: 'another-secret-of-app1' }));

            await daemon.reload({ 'app "app1"': { webhook_url: receiver.url }, 'app "app2"': { webhook_url: other.url, webhook_events: 'channel_occupied' } });
            const { client: second } = await occupy(daemon);
            await receiver.arrived.take();
            await daemon.reload({ 'app "app1"': { webhook_url: '' } });
            await until(async () => (await daemon.metrics()).get('webhook_events_dropped_total', 'ended') === 1, 'the event to be dropped');
            assert.equal((await daemon.metrics()).get('webhook_events_waiting'), 0);
            const { client: third } = await occupy(daemon);
            const { client: fourth, channels: [theirs] } = await occupy(daemon, 1, { app: APP2 });
            assert.deepEqual(await other.next(), { name: 'channel_occupied', channel: theirs });
            await daemon.reload({ 'app "app1"': null });
            for (const one of [client, second, third, fourth]) one.destroy();
        });

        test('an answer without end is cut off, and counts by its status', async (t) => {
            let closed;
            const cut = new Promise((done) => (closed = done));
            let requests = 0;
            const server = createServer((request, response) => {
                requests++;
                request.resume();
                response.on('close', closed);
                response.writeHead(200);
                const pour = () => {
                    while (!response.destroyed && response.write('x'.repeat(16384)));
                };
                response.on('drain', pour);
                pour();
            });
            const port = await freePort();
            await new Promise((done) => server.listen(port, '127.0.0.1', done));
            t.after(() => {
                server.closeAllConnections?.();
                return new Promise((done) => server.close(done));
            });
            const { daemon } = await start(t, { url: `http://127.0.0.1:${port}/` });
            const { client } = await occupy(daemon);
            await deadline(cut, 'the daemon to hang up');
            await until(async () => (await daemon.metrics()).get('webhook_events_sent_total') === 1, 'the event to be counted');
            assert.equal(requests, 1);
            client.destroy();
        });

        test('credentials of the URL are sent and not logged; proxies of the environment are not used', async (t) => {
            const port = await freePort();
            const receiver = await Receiver.start({ port, answer: (_, n) => (n === 1 ? 401 : 200) });
            t.after(() => receiver.stop());
            const proxy = 'http://127.0.0.1:9';
            const { daemon } = await start(t, { url: `http://hook:hunter2@127.0.0.1:${port}/hook`, env: { http_proxy: proxy, HTTP_PROXY: proxy, all_proxy: proxy, ALL_PROXY: proxy } });
            const { client } = await occupy(daemon);
            const request = await receiver.arrived.take();
            assert.equal(request.headers.authorization, `Basic ${Buffer.from('hook:hunter2').toString('base64')}`);
            await receiver.next();
            assert.match(daemon.stderr, /status 401/);
            assert.doesNotMatch(daemon.stderr, /hunter2/);
            client.destroy();
        });

        test('https: an own CA is trusted through SSL_CERT_FILE, and nothing else', async (t) => {
            const dir = mkdtempSync(join(tmpdir(), 'ffc-'));
            t.after(() => rmSync(dir, { recursive: true, force: true }));
            const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
            const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { encoding: 'utf8' });
            assert.equal(made.status, 0, made.stderr);
            const tls = { key: readFileSync(key), cert: readFileSync(cert) };
            const { receiver, daemon } = await start(t, { tls, env: { SSL_CERT_FILE: cert } });
            const { client, channels: [channel] } = await occupy(daemon);
            assert.equal((await receiver.next()).channel, channel);
            client.destroy();

            const { receiver: unseen, daemon: strict } = await start(t, { tls });
            const { client: second } = await occupy(strict);
            await until(() => /a webhook failed and will be retried: .*certificate/i.test(strict.stderr), 'the certificate to be refused');
            assert.equal(unseen.requests.length, 0);
            second.destroy();
        });
    });
}
