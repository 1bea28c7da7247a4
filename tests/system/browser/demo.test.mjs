// The demo page in headless Chromium, two guests in two tabs: what a user sees.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { Laravel, missing } from '../lib/laravel.mjs';
import { nodeDir, root } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
const skip = missing() || (chromium ? false : 'chromium is not installed');

describe('the demo page in Chromium', { skip }, () => {
    let daemon, app, profile, context, browserErrors;

    before(async () => {
        daemon = await Daemon.start({ workers: 2 });
        app = await Laravel.create(daemon, { overlay: join(root, 'scripts/demo/app'), env: { QUEUE_CONNECTION: 'sync' } });
        for (const [file, name] of [['pusher-js/dist/web/pusher.min.js', 'pusher.min.js'], ['laravel-echo/dist/echo.iife.js', 'echo.iife.js']]) {
            copyFileSync(join(nodeDir, 'node_modules', file), join(app.dir, 'public/demo', name));
        }
        await app.serve();
        profile = mkdtempSync(join(tmpdir(), 'ffb-'));
        browserErrors = [];
        context = await need('playwright-core').chromium.launchPersistentContext(profile, {
            executablePath: chromium,
            headless: true,
            args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
        });
        context.setDefaultTimeout(20_000);
    });
    after(async () => {
        await context?.close();
        if (profile) rmSync(profile, { recursive: true, force: true });
        await app?.stop();
        await daemon?.stop();
    });

    async function open(host) {
        const page = await context.newPage();
        page.on('pageerror', (error) => browserErrors.push(String(error)));
        page.on('console', (message) => message.type() === 'error' && browserErrors.push(message.text()));
        await page.goto(`http://${host}:${app.httpPort}/`);
        await page.waitForSelector('#state[data-state=connected]');
        await page.waitForFunction(() => document.querySelectorAll('#members li').length > 0);
        return page;
    }
    const members = (page) => page.$$eval('#members li span:not(.avatar)', (spans) => spans.map((span) => span.textContent));
    const feed = (page) => page.$$eval('#feed li p', (texts) => texts.map((text) => text.textContent));

    test('two guests see each other, their messages and their typing', async () => {
        const ann = await open('127.0.0.1');
        // The other name of this machine has cookies of its own, and so a guest of its own.
        const bob = await open('localhost');
        await until(async () => (await members(ann)).length === 2, 'two members in the first tab');
        await until(async () => (await members(bob)).length === 2, 'two members in the second tab');
        assert.equal((await members(ann)).filter((name) => name.endsWith('(you)')).length, 1);

        const text = 'Hallo wörld \u{1f389} <b>"quoted"</b>';
        await ann.click('#text');
        await ann.fill('#text', text);
        await bob.waitForFunction(() => / is typing/.test(document.getElementById('typing').textContent));
        await ann.click('#form button');
        for (const page of [ann, bob]) await until(async () => (await feed(page)).includes(text), 'the message');
        assert.match(await bob.textContent('#server'), /\d+\.\d ms/);
        assert.match(await ann.textContent('#trip'), /\d+ ms/);

        // A third tab of the first guest changes nobody's list.
        const tab = await open('127.0.0.1');
        assert.equal((await members(tab)).length, 2);
        await tab.close();

        await bob.close();
        await until(async () => (await members(ann)).length === 1, 'the second guest to leave');
        assert.deepEqual(browserErrors, []);
        await ann.close();
    });

    test('a message from an artisan command arrives', async () => {
        const page = await open('127.0.0.1');
        const { code, stdout, stderr } = await app.artisan('demo:say', 'Hello from a command');
        assert.equal(code, 0, stdout + stderr);
        await until(async () => (await feed(page)).includes('Hello from a command'), 'the message');
        await page.close();
    });

    test('after kill -9 and a restart of the daemon the page comes back by itself', async () => {
        const page = await open('127.0.0.1');
        await daemon.kill();
        await page.waitForFunction(() => document.getElementById('state').dataset.state !== 'connected');
        await daemon.launch();
        await page.waitForSelector('#state[data-state=connected]', { timeout: 40_000 });
        await until(async () => {
            const { code } = await app.artisan('demo:say', 'Hello again');
            return code === 0 && (await feed(page)).includes('Hello again');
        }, 'a message after the restart');
        await page.close();
    });
});
