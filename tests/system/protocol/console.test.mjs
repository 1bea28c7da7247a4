// The operator's console without a browser: who is let in, what a page of another site may do, the stream, and what it costs.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { APP, Daemon, runDaemon } from '../lib/daemon.mjs';
import { post } from '../lib/api.mjs';
import { root } from '../lib/paths.mjs';
import { missingCommand, nginxHttp, Proxy } from '../lib/proxy.mjs';
import { until } from '../lib/wait.mjs';
import { BINARY, CLOSE, Client, Raw, clientFrame, handshake } from '../lib/ws.mjs';

const TOKEN = 'a-token-that-nobody-guesses-0123456789';
const bearer = { authorization: `Bearer ${TOKEN}` };

/** Whatever is asked on the admin listener. Host is 127.0.0.1:PORT unless it is given. */
function ask(daemon, path, { method = 'GET', headers = {}, body } = {}) {
    return new Promise((done, failed) => {
        const sent = request({ host: '127.0.0.1', port: daemon.adminPort, path, method, agent: false, headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers } }, (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => done({ status: response.statusCode, headers: response.headers, text, get json() { return JSON.parse(text); } }));
        });
        sent.on('error', failed).end(body === undefined ? undefined : JSON.stringify(body));
    });
}
const own = (daemon) => ({ origin: `http://127.0.0.1:${daemon.adminPort}` });
const EVIL = { origin: 'http://evil.example' };

async function signIn(daemon, token = TOKEN, headers = own(daemon)) {
    const answer = await ask(daemon, '/console/login', { method: 'POST', headers, body: { token } });
    return { ...answer, json: answer.json, cookie: answer.headers['set-cookie']?.[0].split(';')[0] };
}

/** The stream: a client of the admin listener; flow asks for messages. */
async function look(daemon, { headers = bearer, status = 101, path = '/console/live', ...wanted } = {}) {
    const raw = await Raw.connect(daemon.adminPort, '127.0.0.1', false);
    raw.write(handshake(path, { headers, host: headers.host ?? `127.0.0.1:${daemon.adminPort}` }));
    const answer = await raw.response();
    assert.equal(answer.status, status, answer.body);
    if (Object.keys(wanted).length) raw.write(clientFrame(JSON.stringify(wanted)));
    return raw;
}
async function second(viewer, match = () => true) {
    for (;;) {
        const frame = await viewer.frames.take('a second of the stream');
        assert.ok('text' in frame, JSON.stringify(frame));
        const message = JSON.parse(frame.text);
        if (message.type === 'second' && match(message)) return message;
    }
}
const metric = async (daemon, name, labels) => (await daemon.metrics()).get(name, labels);
/** The only console that looks: waits for those of earlier tests to be gone. */
async function only(daemon) {
    const viewer = await look(daemon);
    await second(viewer, (one) => one.viewers === 1);
    return viewer;
}

