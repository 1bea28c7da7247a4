// permessage-deflate with a browser's own WebSocket: headless Chromium offers it by itself.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, Daemon } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { Ipc } from '../lib/ipc.mjs';

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()).find(Boolean);

test('Chromium sends and gets compressed messages', { skip: chromium ? false : 'chromium is not installed' }, async () => {
    const daemon = await Daemon.start({ workers: 2, sections: { server: { permessage_deflate: 'yes' } } });
    const profile = mkdtempSync(join(tmpdir(), 'ffb-'));
    let context, ipc;
    try {
        ipc = await Ipc.open(daemon.socket, APP);
        context = await need('playwright-core').chromium.launchPersistentContext(profile, {
            executablePath: chromium,
            headless: true,
            args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
        });
        context.setDefaultTimeout(20_000);
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${daemon.port}/up`);
        const extensions = await page.evaluate((url) => new Promise((done, fail) => {
            window.got = [];
            const socket = new WebSocket(url);
            socket.onmessage = ({ data }) => {
                const message = JSON.parse(data);
                window.got.push(message);
                if (message.event === 'pusher:connection_established') {
                    socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'c', more: 'abc '.repeat(500) } }));
                } else if (message.event.endsWith('subscription_succeeded')) done(socket.extensions);
            };
            socket.onerror = () => fail(new Error('the socket failed'));
            socket.onclose = ({ code }) => fail(new Error(`closed with ${code}`));
        }), `ws://127.0.0.1:${daemon.port}/app/${APP.key}?protocol=7`);
        assert.match(extensions, /permessage-deflate/);
        const data = Array.from({ length: 3000 }, (_, i) => `row ${i * 7919 % 1000} \u00e9\u{1f600}`).join(',');
        for (let i = 0; i < 3; i++) await ipc.publish({ channel: 'c', event: 'E', data: data.slice(i) });
        await page.waitForFunction(() => window.got.filter((message) => message.event === 'E').length === 3);
        const got = await page.evaluate(() => window.got.filter((message) => message.event === 'E').map((message) => message.data));
        assert.deepEqual(got, [data, data.slice(1), data.slice(2)]);
        const metrics = await daemon.metrics();
        assert.equal(metrics.get('messages_sent_compressed_total'), 3);
        assert.equal(metrics.get('messages_received_compressed_total'), 1);
    } finally {
        await context?.close();
        ipc?.close();
        rmSync(profile, { recursive: true, force: true });
        await daemon.stop();
    }
});
