// One client floods the daemon with what is cheap to send. Another one's round trips go on, and memory stays where it is.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { daemonPath } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { CONTINUATION, PING, PONG, clientFrame } from '../lib/ws.mjs';

const sanitized = /[/](asan|tsan)[/]|san/.test(daemonPath);
const CHUNK = 2000; // frames written at once
const ROUND_TRIPS = 60;
const FLOOD = 100_000; // frames at least

suite('a flood from one client', { workers: [1, 3], sections: { 'app "app1"': { client_events: 'all' } } }, (ctx) => {
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${ctx.daemon.pid}/status`, 'utf8'))[1]);
    const event = (name, data) => clientFrame(JSON.stringify({ event: name, data }));
    const repeat = (...frames) => Buffer.concat(Array.from({ length: CHUNK }, (_, i) => frames[i % frames.length]));

    const kinds = {
        'control pings': () => ({ chunk: repeat(clientFrame('x'.repeat(125), { opcode: PING })) }),
        'control pongs': () => ({ chunk: repeat(clientFrame('', { opcode: PONG })) }),
        'pusher:ping': () => ({ chunk: repeat(event('pusher:ping', {})) }),
        'pusher:pong': () => ({ chunk: repeat(event('pusher:pong', {})) }),
        'empty fragments': () => ({ ends: true, first: clientFrame('', { fin: false }), chunk: repeat(clientFrame('', { opcode: CONTINUATION, fin: false })) }),
        'messages of one empty fragment': () => ({ chunk: repeat(clientFrame('', { fin: false }), clientFrame('', { opcode: CONTINUATION })) }),
        'nonsense': () => ({ chunk: repeat(clientFrame('nonsense')) }),
        'subscriptions and their ends': () => {
            const channel = unique();
            return { chunk: repeat(event('pusher:subscribe', { channel }), event('pusher:unsubscribe', { channel })) };
        },
        'ever new subscriptions over the limit': () => ({
            chunk: Buffer.concat(Array.from({ length: CHUNK }, () => event('pusher:subscribe', { channel: unique() }))),
        }),
        'the same subscription': () => ({ chunk: repeat(event('pusher:subscribe', { channel: unique() })) }),
        'refused subscriptions': () => ({ chunk: repeat(event('pusher:subscribe', { channel: unique('private'), auth: 'key1:00' })) }),
        'client events': () => {
            const channel = unique();
            return { first: event('pusher:subscribe', { channel }), chunk: repeat(clientFrame(JSON.stringify({ event: 'client-x', channel, data: {} }))) };
        },
        'sign-ins': () => ({ ends: true, chunk: repeat(event('pusher:signin', { user_data: '{"id":"1"}', auth: 'key1:00' })) }),
    };

    for (const [name, make] of Object.entries(kinds)) {
        test(name, async () => {
            const channel = unique();
            const good = await ctx.open();
            await good.subscribe(channel);
            const { first, chunk, ends } = make();
            let sent = 0, over = false, evil;
            const flood = async () => {
                do {
                    evil = await ctx.open();
                    if (first) evil.write(first);
                    // What it is answered is thrown away: a parser here would be the bottleneck.
                    evil.socket.removeAllListeners('data').resume();
                    while (!over && !evil.closed) {
                        sent += CHUNK;
                        if (!evil.socket.write(chunk)) await Promise.race([once(evil.socket, 'drain'), evil.ended]).catch(() => {});
                    }
                } while (ends && !over);
            };
            const before = rss();
            const flooding = flood();
            let trips = 0;
            for (; trips < ROUND_TRIPS || sent < FLOOD; trips++) {
                await good.sync();
                if (trips % 10 === 9) {
                    assert.equal((await ctx.ipc.publish({ channel, data: String(trips) })).recipients, 1);
                    assert.equal((await good.expect('E', channel)).data, String(trips));
                }
                assert.ok(ends || !evil?.closed, `the flood ended after ${sent} frames`);
            }
            over = true;
            evil.destroy();
            await flooding;
            evil.destroy(); // it may have come back meanwhile
            if (!sanitized) assert.ok(rss() - before < 12_000, `${before} KB grew to ${rss()} KB by ${sent} frames`);
            await until(async () => (await ctx.daemon.metrics()).get('connections') === 1, 'the flooding client to be gone');
            await good.sync();
            await good.close();
            await until(async () => (await ctx.daemon.metrics()).get('connections') === 0, 'the good client to be gone');
            assert.equal((await ctx.daemon.metrics()).get('channels'), 0);
        });
    }
});
