// Back-pressure at every door: who sends more than can be given away waits or is refused, and it is counted. Memory stays where the
// limits put it, orders pass what waits, and others are served meanwhile. The rules are in daemon/pubsub/flow.h.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createConnection } from 'node:net';
import { APP } from '../lib/daemon.mjs';
import * as ipc from '../lib/ipc.mjs';
import { frame } from '../lib/ipc.mjs';
import { daemonPath, long } from '../lib/paths.mjs';
import { signed } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { PING, clientFrame } from '../lib/ws.mjs';

const sanitized = /san/.test(daemonPath);
/** A sanitizer build is slower than the flood is: that it is held back shows in the unit tests of that build. */
const flooded = sanitized ? { skip: 'a sanitizer build cannot keep up with a flood' } : long;
const MB = 1024;
const status = (pid, field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
const rss = (pid) => status(pid, 'VmRSS');
const cpu = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
    return (Number(fields[13]) + Number(fields[14])) / 100;
};
// Under a sanitizer freed memory is kept for a while: there only the rest is looked at.
const grewBy = (pid, before, limit, what) => sanitized || assert.ok(rss(pid) - before < limit, `${what}: ${before} KB grew to ${rss(pid)} KB`);

/** Writes `chunk` again and again until `over()`; what comes back is thrown away, or not even read. */
async function flood(client, chunk, over, { read = true } = {}) {
    client.socket.removeAllListeners('data');
    if (read) client.socket.resume();
    else client.socket.pause();
    while (!over() && !client.closed) {
        if (!client.socket.write(chunk)) await Promise.race([once(client.socket, 'drain').catch(() => {}), client.ended, new Promise((done) => setTimeout(done, 200))]);
    }
}

