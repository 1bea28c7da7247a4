// The operator's console in headless Chromium: signing in, what it shows and what it can do; on a phone, in the dark and by
// keyboard. It takes the pictures of docs/console.md as well: FANFARE_PICTURE=docs/images tests/system/run --only console browser
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { post } from '../lib/api.mjs';
import { Daemon } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { root } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
const pictures = process.env.FANFARE_PICTURE && resolve(root, process.env.FANFARE_PICTURE);
const TOKEN = 'a-token-that-nobody-guesses-0123456789';

describe('the console in Chromium', { skip: chromium ? false : 'chromium is not installed' }, () => {
    let daemon, profile, context, page, client, publishing;
    const errors = [];

    before(async () => {
        daemon = await Daemon.start({ sections: { admin: { token: TOKEN }, server: { workers: 2 } } });
        client = await Client.open(daemon);
        await client.subscribe('orders.1');
        await client.subscribe('presence-room', { data: { user_id: 'ann', user_info: { name: '<b>Ann</b>' } } });
        let sent = 0;
        publishing = setInterval(() => post(daemon, '/events', { name: 'order.shipped', channel: 'orders.1', data: JSON.stringify({ id: ++sent, note: '<img src=x onerror=alert(1)>' }) }).catch(() => {}), 100);
        profile = mkdtempSync(join(tmpdir(), 'ffc-'));
        context = await need('playwright-core').chromium.launchPersistentContext(profile, {
            executablePath: chromium,
            headless: true,
            viewport: { width: 1200, height: 860 },
            locale: 'en-GB',
            args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
        });
        context.setDefaultTimeout(20_000);
        page = await context.newPage();
        page.on('pageerror', (error) => errors.push(String(error)));
        page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
        page.on('request', (request) => new URL(request.url()).host === `127.0.0.1:${daemon.adminPort}` || request.url().startsWith('data:') || errors.push(`asked for ${request.url()}`));
    });
    after(async () => {
        clearInterval(publishing);
        await context?.close();
        if (profile) rmSync(profile, { recursive: true, force: true });
        await client?.destroy();
        await daemon?.stop();
    });
    const picture = async (name, options) => pictures && page.screenshot({ path: join(pictures, `console-${name}.png`), animations: 'disabled', ...options });
    const part = async (name) => {
        await page.click(`nav a[href="#${name}"]`);
        await page.waitForSelector(`#${name}:not([hidden])`);
    };
    const noticed = (pattern) => page.waitForFunction((source) => new RegExp(source).test(document.getElementById('notice').textContent), pattern.source);

    test('a wrong token says so, the right one opens the console', async () => {
        await page.goto(`http://127.0.0.1:${daemon.adminPort}/`);
        await page.waitForSelector('#login:not([hidden])');
        await page.fill('#token', 'something-else-that-is-long');
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => /not the token/.test(document.getElementById('login-error').textContent));
        await page.fill('#token', TOKEN);
        await page.keyboard.press('Enter');
        await page.waitForSelector('#state[data-state=ready]');
        assert.equal(await page.evaluate(() => document.cookie), '', 'no script can read the session');
        // The refused login is told by the browser, too.
        assert.ok(errors.every((error) => /401/.test(error)), errors.join());
        errors.length = 0;
    });

    test('the overview shows numbers and plots that move', async () => {
        await page.waitForFunction(() => /[1-9]\d*\/s/.test(document.querySelector('[data-plot="Sent to clients"] b').textContent));
        await page.waitForFunction(() => /at most .* in the last/.test(document.querySelector('[data-plot="Published"] svg').getAttribute('aria-label')));
        assert.equal(await page.textContent('#facts div:has(dt:text-is("Connections")) dd'), '1');
        await page.waitForFunction(() => document.querySelectorAll('#slow tbody tr').length === 3);
        const points = pictures ? 30 : 5;
        await page.waitForFunction((n) => (document.querySelector('[data-plot="Published"] .line').getAttribute('d') ?? '').split('L').length >= n, points, { timeout: 60_000 });
        await picture('overview');
    });

    test('messages flow, with payloads only when they are asked for', async () => {
        await part('flow');
        await page.waitForSelector('#messages li');
        assert.equal(await page.$$eval('#messages pre', (nodes) => nodes.length), 0);
        await page.fill('#flow-channel', 'orders.*');
        await page.check('#flow-payloads');
        await page.click('#flow-form button:not([type])');
        await page.waitForFunction(() => /<img src=x/.test(document.querySelector('#messages pre')?.textContent ?? ''));
        assert.equal(await page.$$eval('#messages img', (nodes) => nodes.length), 0, 'what flows is text');
        await picture('messages');
        await page.click('#flow-pause');
        const probe = () => daemon.metrics().then((metrics) => metrics.get('console_samples_total'));
        // Paused, it costs nothing: what the daemon has noted stays the same.
        let before;
        await until(async () => before === (before = await probe()), 'nothing more to be noted');
    });

    test('channels, members, connections and users are found, and ended', async () => {
        await part('channels');
        await page.fill('#channels [name=prefix]', 'pres');
        await page.click('#channels form button');
        await page.waitForFunction(() => document.querySelectorAll('#channels tbody tr').length === 1);
        await page.click('#channels tbody button');
        await page.waitForSelector('#members li');
        assert.match(await page.textContent('#members li'), /^ann .*<b>Ann<\/b>/);

        await part('connections');
        await page.fill('#connections [name=match]', client.socketId);
        await page.click('#connections form button');
        await page.waitForFunction((id) => document.querySelector('#connections tbody td')?.textContent === id, client.socketId);
        await page.click('#connections tbody button');
        await page.waitForSelector('#sure[open]');
        assert.match(await page.textContent('#sure-text'), new RegExp(client.socketId));
        await page.keyboard.press('Escape');
        assert.equal(await page.$$eval('#connections tbody button', (nodes) => nodes.length), 1);
        await page.click('#connections tbody button');
        await page.click('#sure button[value=yes]');
        await noticed(/was ended/);
        await until(() => client.log.some((frame) => frame.close === 4009), 'the connection to be ended');
        client = await Client.open(daemon);
        await client.subscribe('orders.1');
    });

    test('applications and nodes', async () => {
        await part('apps');
        await page.waitForFunction(() => document.querySelectorAll('#apps tbody tr').length === 2);
        await part('nodes');
        await page.waitForFunction(() => /stands alone/.test(document.getElementById('nodes-hint').textContent));
    });

    test('a test event arrives, and the log level changes', async () => {
        const hears = await Client.open(daemon); // this alone
        await hears.subscribe('console-test');
        await part('actions');
        await page.click('#send button');
        await noticed(/Sent to 1 subscriber/);
        assert.match((await hears.expect('console.test')).data, /from the console/);
        await hears.close();
        await page.selectOption('#level select', 'debug');
        await page.click('#level button');
        await noticed(/level is debug, and was info/);
        await page.selectOption('#level select', 'info');
        await page.click('#level button');
        await noticed(/level is info/);
        await page.click('#reload button');
        await noticed(/was reloaded/);
    });

    test('it fits on a phone, in the dark, and every part is reached by keyboard with a name for each control', async () => {
        await page.setViewportSize({ width: 360, height: 720 });
        await page.emulateMedia({ colorScheme: 'dark' });
        for (const name of ['overview', 'flow', 'channels', 'connections', 'users', 'apps', 'nodes', 'actions']) {
            await page.focus(`nav a[href="#${name}"]`);
            await page.keyboard.press('Enter');
            await page.waitForSelector(`#${name}:not([hidden])`);
            assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, `${name} is too wide`);
            assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
            assert.equal(await page.getAttribute(`nav a[href="#${name}"]`, 'aria-current'), 'page');
        }
        const nameless = await page.$$eval('input, select, textarea, button', (nodes) => nodes.filter((node) => !node.labels?.length && !node.textContent.trim() && !node.getAttribute('aria-label')).map((node) => node.outerHTML));
        assert.deepEqual(nameless, []);
        // Text is told from its background at least as well as WCAG asks (4.5 to 1), in both schemes.
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme });
            const pairs = await page.evaluate(() => {
                const style = getComputedStyle(document.documentElement);
                const light = (name) => {
                    const hex = style.getPropertyValue(name).trim().replace('#', '').replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3');
                    const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                return [['--ink', '--back'], ['--ink', '--card'], ['--soft', '--back'], ['--soft', '--card'], ['--accent', '--card'], ['--on-accent', '--accent'], ['--danger', '--card'], ['--danger', '--back']].map((pair) => {
                    const [a, b] = pair.map(light);
                    return [pair.join(' on '), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
                });
            });
            for (const [pair, contrast] of pairs) assert.ok(contrast >= 4.5, `${pair}, ${colorScheme}: ${contrast.toFixed(2)}`);
        }
        await page.focus('nav a[href="#overview"]');
        await page.keyboard.press('Enter');
        await page.waitForSelector('#overview:not([hidden])');
        await picture('phone');
        await page.setViewportSize({ width: 1200, height: 860 });
    });

    test('signing out closes it, and nothing was wrong on the page meanwhile', async () => {
        await page.click('#logout');
        await page.waitForSelector('#login:not([hidden])');
        assert.deepEqual(errors, []);
    });
});
