// A soak, run by hand: floods at all doors at once, and honest clients among them whose latency is measured, and the daemon's memory.
//
// The floods run on a thread of their own, so that their work is not taken for the daemon's latency.
//
// usage: node tests/system/soak.mjs [--minutes N] [--workers N] [--daemon PATH]   (10 minutes, 1 worker, out/release/fanfared)
//
// The floods: client events of 9 KB to members that cannot take them all, HTTP publishers that give up after 50 ms and come anew,
// publishers on the socket with 200 messages outstanding, pings whose answers nobody reads, bursts of pings, members that join and
// leave a presence channel, one client that flips its subscription. Honest clients ping and get a publish of their own every 100 ms.
// Prints a line every 10 seconds and a summary; ends with 1 when an honest client was closed or lost a message, or when memory went
// over the limit that the daemon's own limits amount to.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, workerData } from 'node:worker_threads';

const { values: options } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, workers: { type: 'string', default: '1' }, daemon: { type: 'string' } } });
if (options.daemon) process.env.FANFARED = options.daemon;
const { APP, Daemon } = await import('./lib/daemon.mjs');
const ipc = await import('./lib/ipc.mjs');
const { Ipc, frame } = ipc;
const { auth, signed } = await import('./lib/sign.mjs');
const { Client, PING, clientFrame } = await import('./lib/ws.mjs');

const LIMIT_MB = 600; // mailboxes and queues at their limits (64 and 256 MiB), and what the allocator keeps beside them
const HONEST = 20;
const daemon = !isMainThread ? workerData : await Daemon.start({ workers: Number(options.workers), sections: { limits: { max_handshakes: 0 }, 'app "app1"': { client_event_rate: 0, subscription_count: 'yes' } } });
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))[1]) / 1024;
const pause = (ms) => new Promise((done) => setTimeout(done, ms)); // WHY: load comes by the clock
let over = false;
const open = (app) => Client.open(daemon, { app: app ?? APP });

/** Comes again and again until it is over, whatever happens to it. */
const forever = (fn) => (async () => {
    while (!over) {
        try {
            await fn();
        } catch {
            await pause(20);
        }
    }
})();
const drop = (client, read) => {
    client.socket.removeAllListeners('data');
    read ? client.socket.resume() : client.socket.pause();
};
const pour = async (client, chunk) => {
    while (!over && !client.closed) {
        if (client.socket.write(chunk)) continue;
        const waiting = new AbortController();
        await Promise.race([once(client.socket, 'drain', { signal: waiting.signal }).catch(() => {}), client.ended, pause(200)]);
        waiting.abort();
    }
    client.destroy();
};

const floods = isMainThread ? [] : [
    ...Array.from({ length: 40 }, () => forever(async () => {
        const client = await open();
        await client.subscribe('private-flood');
        drop(client, true);
        await pour(client, clientFrame(JSON.stringify({ event: 'client-x', channel: 'private-flood', data: 'x'.repeat(9000) })));
    })),
    ...Array.from({ length: 20 }, () => forever(() => new Promise((done) => {
        const body = JSON.stringify({ name: 'E', channels: ['private-flood'], data: 'x'.repeat(50_000) });
        const out = request({ host: '127.0.0.1', port: daemon.port, method: 'POST', path: signed('POST', `/apps/${APP.id}/events`, { app: APP, body }), agent: new Agent(), headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } }, (response) => response.resume());
        out.on('error', () => {});
        out.on('close', done);
        out.end(body);
        setTimeout(() => out.destroy(), 50);
    }))),
    ...Array.from({ length: 2 }, () => forever(async () => {
        const peer = await Ipc.open(daemon.socket, APP);
        for (let sent = 0, acked = 0; !over && !peer.socket.destroyed; ) {
            const chunk = [];
            while (sent - acked < 200) chunk.push(frame([ipc.PUBLISH, ++sent, ...Ipc.message({ channel: 'private-flood', data: 'x'.repeat(1000) })]));
            peer.write(Buffer.concat(chunk));
            do {
                await Promise.race([peer.inbox.take(), peer.ended]);
                acked++;
            } while (peer.inbox.waiting.length);
        }
        peer.close();
    })),
    ...Array.from({ length: 4 }, () => forever(async () => {
        const client = await open();
        drop(client, false);
        await pour(client, Buffer.concat(Array.from({ length: 1000 }, () => clientFrame('', { opcode: PING }))));
    })),
    ...Array.from({ length: 20 }, () => forever(async () => {
        const client = await open();
        drop(client, true);
        await pour(client, Buffer.concat(Array.from({ length: 1000 }, () => clientFrame('', { opcode: PING }))));
    })),
    ...Array.from({ length: 100 }, (_, i) => forever(async () => {
        const client = await open();
        const data = JSON.stringify({ user_id: `u${i}`, user_info: { text: 'i'.repeat(200) } });
        const message = { event: 'pusher:subscribe', data: { channel: 'presence-flood', auth: auth(APP, client.socketId, 'presence-flood', data), channel_data: data } };
        drop(client, true);
        for (let n = 0; n < 50 && !over && !client.closed; n++) {
            client.send(message);
            client.unsubscribe('presence-flood');
            await pause(100);
        }
        client.destroy();
    })),
    forever(async () => {
        const client = await open();
        drop(client, true);
        while (!over && !client.closed) {
            client.send({ event: 'pusher:subscribe', data: { channel: 'counted' } });
            client.unsubscribe('counted');
            await pause(5);
        }
    }),
];