// One event to these many is over mailbox_high already, so that it does not depend on who is faster whether somebody is held back.
suite('doors under flood', { workers: [1, 3], sections: { limits: { mailbox_high: '64K', output_total: '32M', output_hard: '4M' }, 'app "app1"': { client_event_rate: 0 } } }, (ctx) => {
    const held = async (door) => (await ctx.daemon.metrics()).get('flow_held_total', `door="${door}"`);

    test('client events to many that cannot take them all', flooded, async () => {
        const channel = unique('private');
        const good = await ctx.open();
        const before = rss(ctx.daemon.pid);
        let over = false;
        const chunk = Buffer.concat(Array.from({ length: 4 }, () => clientFrame(JSON.stringify({ event: 'client-x', channel, data: 'x'.repeat(9000) }))));
        // Who cannot take what all the others send is closed, and comes again.
        const flooding = Array.from({ length: 60 }, async () => {
            while (!over) {
                const member = await ctx.open();
                await member.subscribe(channel);
                await flood(member, chunk, () => over);
                member.destroy();
            }
        });
        let worst = 0;
        await until(async () => {
            const start = Date.now();
            await good.sync();
            worst = Math.max(worst, Date.now() - start);
            grewBy(ctx.daemon.pid, before, 150 * MB, 'a flood of client events');
            return (await held('client')) > 5;
        }, 'members to be held back', 60_000);
        over = true;
        await Promise.all(flooding);
        await good.sync();
        assert.ok(worst < 15_000, `a quiet client waited ${worst} ms`);
    });

    test('HTTP publishers that give up and come anew', flooded, async () => {
        const channel = unique();
        const members = await Promise.all(Array.from({ length: 50 }, () => ctx.open()));
        for (const member of members) {
            await member.subscribe(channel);
            member.socket.removeAllListeners('data').resume();
        }
        const before = rss(ctx.daemon.pid);
        const body = JSON.stringify({ name: 'E', channels: [channel], data: 'x'.repeat(90_000) });
        const statuses = new Map();
        let over = false;
        const publisher = async () => {
            while (!over) {
                await new Promise((done) => {
                    const out = request({ host: '127.0.0.1', port: ctx.daemon.port, method: 'POST', path: signed('POST', `/apps/${APP.id}/events`, { app: APP, body }), agent: new Agent(), headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } }, (response) => {
                        statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1);
                        if (response.statusCode === 503) assert.ok(Number(response.headers['retry-after']) >= 1);
                        response.resume();
                    });
                    out.on('error', () => {});
                    out.on('close', done);
                    out.end(body);
                    setTimeout(() => out.destroy(), 50).unref();
                });
            }
        };
        const publishing = Array.from({ length: 40 }, publisher);
        await until(() => {
            grewBy(ctx.daemon.pid, before, 150 * MB, 'publishers that give up');
            return statuses.has(503);
        }, 'refusals', 60_000);
        over = true;
        await Promise.all(publishing);
        members.forEach((member) => member.destroy());
        // When it is over, publishing goes on.
        await until(async () => (await ctx.ipc.publish({ channel, data: '1' })).recipients === 0, 'the last of it');
    });

    test('pings whose answers nobody reads', flooded, async () => {
        const evil = await Promise.all([1, 2, 3, 4].map(() => ctx.open()));
        const good = await ctx.open();
        const before = rss(ctx.daemon.pid);
        const unread = await held('unread');
        let over = false;
        const chunk = Buffer.concat(Array.from({ length: 4000 }, () => clientFrame('', { opcode: PING })));
        const flooding = evil.map((client) => flood(client, chunk, () => over, { read: false }));
        await until(async () => (await held('unread')) >= unread + 4, 'all of them to be read no more', 60_000);
        await good.sync();
        grewBy(ctx.daemon.pid, before, 30 * MB, 'unread pongs');
        // Whoever reads again is served again.
        over = true;
        await Promise.all(flooding);
        evil[0].socket.resume();
        evil.slice(1).forEach((client) => client.destroy());
        await until(() => evil[0].socket.writableLength === 0, 'the one that reads again to be read');
        evil[0].destroy();
    });

    test('bursts of pings from many keep nobody waiting, and time-outs come', flooded, async () => {
        const noisy = await Promise.all(Array.from({ length: 150 }, () => ctx.open()));
        const good = await ctx.open();
        let over = false;
        const chunk = Buffer.concat(Array.from({ length: 3000 }, () => clientFrame('', { opcode: PING })));
        const flooding = noisy.map((client) => flood(client, chunk, () => over));
        for (let i = 0; i < 20; i++) await good.sync();
        over = true;
        noisy.forEach((client) => client.destroy());
        await Promise.all(flooding);
    });
});

suite('publishers on the socket', { workers: [1, 3] }, (ctx) => {
    test('a publisher that leaves its answers unread costs nothing', async () => {
        const socket = createConnection(ctx.daemon.socket);
        await once(socket, 'connect');
        socket.pause();
        let seq = 0, over = false;
        socket.write(frame(ipc.hello(APP)));
        const writing = (async () => {
            while (!over) {
                const chunk = Buffer.concat(Array.from({ length: 256 }, () => frame([ipc.PING, ++seq])));
                if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), new Promise((done) => setTimeout(done, 100))]);
                if (socket.writableLength > 16_384) break;
            }
        })();
        await writing;
        const before = cpu(ctx.daemon.pid);
        await new Promise((done) => setTimeout(done, 1500)); // WHY: that nothing happens for a while is what is looked at
        assert.ok(cpu(ctx.daemon.pid) - before < 0.3, `${cpu(ctx.daemon.pid) - before} s of CPU in 1.5 s of rest`);
        over = true;
        await ctx.ipc.ping();
        socket.destroy();
    });

    test('nothing large is kept for who has not said hello', async () => {
        const socket = createConnection(ctx.daemon.socket);
        const head = Buffer.alloc(4);
        head.writeUInt32BE(16 << 20);
        let answer = Buffer.alloc(0);
        socket.on('data', (chunk) => (answer = Buffer.concat([answer, chunk])));
        socket.on('error', () => {});
        socket.write(head);
        await once(socket, 'close');
        assert.match(answer.toString('latin1'), /must be a hello/);
    });
});
