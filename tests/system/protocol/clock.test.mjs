// The wall clock jumps by a day, forth and back: nothing but signatures that carry a time takes notice.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP } from '../lib/daemon.mjs';
import { Ipc, frame, hello } from '../lib/ipc.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Raw } from '../lib/ws.mjs';

const library = readdirSync('/usr/lib')
    .map((dir) => `/usr/lib/${dir}/faketime/libfaketimeMT.so.1`)
    .find(existsSync);
const skip = !library ? 'libfaketime is not installed' : /[/](asan|tsan)[/]|san/.test(daemonPath) ? 'a sanitizer must be loaded first' : false;

const dir = mkdtempSync(join(tmpdir(), 'ff-clock-'));
const file = join(dir, 'clock');
writeFileSync(file, '+0');
after(() => rmSync(dir, { recursive: true, force: true }));

// The C library in front of jemalloc: that asks for the time while libfaketime still allocates.
const env = skip ? {} : { LD_PRELOAD: `${library} libc.so.6`, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', DONT_FAKE_MONOTONIC: '1' };
const limits = { ping_interval: 1, pong_timeout: 2, header_timeout: 60, keepalive_timeout: 60 };
const DAY = 24 * 3600;

suite('jumps of the wall clock', { workers: 3, env, sections: { limits, 'app "app1"': { cache_ttl: 3600, client_event_rate: 0 } } }, (ctx) => {
    /** The daemon's wall clock, in seconds against ours. */
    const jump = (seconds) => {
        writeFileSync(`${file}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}`);
        renameSync(`${file}.new`, file);
    };

    /** The status of a signed publish through the HTTP API, signed at this time. */
    async function trigger(channel, seconds) {
        const body = JSON.stringify({ name: 'E', channel, data: '{}' });
        const query = [`auth_key=${APP.key}`, `auth_timestamp=${Math.floor(seconds)}`, 'auth_version=1.0', `body_md5=${createHash('md5').update(body).digest('hex')}`].join('&');
        const signature = createHmac('sha256', APP.secret).update(`POST\n/apps/${APP.id}/events\n${query}`).digest('hex');
        const answer = await fetch(`http://127.0.0.1:${ctx.daemon.port}/apps/${APP.id}/events?${query}&auth_signature=${signature}`, {
            method: 'POST', body, headers: { 'content-type': 'application/json', connection: 'close' },
        });
        return answer.status;
    }

    /** The answer to a hello of this time: true, or the reason of its refusal. */
    async function greet(ms) {
        const ipc = await Ipc.connect(ctx.daemon.socket);
        ipc.write(frame(hello(APP, { ms })));
        const pong = ipc.ping().then(() => true, () => false);
        const answer = await Promise.race([pong, ipc.inbox.take('a refusal').then((message) => message?.[2] ?? false)]);
        ipc.close();
        return answer;
    }

    for (const seconds of [DAY, -DAY]) {
        test(`by ${seconds > 0 ? '+' : '-'}1 day and back`, { skip }, async () => {
            const channel = unique();
            const cache = unique('cache');
            const client = await ctx.open();
            await client.subscribe(channel);
            await ctx.ipc.publish({ channel: cache, data: '"kept"' });
            const half = await Raw.connect(ctx.daemon.port);
            half.write('GET /up HT');
            const idle = await Raw.connect(ctx.daemon.port);
            idle.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
            assert.equal((await idle.response()).status, 200);
            const key = unique('key');
            await ctx.ipc.publish({ channel, data: '"once"', key });
            await client.expect('E', channel);

            for (const now of [seconds, 0]) {
                jump(now);
                // The daemon has seen it: signatures follow the wall clock, and only they.
                await until(async () => (await trigger(unique(), Date.now() / 1000 + now)) === 200, 'a signature of the new time to be taken');
                if (now !== 0) {
                    assert.equal(await trigger(unique(), Date.now() / 1000), 401);
                    assert.equal(await greet(Date.now()), 'unauthorized');
                }
                assert.equal(await greet(Date.now() + now * 1000), true);

                // Two pings at the usual distance, and nothing before.
                const started = performance.now();
                for (let i = 0; i < 2; i++) {
                    assert.equal((await client.next()).event, 'pusher:ping');
                    client.send('{"event":"pusher:pong"}');
                }
                assert.ok(performance.now() - started > 700, 'pings do not come early');
                assert.equal((await ctx.ipc.publish({ channel, data: '"again"' })).recipients, 1);
                await client.expect('E', channel);
                assert.equal((await ctx.ipc.publish({ channel, data: '"once"', key })).duplicate, true);
                const other = await ctx.open();
                await other.subscribe(cache);
                assert.equal((await other.expect('E', cache)).data, '"kept"');
                await other.close();
                idle.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
                assert.equal((await idle.response())?.status, 200);
            }
            half.write('TP/1.1\r\nHost: x\r\n\r\n');
            assert.equal((await half.response())?.status, 200);
            const metrics = await ctx.daemon.metrics();
            for (const kind of ['head', 'pong', 'close']) assert.equal(metrics.get('timeouts_total', kind), 0, kind);
            for (const one of [half, idle, client]) one.destroy();
        });
    }

    test('a dead client is found in time while the clock jumps', { skip }, async () => {
        const dead = await ctx.open();
        let to = DAY;
        const timer = setInterval(() => jump((to = -to)), 50);
        try {
            assert.equal((await dead.next()).event, 'pusher:ping');
            await dead.error(4201);
            await dead.closedWith(4201);
        } finally {
            clearInterval(timer);
            jump(0);
        }
    });
});
