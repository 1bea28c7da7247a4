// The demo page in headless Chromium: what a user sees in each of its parts, in one window and in two. It takes the README's
// picture as well: FANFARE_PICTURE=docs/images/demo.png tests/system/run --only demo browser
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { APP, Daemon } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { Laravel, missing } from '../lib/laravel.mjs';
import { nodeDir, out, root } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
const skip = missing() || (chromium ? false : 'chromium is not installed');
const picture = process.env.FANFARE_PICTURE && resolve(root, process.env.FANFARE_PICTURE);

describe('the demo page in Chromium', { skip }, () => {
    let daemon, app, profile, context, browserErrors;

    before(async () => {
        daemon = await Daemon.start({ workers: 2 });
        app = await Laravel.create(daemon, { overlay: join(root, 'scripts/demo/app'), env: { QUEUE_CONNECTION: 'database' } });
        const copied = spawnSync(join(root, 'scripts/demo/assets'), [join(nodeDir, 'node_modules'), app.dir], { encoding: 'utf8' });
        assert.equal(copied.status, 0, copied.stderr);
        await app.serve();
        app.start('demo:report');
        const hearing = app.start('fanfare:listen');
        await until(() => /Listening to/.test(hearing.stdout), () => `fanfare:listen\n${hearing.stdout}${hearing.stderr}`);
        profile = mkdtempSync(join(tmpdir(), 'ffb-'));
        browserErrors = [];
        context = await need('playwright-core').chromium.launchPersistentContext(profile, {
            executablePath: chromium,
            headless: true,
            viewport: { width: 1280, height: 900 },
            locale: 'en-GB',
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

    // What a test that failed has left open.
    afterEach(async () => {
        for (const page of context.pages().slice(1)) await page.close();
    });

    async function open(host = '127.0.0.1') {
        const page = await context.newPage();
        page.on('pageerror', (error) => browserErrors.push(String(error)));
        page.on('console', (message) => message.type() === 'error' && browserErrors.push(message.text()));
        await page.goto(`http://${host}:${app.httpPort}/`);
        await page.waitForSelector('#state[data-state=connected][data-ready]');
        await page.waitForFunction(() => document.querySelectorAll('#members li').length > 0);
        return page;
    }
    const texts = (selector) => (page) => page.$$eval(selector, (nodes) => nodes.map((node) => node.textContent));
    const members = texts('#members li span:not(.avatar)');
    const feed = texts('#feed li p');
    const direct = texts('#b-direct b');
    const queued = texts('#b-queued b');
    const said = (page) => page.textContent('#said');
    const say = async (page, text) => {
        await page.fill('#text', text);
        await page.click('#form button');
        await until(async () => (await feed(page)).includes(text), `the message ${text}`);
    };

    test('two guests see each other, their messages and their typing', async () => {
        const ann = await open('127.0.0.1');
        // The other name of this machine has cookies of its own, and so a guest of its own.
        const bob = await open('localhost');
        await until(async () => (await members(ann)).length === 2, 'two members in the first window');
        await until(async () => (await members(bob)).length === 2, 'two members in the second window');
        assert.equal((await members(ann)).filter((name) => name.endsWith('(you)')).length, 1);

        const text = 'Hallo wörld \u{1f389} <b>"quoted"</b>';
        await ann.click('#text');
        await ann.fill('#text', text);
        await bob.waitForFunction(() => / is typing/.test(document.getElementById('typing').textContent));
        await ann.click('#form button');
        for (const page of [ann, bob]) await until(async () => (await feed(page)).includes(text), 'the message');
        assert.match(await bob.textContent('#server'), /\d+(\.\d)? ms|\d s/);
        assert.match(await ann.textContent('#trip'), /\d+(\.\d)? ms|\d s/);

        // A third window of the first guest changes nobody's list.
        const third = await open('127.0.0.1');
        assert.equal((await members(third)).length, 2);
        await third.close();

        await bob.close();
        await until(async () => (await members(ann)).length === 1, 'the second guest to leave');
        assert.deepEqual(browserErrors, []);
        await ann.close();
    });

    test('an order comes direct while no queue worker runs, and through the queue when one does', async () => {
        const page = await open();
        const other = await open('localhost');
        await page.click('#one');
        for (const window of [page, other]) await until(async () => (await direct(window)).length === 1, 'the order, direct');
        // The other event of the same request: its job waits.
        assert.deepEqual(await queued(page), []);
        assert.match(await page.textContent('#m-direct'), /\d/);
        assert.equal(await page.textContent('#m-queued'), '–');

        app.worker();
        for (const window of [page, other]) await until(async () => (await queued(window)).length === 1, 'the order through the queue');
        assert.deepEqual(await queued(page), await direct(page));

        await page.click('#twenty');
        await until(async () => await page.$$eval('.lane i', (dots) => dots.length) === 42, 'twenty more orders, both ways');
        // Whichever way, a board ends with the newest order: nothing has overtaken anything.
        assert.deepEqual(await direct(page), await queued(page));
        assert.match(await page.getAttribute('#race', 'aria-label'), /^Median of the last orders: direct .*, through the queue /);
        // Seconds apart, because the job has waited for the worker to be started.
        assert.equal(await page.$$eval('#c-direct, #c-queued', (costs) => costs.filter((cost) => /\d m?s/.test(cost.textContent)).length), 2);
        assert.deepEqual(browserErrors, []);
        await page.close();
        await other.close();
    });

    test('a thousand tokens a second come once and in order, in both windows', async () => {
        const page = await open();
        const other = await open('localhost');
        await page.click('#ask button');
        for (const window of [page, other]) await until(async () => /^3,000 tokens/.test(await said(window)), 'the answer', 60_000);
        for (const window of [page, other]) {
            assert.match(await said(window), /^3,000 tokens, all of them and in order, [\d,]+ a second\.$/);
            assert.deepEqual(await window.$$eval('#t-received, #t-missing, #t-disorder', (nodes) => nodes.map((node) => node.textContent)), ['3,000', '0', '0']);
            assert.match(await window.textContent('#answer'), /Order \d+/);
        }
        assert.equal(await page.textContent('#answer'), await other.textContent('#answer'));
        assert.match(await page.textContent('#t-cost'), /^\d+ µs$/);
        assert.deepEqual(browserErrors, []);
        await page.close();
        await other.close();
    });

    test('what is missing, comes twice or out of order is counted', async () => {
        const page = await open();
        const Pusher = need('pusher');
        const api = new Pusher({ appId: APP.id, key: APP.key, secret: APP.secret, host: '127.0.0.1', port: String(daemon.port), useTLS: false });
        for (const number of [0, 2, 1, 1, 4]) {
            await api.trigger('private-tokens', 'App\\Events\\TokenWritten', { answer: 'faulty', number, of: 5, text: `${number}` });
        }
        await until(async () => /tokens/.test(await said(page)), 'the end of the answer');
        assert.match(await said(page), /^4 tokens, 1 missing, 1 out of order, 1 twice, /);
        await page.close();
    });

    test('the figures are those of the daemon', async () => {
        const page = await open();
        const number = async (id) => Number((await page.textContent(id)).replace(/[^\d.]/g, ''));
        await page.waitForFunction(() => /\d/.test(document.getElementById('d-messages').textContent));
        await until(async () => await number('#d-connections') === 1, 'one connection');
        assert.ok(await number('#d-channels') >= 5);
        assert.match(await page.textContent('#d-memory'), /^\d+\.\d MB$/);
        assert.match(await page.textContent('#d-trip'), /^[\d,]+ µs$/);
        const other = await open('localhost');
        const name = (await other.textContent('#state')).replace('connected as', '').trim();
        await until(async () => (await page.textContent('#told')).startsWith(`${name} came to presence-room`), 'what the daemon told PHP');
        await until(async () => await number('#d-connections') === 2, 'two connections');
        await other.close();
        await until(async () => (await page.textContent('#told')).startsWith(`${name} left presence-room`), 'what the daemon told PHP of the leave');
        await until(async () => await number('#d-connections') === 1, 'one connection again');
        await page.close();
    });

    test('a server with another clock than the browser is noticed', async () => {
        await context.route('**/clock', (route) => route.fulfill({ json: { now: Date.now() + 60_000 } }));
        const page = await open();
        await page.waitForSelector('#clocks:not([hidden])');
        assert.match(await page.textContent('#clocks'), /they differ by (59|60)\d{3} ms/);
        await context.unroute('**/clock');
        await page.reload();
        await page.waitForSelector('#state[data-ready]');
        await until(() => page.evaluate(() => performance.getEntriesByType('resource').some(({ name, responseEnd }) => name.endsWith('/clock') && responseEnd > 0)), 'the clocks to be compared');
        assert.equal(await page.isHidden('#clocks'), true);
        await page.close();
    });

    test('small and large, light and dark, by keyboard and for screen readers', async () => {
        const page = await open();
        await say(page, 'Something to read');
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme });
            for (const width of [360, 640, 900, 1280, 1800]) {
                await page.setViewportSize({ width, height: 800 });
                assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `nothing sticks out at ${width} px`);
            }
            assert.deepEqual(await page.evaluate(faint), [], `text is readable, ${colorScheme}`);
        }
        await page.emulateMedia({ colorScheme: 'light' });
        await page.setViewportSize({ width: 1280, height: 900 });

        // Every control has a name, and every part is found by it.
        const tree = await page.locator('body').ariaSnapshot();
        for (const line of ['heading "Fanfare" [level=1]', 'region "Chat presence-room"', 'list "Who is here"', 'log "Messages"', 'textbox "Message"', 'button "Send"',
            'button "Place an order"', 'checkbox "keep them coming"', 'region "direct"', 'list "Orders that came through the queue"', 'button "Ask for 3,000 tokens"',
            'group "Rate"', 'radio "1,000 a second" [checked]', 'region "The answer"']) {
            assert.ok(tree.includes(line), `${line} is in\n${tree}`);
        }

        // From the message by Tab to each control, and a message sent by Enter.
        await page.focus('#text');
        await page.keyboard.type('By keyboard');
        await page.keyboard.press('Enter');
        await until(async () => (await feed(page)).includes('By keyboard'), 'the message');
        const reached = [];
        for (let step = 0; step < 12; step++) {
            await page.keyboard.press('Tab');
            reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim().replace(/\s+/g, ' ')));
        }
        for (const name of ['second', 'one', 'twenty', 'stream', 'Ask for 3,000 tokens', 'paper']) assert.ok(reached.includes(name), `${name} is among ${reached}`);
        const before = (await direct(page)).at(0);
        await page.focus('#one');
        await page.keyboard.press('Space');
        await until(async () => (await direct(page)).at(0) !== before, 'an order placed by the space bar');

        // The code that is shown is the code that runs.
        await page.click('.orders summary');
        assert.match(await page.textContent('.orders details'), /broadcast\(new OrderPlaced\(\$order\)\)->via\(\$connection\)/);
        assert.deepEqual(browserErrors, []);
        await page.close();
    });

    test('the picture of the README', async () => {
        const page = await open('127.0.0.1');
        const second = await open('localhost');
        const third = await open('third.localhost');
        await until(async () => (await members(page)).length === 3, 'three guests');
        await say(third, 'Has anybody seen the tuba for Tartu?');
        await say(second, 'It left with the evening train. The cornets for Porto are packed');
        await say(page, 'Nice. Did that reach every window?');
        await say(third, 'Every one, at the same moment');
        await say(second, 'Ask it for the report of today');
        // One window is looked at: a browser for each guest on this one machine would be what the durations show.
        await page.bringToFront();
        for (const window of [second, third]) {
            await window.evaluate(() => import('/demo/connection.js').then(({ echo }) => ['orders', 'tokens'].forEach((name) => echo.leave(name))));
        }
        await page.check('#stream');
        await until(async () => await page.$$eval('.lane i', (dots) => dots.length) >= (picture ? 60 : 6), 'the orders', 60_000);
        await page.uncheck('#stream');
        if (picture) {
            await page.click('#ask button');
            await until(async () => /^3,000 tokens/.test(await said(page)), 'the answer', 60_000);
        }
        await second.fill('#text', 'On its');
        await page.waitForFunction(() => / is typing/.test(document.getElementById('typing').textContent));
        await page.mouse.move(0, 0);
        await page.setViewportSize({ width: 1280, height: 930 });
        const file = picture || join(out, 'demo.png');
        mkdirSync(out, { recursive: true });
        await page.screenshot({ path: file });
        assert.ok(statSync(file).size > 20_000);
        for (const window of [page, second, third]) await window.close();
    });

    test('a message from an artisan command arrives', async () => {
        const page = await open();
        const { code, stdout, stderr } = await app.artisan('demo:say', 'Hello from a command');
        assert.equal(code, 0, stdout + stderr);
        await until(async () => (await feed(page)).includes('Hello from a command'), 'the message');
        await page.close();
    });

    test('after kill -9 and a restart of the daemon the page comes back by itself', async () => {
        const page = await open();
        await daemon.kill();
        await page.waitForFunction(() => document.getElementById('state').dataset.state !== 'connected');
        await daemon.launch();
        await page.waitForSelector('#state[data-state=connected]', { timeout: 40_000 });
        await until(async () => {
            const { code } = await app.artisan('demo:say', 'Hello again');
            return code === 0 && (await feed(page)).includes('Hello again');
        }, 'a message after the restart');
        // The command that reports has lived through it, too.
        await page.waitForFunction(() => document.getElementById('daemon').dataset.stale === undefined && /up for \d+ s/.test(document.getElementById('daemon-since').textContent));
        await page.close();
    });
});

/** In the page: visible text whose contrast to what is behind it is below what WCAG asks for (AA). */
function faint() {
    const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const rgba = (color) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = color;
        pen.fillRect(0, 0, 1, 1);
        return [...pen.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const color = rgba(getComputedStyle(node).backgroundColor);
            if (color[3] === 255) return color;
        }
        return [255, 255, 255];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        const node = text.parentElement;
        if (!text.data.trim() || !node.checkVisibility() || node.closest('script')) continue;
        const style = getComputedStyle(node);
        const [a, b] = [light(rgba(style.color)), light(behind(node))].sort((x, y) => y - x);
        const needed = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
        if ((a + 0.05) / (b + 0.05) < needed) found.push(`${text.data.trim().slice(0, 30)}: ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
    }
    return found;
}