if (!isMainThread) await new Promise(() => {}); // until the main thread ends it

const flooding = new Worker(new URL(import.meta.url), { workerData: { port: daemon.port, socket: daemon.socket } });
const latency = { ping: [], publish: [] };
let lost = 0, closed = 0;
const honest = Array.from({ length: HONEST }, async (_, i) => {
    const client = await open();
    const peer = await Ipc.open(daemon.socket, APP);
    const channel = `honest-${i}`;
    await client.subscribe(channel);
    await client.expect('pusher_internal:subscription_count');
    for (let n = 0; !over; n++) {
        try {
            let start = performance.now();
            await client.sync();
            latency.ping.push(performance.now() - start);
            start = performance.now();
            const receipt = await peer.publish({ channel, data: String(n) });
            if (receipt.recipients !== 1 || (await client.expect('E', channel)).data !== String(n)) lost++;
            latency.publish.push(performance.now() - start);
        } catch (error) {
            client.closed ? closed++ : lost++;
            console.log(`honest client ${i}: ${error.message.split('\n')[0]}`);
            return;
        }
        await pause(100);
    }
    await client.close();
    peer.close();
});

const percentile = (list, p) => (list.length ? [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))].toFixed(1) : '-');
const show = (list) => `p50 ${percentile(list, 0.5)} p99 ${percentile(list, 0.99)} max ${percentile(list, 1)} ms`;
const until = Date.now() + Number(options.minutes) * 60_000;
let peak = 0;
const all = { ping: [], publish: [] };
while (Date.now() < until) {
    for (let i = 0; i < 100 && Date.now() < until; i++) {
        await pause(100);
        peak = Math.max(peak, rss());
    }
    console.log(`${Math.round((until - Date.now()) / 1000)} s left: RSS ${rss().toFixed(0)} MB, peak ${peak.toFixed(0)}; ping ${show(latency.ping)}; publish ${show(latency.publish)}`);
    for (const kind of ['ping', 'publish']) all[kind].push(...latency[kind].splice(0));
}
const metrics = await daemon.metrics();
over = true;
await Promise.allSettled(honest);
await flooding.terminate();
console.log(metrics.text.split('\n').filter((line) => /^fanfare_(flow_held|slow_consumers|api_refused|published|limits_reached)/.test(line) && !/ 0$/.test(line)).join('\n'));
await daemon.stop();
console.log(`${options.minutes} minutes, ${options.workers} worker(s): peak ${peak.toFixed(0)} MB; ${all.ping.length} pings: ${show(all.ping)}; ${all.publish.length} publishes: ${show(all.publish)}; ${lost} lost, ${closed} honest clients closed`);
process.exit(lost || closed || peak > LIMIT_MB ? 1 : 0);