describe('the console with a token', () => {
    let daemon;
    before(async () => (daemon = await Daemon.start({ sections: { admin: { token: TOKEN } } })));
    after(() => daemon.stop());

    test('its files come without a token, with a policy that allows nothing from elsewhere', async () => {
        for (const name of readdirSync(join(root, 'daemon/console')).filter((one) => /\.(html|css|js)$/.test(one))) {
            const { status, headers, text } = await ask(daemon, `/console/${name === 'index.html' ? '' : name}`);
            assert.equal(status, 200, name);
            assert.equal(headers['content-security-policy'], "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'");
            assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
            assert.equal(headers['x-frame-options'], 'DENY');
            assert.equal(headers['x-content-type-options'], 'nosniff');
            assert.doesNotMatch(text.replaceAll('http://www.w3.org/2000/svg', '').replaceAll(/http:\/\/(localhost|127\.0\.0\.1)/g, ''), /https?:\/\//, `${name} names another site`);
        }
        assert.equal((await ask(daemon, '/')).headers.location, 'console/');
        assert.equal((await ask(daemon, '/console')).headers.location, 'console/');
        assert.equal((await ask(daemon, '/console/../admin')).status, 404);
        assert.equal((await ask(daemon, '/console/', { method: 'POST' })).status, 405);
    });

    test('names are for who has the token: by header or by a session', async () => {
        assert.equal((await ask(daemon, '/api/status')).status, 401);
        assert.equal((await ask(daemon, '/api/status', { headers: bearer })).status, 200);
        for (const wrong of [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, 'Bearer ', 'Bearer', `Basic ${TOKEN}`, TOKEN]) assert.equal((await ask(daemon, '/api/status', { headers: { authorization: wrong } })).status, 401, wrong);
        const { status, cookie, headers } = await signIn(daemon);
        assert.equal(status, 200);
        assert.match(headers['set-cookie'][0], /; HttpOnly; SameSite=Strict$/);
        assert.equal((await ask(daemon, '/api/status', { headers: { cookie } })).status, 200);
        assert.equal((await ask(daemon, '/api/status', { headers: { cookie: `theirs=1; fanfare_console=stale; ${cookie}` } })).status, 200);
        const [name, value] = cookie.split('=');
        const [until_, mac] = value.split('.');
        for (const forged of [`${Number(until_) + 1}.${mac}`, `${until_}.${mac.replace(/./, (c) => (c === 'a' ? 'b' : 'a'))}`, `${until_}.`, until_, '', `${until_}.${mac}0`]) {
            assert.equal((await ask(daemon, '/api/status', { headers: { cookie: `${name}=${forged}` } })).status, 401, forged);
        }
        assert.equal((await ask(daemon, '/console/session', { headers: { cookie } })).json.session, 'in');
        assert.equal((await ask(daemon, '/console/session')).json.session, 'login');
    });

    test('the page knows each counter of what is refused, fails or is lost', () => {
        const counters = readFileSync(join(root, 'daemon/base/counters.h'), 'utf8');
        const named = new Set([...counters.matchAll(/X\([A-Z_]+, "([a-z_]+_total)"/g)].map(([, name]) => name).filter((name) => /refused|rejected|failed|dropped|lost|limits_|bad_|timeouts|invalid|unconfirmed|skipped|rests|held/.test(name)));
        assert.ok(named.size > 15);
        const page = readFileSync(join(root, 'daemon/console/console.js'), 'utf8');
        assert.deepEqual([...named].filter((name) => !page.includes(`${name}:`)), []);
    });

    test('who guesses tokens is not listened to for a while, who has signed in is', async () => {
        const { cookie } = await signIn(daemon);
        const request_ = (token) => `GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:${daemon.adminPort}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
        await until(async () => {
            const all = await Promise.all(Array.from({ length: 31 }, () => Raw.connect(daemon.adminPort, '127.0.0.1', false)));
            process.kill(daemon.pid, 'SIGSTOP'); // so that it finds all of them at once
            all.forEach((raw, i) => raw.write(request_(i < 30 ? 'not-the-token-at-all' : TOKEN)));
            process.kill(daemon.pid, 'SIGCONT');
            const answers = await Promise.all(all.map((raw) => raw.response()));
            for (const raw of all) raw.destroy();
            const held = answers.find(({ status }) => status === 429);
            if (held) assert.match(held.body, /try again in a second/);
            // The right one is not judged either, or there would be no use in it.
            return answers[0].status === 401 && answers[30].status === 429;
        }, 'too many wrong tokens in a second');
        assert.equal((await ask(daemon, '/api/status', { headers: { cookie } })).status, 200);
        await until(async () => (await ask(daemon, '/api/status', { headers: bearer })).status === 200, 'the second to be over');
    });

    test('behind a proxy that takes off TLS, a session goes over TLS alone', async () => {
        const host = 'console.example';
        const { headers } = await signIn(daemon, TOKEN, { host, origin: `https://${host}` });
        assert.match(headers['set-cookie'][0], /; HttpOnly; SameSite=Strict; Secure$/);
        const out = await ask(daemon, '/console/logout', { method: 'POST', headers: { host, origin: `https://${host}` } });
        assert.match(out.headers['set-cookie'][0], /Max-Age=0; HttpOnly; SameSite=Strict; Secure$/);
    });

    test('nginx serves it under a path, as docs/console.md has it', { skip: missingCommand('nginx') }, async () => {
        const location = /^ {4}location \/fanfare\/ \{[\s\S]*?^ {4}\}/m.exec(readFileSync(join(root, 'docs/console.md'), 'utf8'))[0];
        const proxy = await Proxy.start('nginx', (file, dir) => ['-e', `${dir}/nginx.log`, '-c', file, '-p', dir], (dir, port) => nginxHttp(1)(dir, port).replace(/location \/ \{[\s\S]*?\n {8}\}/, () => location.replace('127.0.0.1:9601', `127.0.0.1:${daemon.adminPort}`)));
        try {
            const through = { adminPort: proxy.port };
            assert.equal((await ask(through, '/fanfare/console')).headers.location, 'console/');
            assert.match((await ask(through, '/fanfare/console/')).text, /<title>Fanfare console/);
            assert.equal((await ask(through, '/fanfare/api/status')).status, 401);
            const answer = await ask(through, '/fanfare/console/login', { method: 'POST', headers: own(through), body: { token: TOKEN } });
            assert.equal(answer.status, 200, answer.text);
            const cookie = answer.headers['set-cookie'][0].split(';')[0];
            assert.equal((await ask(through, '/fanfare/api/status', { headers: { cookie } })).status, 200);
            const viewer = await look(through, { path: '/fanfare/console/live', headers: { cookie, ...own(through) } });
            await second(viewer);
            await viewer.destroy();
            await (await look(through, { path: '/fanfare/console/live', headers: { cookie, ...EVIL }, status: 403 })).destroy();
        } finally {
            await proxy.stop();
        }
    });

    test('a wrong token signs nobody in, and is counted', async () => {
        const refused = await metric(daemon, 'admin_refused_total');
        for (const token of [`${TOKEN}x`, '', 7, null, { a: 1 }]) {
            const { status, cookie, json } = await signIn(daemon, token);
            assert.equal(status, 401);
            assert.equal(cookie, undefined);
            assert.match(json.error, /not the token/);
        }
        assert.equal((await metric(daemon, 'admin_refused_total')) - refused, 5);
    });

    test('with a session, a page of another site changes nothing and hears nothing', async () => {
        const { cookie } = await signIn(daemon);
        const level = (headers) => ask(daemon, '/api/log-level', { method: 'POST', headers: { cookie, ...headers }, body: { level: 'info' } });
        assert.equal((await level(own(daemon))).status, 200);
        for (const headers of [EVIL, {}, { origin: 'null' }, { origin: `http://127.0.0.1:${daemon.adminPort}.evil.example` }, { origin: `http://127.0.0.1:${daemon.adminPort + 1}` }]) {
            const answer = await level(headers);
            assert.equal(answer.status, 403, JSON.stringify(headers));
            assert.match(answer.json.error, /Origin/);
        }
        // By the header nothing can be forged: no page sends it elsewhere.
        assert.equal((await ask(daemon, '/api/log-level', { method: 'POST', headers: bearer, body: { level: 'info' } })).status, 200);
        assert.equal((await signIn(daemon, TOKEN, EVIL)).status, 403);
        assert.equal((await signIn(daemon, TOKEN, {})).status, 403);
        for (const headers of [{ cookie, ...EVIL }, { cookie }]) await (await look(daemon, { headers, status: 403 })).destroy();
        await (await look(daemon, { headers: {}, status: 401 })).destroy();
        await (await look(daemon, { headers: { cookie, ...own(daemon) } })).destroy();
        assert.equal((await ask(daemon, '/console/logout', { method: 'POST', headers: EVIL })).status, 403);
    });

    test('the stream tells of messages: payloads when asked for, one channel when asked for', async () => {
        const client = await Client.open(daemon);
        await client.subscribe('orders.1');
        await client.subscribe('other');
        const watching = [await look(daemon, { flow: true, payloads: true, app: APP.id, channel: 'orders.*' }), await look(daemon, { flow: true })];
        for (const viewer of watching) await second(viewer);
        for (const channel of ['orders.1', 'other']) {
            const sent = await ask(daemon, '/api/publish', { method: 'POST', headers: bearer, body: { app: APP.id, channels: [channel], event: 'it.happened', data: { secret: 'wörld' } } });
            assert.equal(sent.json.recipients, 1);
        }
        // What was sent in one moment may stand in two seconds of the stream; each viewer hears of the last message it wants.
        const heard = async (viewer, last) => {
            const items = [];
            const told = await second(viewer, (one) => items.push(...one.messages.items) && items.some((item) => item.channel === last && item.kind === 'event'));
            return { items, status: told.status };
        };
        const [close, all] = await Promise.all([heard(watching[0], 'orders.1'), heard(watching[1], 'other')]);
        assert.deepEqual(close.items.map((one) => [one.channel, one.event, one.data, one.here, one.app]), [['orders.1', 'it.happened', '{"secret":"wörld"}', 1, 'app1']]);
        assert.ok(all.items.every((one) => one.data === undefined));
        assert.ok(all.items.some((one) => one.channel === 'other'));
        assert.equal(all.status.connections, 1);
        await client.close();
        await second(watching[1], (one) => one.activity.items.some((item) => item.what === 'vacated' && item.channel === 'other'));
        for (const viewer of watching) await viewer.destroy();
    });

    test('a publish is shown with its traceparent, and durations are counted', async () => {
        const client = await Client.open(daemon);
        await client.subscribe('traced');
        const viewer = await look(daemon, { flow: true });
        const start = await second(viewer);
        const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        for (const traceparent of [parent, 'none-at-all', undefined]) await post(daemon, '/events', { name: 'e', channel: 'traced', data: traceparent ?? 'without' }, traceparent ? { headers: { traceparent } } : {});
        const items = [];
        const told = await second(viewer, (one) => items.push(...one.messages.items) && items.filter((item) => item.channel === 'traced').length === 3);
        assert.deepEqual(items.filter((item) => item.channel === 'traced').map((item) => item.traceparent), [parent, undefined, undefined]);
        const { bounds, delivery, answer, turn } = (await second(viewer)).latency;
        assert.deepEqual(bounds, [...bounds].sort((a, b) => a - b));
        for (const counts of [delivery, answer, turn]) assert.equal(counts.length, bounds.length + 1);
        const sum = (counts) => counts.reduce((one, more) => one + more, 0);
        assert.ok(sum(delivery) >= sum(start.latency.delivery) + 3, JSON.stringify({ start: start.latency.delivery, delivery }));
        assert.ok(sum(turn) > sum(start.latency.turn));
        assert.ok(told.status.counters['published_total{door="http"}'] >= 3);
        await client.close();
        await viewer.destroy();
    });

    test('a bounded number is noted, however much flows', async () => {
        const viewer = await look(daemon, { flow: true, payloads: true });
        await second(viewer);
        const client = await Client.open(daemon);
        await client.subscribe('busy');
        const big = 'ü'.repeat(3000);
        for (let i = 0; i < 30; i++) await post(daemon, '/batch_events', { batch: Array.from({ length: 10 }, () => ({ channel: 'busy', name: 'n', data: big })) });
        const told = await second(viewer, (one) => one.messages.seen > 40);
        assert.ok(told.messages.items.length <= 20 && told.messages.items.length > 0);
        for (const one of told.messages.items) assert.equal(one.data, 'ü'.repeat(1024));
        await client.close();
        await viewer.destroy();
    });

    test('while nobody looks, or nobody has asked for what flows, nothing is noted', async () => {
        await (await only(daemon)).destroy();
        const client = await Client.open(daemon);
        await client.subscribe('quiet');
        const before = await metric(daemon, 'console_samples_total');
        const send = () => ask(daemon, '/api/publish', { method: 'POST', headers: bearer, body: { app: APP.id, channels: ['quiet'], event: 'e', data: 'd' } });
        for (let i = 0; i < 10; i++) await send();
        const paused = await look(daemon);
        await second(paused);
        for (let i = 0; i < 10; i++) await send();
        assert.equal((await second(paused)).messages.items.length, 0);
        assert.equal(await metric(daemon, 'console_samples_total'), before);
        await paused.destroy();
        await client.close();
    });

    test('hostile frames end the stream and nothing else', async () => {
        const hostile = [
            ['not JSON', clientFrame('nonsense'), 1008], ['a list', clientFrame('[1]'), 1008], ['binary', clientFrame('{}', { opcode: BINARY }), 1003],
            ['no mask', clientFrame('{}', { mask: false }), 1002], ['too large', clientFrame('x'.repeat(5000)), 1009], ['a reserved bit', clientFrame('{}', { rsv: 4 }), 1002],
        ];
        for (const [what, bytes, code] of hostile) {
            const viewer = await look(daemon);
            viewer.write(bytes);
            let frame;
            do frame = await viewer.frames.take(what);
            while ('text' in frame);
            assert.equal(frame.close, code, what);
            await viewer.destroy();
        }
        // Members of every type, unknown ones, and names longer than there are.
        const viewer = await look(daemon, { flow: 7, payloads: 'x', app: 'no-such', channel: 'c'.repeat(3000), nonsense: [{}], ping: 12 });
        let frame;
        do frame = JSON.parse((await viewer.frames.take('a pong')).text);
        while (frame.type !== 'pong');
        assert.equal(frame.ping, 12);
        viewer.write(clientFrame('', { opcode: CLOSE }));
        await viewer.ended;
    });

    test('a console that does not read is left out and holds nobody up; so many are served at a time', async (t) => {
        const viewers = [await only(daemon)];
        assert.equal((await ask(daemon, '/console/session', { headers: bearer })).json.full, false);
        for (let i = 1; i < 16; i++) viewers.push(await look(daemon));
        await (await look(daemon, { status: 503 })).destroy();
        assert.equal((await ask(daemon, '/console/session', { headers: bearer })).json.full, true); // the page says so
        await second(viewers[0], (one) => one.viewers === 16);
        for (const viewer of viewers) await viewer.destroy();

        // It asks for answers without end and takes none: it is read no more, and the daemon goes on.
        const slow = createConnection({ port: daemon.adminPort, host: '127.0.0.1' });
        slow.on('error', () => {});
        // Also when it fails: who goes on writing keeps this process for ever.
        let writing = true;
        t.after(() => {
            writing = false;
            slow.destroy();
        });
        slow.write(handshake('/console/live', { headers: bearer, host: `127.0.0.1:${daemon.adminPort}` }));
        await new Promise((done) => slow.once('data', done));
        slow.pause();
        const held = (await metric(daemon, 'flow_held_total', 'unread')) ?? 0;
        const pings = Buffer.concat(Array.from({ length: 2000 }, (_, i) => clientFrame(JSON.stringify({ ping: i }))));
        const flood = () => writing && slow.write(pings, () => setImmediate(flood));
        flood();
        await until(async () => (await metric(daemon, 'flow_held_total', 'unread')) > held, 'the console that takes nothing to be read no more');
        // Its backlog stays, and so it is told of no more seconds.
        await until(async () => (await metric(daemon, 'console_skipped_total')) > 0, 'the console that takes nothing to be left out');
        const client = await Client.open(daemon);
        await client.sync();
        await client.close();
    });

    test('another token ends the sessions and the streams of the last one', async () => {
        const { cookie } = await signIn(daemon);
        const viewer = await look(daemon, { headers: { cookie, ...own(daemon) } });
        await daemon.reload({ admin: { token: `${TOKEN}-new` } });
        let frame;
        do frame = await viewer.frames.take('a close frame');
        while ('text' in frame);
        assert.equal(frame.close, 1008);
        await viewer.destroy();
        assert.equal((await ask(daemon, '/api/status', { headers: { cookie } })).status, 401);
        assert.equal((await ask(daemon, '/api/status', { headers: bearer })).status, 401);
        assert.equal((await ask(daemon, '/api/status', { headers: { authorization: `Bearer ${TOKEN}-new` } })).status, 200);
        await daemon.reload({ admin: { token: TOKEN } });
    });
});

describe('the console without a token', () => {
    let daemon;
    before(async () => (daemon = await Daemon.start()));
    after(() => daemon.stop());

    test('the daemon\'s own user is let in from this machine, by a name of this machine', async () => {
        assert.equal((await ask(daemon, '/console/session')).json.session, 'in');
        assert.equal((await ask(daemon, '/api/status')).status, 200);
        for (const host of ['localhost', `localhost:${daemon.adminPort}`, '127.0.0.1', '127.8.9.1:9601', '[::1]:9601', '[::1]']) assert.equal((await ask(daemon, '/api/status', { headers: { host } })).status, 200, host);
        for (const host of ['evil.example', `evil.example:${daemon.adminPort}`, 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '[::2]']) {
            const answer = await ask(daemon, '/api/status', { headers: { host } });
            assert.equal(answer.status, 403, host);
            assert.match(answer.json.error, /set token in \[admin\]/);
            assert.equal((await ask(daemon, '/console/session', { headers: { host } })).json.session, 'host');
        }
        // A proxy speaks for anybody, even where it passes on another Host.
        for (const name of ['X-Forwarded-For', 'forwarded', 'X-Real-IP', 'Via']) {
            const answer = await ask(daemon, '/api/status', { headers: { [name]: '10.1.2.3' } });
            assert.equal(answer.status, 403, name);
            assert.match(answer.json.error, /through a proxy.* set token in \[admin\]/);
            assert.equal((await ask(daemon, '/console/session', { headers: { [name]: '10.1.2.3' } })).json.session, 'proxy');
        }
        // Numbers are for anybody, as before.
        assert.equal((await ask(daemon, '/metrics', { headers: { host: 'evil.example' } })).status, 200);
    });

    test('a page of another site changes nothing and hears nothing', async () => {
        const level = (headers) => ask(daemon, '/api/log-level', { method: 'POST', headers, body: { level: 'info' } });
        assert.equal((await level(EVIL)).status, 403);
        assert.equal((await level({ origin: 'null' })).status, 403);
        assert.equal((await level(own(daemon))).status, 200);
        assert.equal((await level({})).status, 200); // a program
        await (await look(daemon, { headers: EVIL, status: 403 })).destroy();
        await (await look(daemon, { headers: own(daemon) })).destroy();
    });

    test('another user of this machine is told what to do', { skip: process.getuid() === 0 ? false : 'needs root, to be somebody else' }, async () => {
        const script = `fetch('http://127.0.0.1:${daemon.adminPort}/api/status').then(async (answer) => console.log(answer.status, await answer.text()))`;
        const { stdout, stderr } = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', script], { encoding: 'utf8', cwd: '/' });
        assert.match(stdout, /^403 .*set token in \[admin\]/, stderr);
        // Who hangs up at once has no user any more, as far as the kernel tells: that is not root.
        const order = JSON.stringify({ level: 'debug' });
        const hasty = `require('node:net').connect(${daemon.adminPort}, '127.0.0.1', function () { this.end('POST /api/log-level HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Type: application/json\\r\\nContent-Length: ${order.length}\\r\\n\\r\\n' + ${JSON.stringify(order)}, () => process.exit()) })`;
        process.kill(daemon.pid, 'SIGSTOP'); // it reads when they have gone
        try {
            for (let i = 0; i < 3; i++) {
                const gone = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', hasty], { encoding: 'utf8', cwd: '/' });
                assert.equal(gone.status, 0, gone.stderr);
            }
        } finally {
            process.kill(daemon.pid, 'SIGCONT');
        }
        const refused = () => metric(daemon, 'admin_refused_total');
        await until(async () => (await refused()) >= 4, 'three refusals more');
        assert.equal((await ask(daemon, '/api/status')).json.log_level, 'info');
    });
});

test('a token of none switches it off, and leaves the numbers', async () => {
    const daemon = await Daemon.start({ sections: { admin: { token: 'none' } } });
    for (const headers of [{}, { authorization: 'Bearer none' }]) assert.equal((await ask(daemon, '/api/status', { headers })).status, 403);
    assert.equal((await signIn(daemon, 'none')).status, 401);
    assert.equal((await ask(daemon, '/console/session')).json.session, 'off');
    assert.equal((await ask(daemon, '/metrics')).status, 200);
    await daemon.stop();
});

test('an address that others reach needs a token', async () => {
    const env = { FANFARE_SERVER_LISTEN: '127.0.0.1:9', FANFARE_APP_ID: 'a', FANFARE_APP_KEY: 'k', FANFARE_APP_SECRET: 'a-secret-of-a' };
    const without = await runDaemon(['--check-config'], { env: { ...env, FANFARE_ADMIN_LISTEN: '0.0.0.0:9601' } });
    assert.notEqual(without.code, 0);
    assert.match(without.stderr, /0\.0\.0\.0:9601 is reached from other machines, so \[admin\] token \(FANFARE_ADMIN_TOKEN\) must be set/);
    for (const more of [{ FANFARE_ADMIN_LISTEN: '0.0.0.0:9601', FANFARE_ADMIN_TOKEN: TOKEN }, { FANFARE_ADMIN_LISTEN: '0.0.0.0:9601', FANFARE_ADMIN_TOKEN: 'none' }, { FANFARE_ADMIN_LISTEN: 'localhost:9601, [::1]:9601, 127.0.0.2:9601' }, { FANFARE_ADMIN_LISTEN: '' }]) {
        const fine = await runDaemon(['--check-config'], { env: { ...env, ...more } });
        assert.equal(fine.code, 0, fine.stderr);
    }
});
