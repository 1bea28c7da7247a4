// What comes and goes leaves nothing behind: memory, descriptors, channels, members.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { APP } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { daemonPath, long } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const sanitized = /[/](asan|tsan)[/]|san/.test(daemonPath);

suite('leaks', { workers: [1, 3], sections: { 'app "app1"': { client_event_rate: 0 } } }, (ctx) => {
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${ctx.daemon.pid}/status`, 'utf8'))[1]);
    const fds = () => readdirSync(`/proc/${ctx.daemon.pid}/fd`).length;

    /** 500 clients come, use everything, and go: politely, by reset, in the middle of a frame, with unread input. */
    async function round() {
        for (let batch = 0; batch < 10; batch++) {
            const channel = unique('presence');
            const clients = await Promise.all(Array.from({ length: 50 }, () => ctx.open()));
            await Promise.all(
                clients.map(async (client, i) => {
                    client.send(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: i % 40, user_info: { pad: 'x'.repeat(500) } }) }));
                    for (;;) if ((await client.next()).event === 'pusher_internal:subscription_succeeded') return;
                }),
            );
            await ctx.ipc.publish({ channels: Array.from({ length: 50 }, () => unique()).concat(channel), data: 'x'.repeat(5000), key: unique('key') });
            const ipc = await Ipc.open(ctx.daemon.socket, APP);
            await ipc.publish({ channel });
            ipc.close();
            await Promise.all(
                clients.map((client, i) => {
                    client.send({ event: 'client-x', channel, data: {} });
                    if (i % 4 === 0) return client.close();
                    if (i % 4 === 1) client.reset();
                    else if (i % 4 === 2) client.socket.end(Buffer.from([0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5, 6]));
                    else client.destroy();
                    return client.ended;
                }),
            );
        }
        await ctx.ipc.ping();
    }

    test('descriptors and memory come back', { ...long, ...(sanitized ? { skip: 'a sanitizer keeps freed memory' } : {}) }, async () => {
        const before = fds();
        for (let i = 0; i < 3; i++) await round();
        await until(() => fds() <= before + 1, 'descriptors to be given back');
        const warm = rss();
        for (let i = 0; i < 6; i++) await round();
        await until(() => fds() <= before + 1, 'descriptors to be given back');
        assert.ok(rss() - warm < 4000, `${warm} KB grew to ${rss()} KB over 3,000 connections`);
        const { text } = await ctx.daemon.metrics();
        assert.match(text, /^fanfare_connections(\{[^}]*\})? 0$/m);
        const channels = /^fanfare_channels(?:\{[^}]*\})? (\d+)$/m.exec(text);
        if (channels) assert.equal(channels[1], '0');
    });

    test('what a backlog took is given back while nothing happens', { skip: sanitized && 'a sanitizer keeps freed memory' }, async () => {
        const channel = unique();
        const slow = await ctx.open();
        await slow.subscribe(channel);
        slow.socket.pause();
        for (let i = 0; i < 70; i++) await ctx.ipc.publish({ channel, data: 'x'.repeat(100_000) });
        const full = rss();
        const before = fds();
        slow.reset();
        await until(() => fds() < before, 'the client to be gone');
        // Only the kernel is asked from here on: the daemon has nothing to do that would make it allocate.
        await until(() => rss() < full - 4000, () => `memory to be given back: ${full} KB, now ${rss()} KB`, 30_000);
    });
});
