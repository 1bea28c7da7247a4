// The operator's console in headless Chromium: signing in, what it shows and what it can do; on a phone, in the dark and by
// keyboard. It takes the pictures of docs/console.md as well: FANFARE_PICTURE=docs/images tests/system/run --only console browser
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { post } from '../lib/api.mjs';
import { signIn } from '../lib/cluster.mjs';
import { Daemon } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { root } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
const pictures = process.env.FANFARE_PICTURE && resolve(root, process.env.FANFARE_PICTURE);
const HOSTILE = '<img src=x onerror=window.hurt=1>';
const TOKEN = 'a-token-that-nobody-guesses-0123456789';

describe('the console in Chromium', { skip: chromium ? false : 'chromium is not installed' }, () => {
    let daemon, profile, context, page, client, publishing;
    const errors = [];

    before(async () => {
        daemon = await Daemon.start({ sections: { admin: { token: TOKEN }, server: { workers: 2 } } });
        client = await Client.open(daemon);
        await client.subscribe('orders.1');
        await client.subscribe('presence-room', { data: { user_id: HOSTILE, user_info: { name: `</script>${HOSTILE}` } } });
        let sent = 0, turns = 0;
        if (pictures) await client.subscribe('orders.2041');
        const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        publishing = setInterval(() => (pictures && turns++ % 2 ? post(daemon, '/events', { name: ['order.shipped', 'order.paid', 'item.reserved'][turns % 3], channel: 'orders.2041', data: JSON.stringify({ order: 2041, items: 1 + (turns % 5), total: '49.90' }) }) : post(daemon, '/events', { name: ++sent % 4 === 0 ? `order.${HOSTILE}` : 'order.shipped', channel: 'orders.1', data: JSON.stringify({ id: sent, note: HOSTILE, wide: 'w'.repeat(300) }) }, { headers: { traceparent: parent } })).catch(() => {}), 50);
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
        const points = pictures ? 30 : 3;
        for (const plot of ['Publish to last write', 'Turn of a loop']) {
            await page.waitForFunction((name) => /p50 .*[1-9].* ms.*p99 .*[1-9].* ms now/.test(document.querySelector(`[data-plot="${name}"] svg`).getAttribute('aria-label')), plot);
        }
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
        await page.waitForFunction(() => /<img src=x/.test(document.querySelector('#messages pre')?.textContent ?? '') && [...document.querySelectorAll('#messages strong')].some((node) => /<img src=x/.test(node.textContent)));
        assert.equal(await page.$$eval('#messages img', (nodes) => nodes.length), 0, 'what flows is text');
        assert.match(await page.textContent('#messages li'), /traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01/);
        if (pictures) {
            await page.fill('#flow-channel', 'orders.2041');
            await page.click('#flow-form button:not([type])');
            await page.waitForFunction(() => document.querySelectorAll('#messages li').length > 12);
        }
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
        assert.ok((await page.textContent('#members li')).startsWith(`${HOSTILE} {"name":"</script>${HOSTILE}"}`));
        assert.equal(await page.$$eval('main img', (nodes) => nodes.length), 0);

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

        const user = await Client.open(daemon);
        await signIn(user, `berta ${HOSTILE}`);
        await user.sync();
        await part('users');
        await page.fill('#users [name=prefix]', 'bert');
        await page.click('#users form button');
        await page.waitForFunction(() => document.querySelector('#users tbody td')?.textContent.startsWith('berta <img'));
        await page.click('#users tbody button');
        await page.click('#sure button[value=yes]');
        await noticed(/1 connection was ended/);
        await until(() => user.log.some((frame) => frame.close === 4009), 'the user to be ended');
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

    test('it fits on a phone, in the dark and in the light, with a name for each control and text that is told from its background', async () => {
        await page.setViewportSize({ width: 360, height: 720 });
        for (const name of ['flow', 'channels', 'connections', 'users', 'apps', 'nodes', 'actions', 'overview']) {
            await page.focus(`nav a[href="#${name}"]`);
            await page.keyboard.press('Enter');
            await page.waitForSelector(`#${name}:not([hidden])`);
            assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
            assert.equal(await page.getAttribute(`nav a[href="#${name}"]`, 'aria-current'), 'page');
            for (const colorScheme of ['light', 'dark']) {
                await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
                assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, `${name} is too wide`);
                assert.deepEqual(await page.evaluate(faults), [], `${name}, ${colorScheme}`);
            }
        }
        await picture('phone');
        await page.setViewportSize({ width: 1200, height: 860 });
        await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
    });

    test('nothing was wrong on the page meanwhile, and what was sent to harm it has not', async () => {
        assert.equal(await page.evaluate(() => window.hurt), undefined);
        assert.deepEqual(errors, []);
    });

    test('signing out closes it', async () => {
        await page.click('#logout');
        await page.waitForSelector('#login:not([hidden])');
        await page.fill('#token', TOKEN);
        await page.keyboard.press('Enter');
        await page.waitForSelector('#state[data-state=ready]');
    });

    test('the node is drained by keyboard: asked once more, it is on Cancel first', async () => {
        clearInterval(publishing);
        await page.focus('nav a[href="#actions"]');
        await page.keyboard.press('Enter');
        await page.waitForSelector('#actions:not([hidden])');
        const ask = async () => {
            await page.focus('#drain button');
            await page.keyboard.press('Enter');
            await page.waitForSelector('#sure[open]');
            assert.equal(await page.evaluate(() => document.activeElement.value), 'no');
        };
        await ask();
        await page.keyboard.press('Enter');
        await page.waitForSelector('#sure:not([open])', { state: 'attached' });
        assert.equal((await daemon.http('/health/ready', { port: daemon.adminPort })).status, 200);
        await ask();
        await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await until(() => client.log.some((frame) => frame.close === 4200), 'the client to be sent elsewhere');
        assert.equal((await daemon.process.exit()).code, 0);
        daemon.stopped = true;
        await page.waitForSelector('#state[data-state=off]');
    });
});

/** In the page: what is wrong with what is shown, for those who do not see it, or not well. By WCAG 2.1's rules as far as a program can tell. */
function faults() {
    const wrong = [];
    const what = (node) => node.outerHTML.slice(0, 120);
    const seen = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== 'hidden';
    const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
    const named = (node) => node.labels?.length || node.textContent.trim() || node.getAttribute('aria-label') || document.getElementById(node.getAttribute('aria-labelledby'))?.textContent;
    for (const node of all('input, select, textarea, button, a, [role=img], section, nav, dialog[open]')) if (!named(node)) wrong.push(`no name: ${what(node)}`);
    for (const node of all('[tabindex]')) if (node.tabIndex > 0) wrong.push(`a tab order of its own: ${what(node)}`);
    for (const node of all('th')) if (!node.scope) wrong.push(`no scope: ${what(node)}`);
    for (const node of all('[role=button], [onclick], div[tabindex], span[tabindex]')) wrong.push(`no real control: ${what(node)}`);
    if (all('main').length !== 1) wrong.push('not one main');
    if (all('h1').length !== 1) wrong.push('not one h1');
    let level = 0;
    for (const node of all('h1, h2, h3, h4')) {
        const now = Number(node.tagName[1]);
        if (now > level + 1) wrong.push(`a level of headings is left out: ${what(node)}`);
        level = now;
    }
    const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
    for (const id of new Set(ids.filter((one, i) => ids.indexOf(one) !== i))) wrong.push(`id twice: ${id}`);
    for (const node of document.querySelectorAll('[aria-labelledby], [aria-describedby], [aria-controls]')) for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls']) if (node.hasAttribute(name) && !document.getElementById(node.getAttribute(name))) wrong.push(`${name} leads nowhere: ${what(node)}`);
    for (const node of all('button, nav a, select, input')) {
        const { width, height } = node.getBoundingClientRect();
        if (!node.classList.contains('link') && node.type !== 'checkbox' && (width < 24 || height < 24)) wrong.push(`too small to be hit: ${what(node)}`);
    }
    for (const node of all('nav a')) if (parseFloat(getComputedStyle(node).transitionDuration) > 0) wrong.push(`it moves: ${what(node)}`);
    const color = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const [r, g, b, a = 1] = color(getComputedStyle(at).backgroundColor);
            if (a === 1) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const told = new Set();
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || !seen(node) || node.matches('.skip:not(:focus), option')) continue;
        const [front, back] = [light(color(getComputedStyle(node).color)), light(behind(node))];
        const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        const key = `${node.tagName}.${node.className} ${contrast.toFixed(2)}`;
        if (contrast < 4.5 && !told.has(key)) wrong.push(`contrast ${contrast.toFixed(2)}: ${what(node)}`);
        told.add(key);
    }
    return wrong;
}
