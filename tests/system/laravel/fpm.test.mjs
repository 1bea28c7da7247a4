// Publishing from PHP-FPM behind nginx, and clients through nginx's proxy, as in production.
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Laravel, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const skip = missing('nginx', 'php-fpm8.2');

// Making an application takes long: both parts have the same one, with its daemon, one after the other.
let daemon, app;

describe('PHP-FPM behind nginx', { skip }, () => {
    let ann, echo;

    before(async () => {
        daemon = await Daemon.start({ workers: 2 });
        app = await Laravel.create(daemon);
        await app.fpm();
        ann = await app.session(1);
        echo = ann.echo({ port: app.httpPort });
        await connected(echo);
    });
    afterEach(async () => {
        if (daemon.process.status) await daemon.launch();
    });
    after(async () => {
        echo?.disconnect();
        await app?.halt();
    });
    const channel = (prefix = 'c') => `${prefix}.${Math.random().toString(36).slice(2)}`;
    async function listen(name, events = ['Now']) {
        const subscription = echo.private(name);
        const inbox = hear(subscription, ...events);
        await subscribed(subscription);
        return inbox;
    }

    test('requests publish, each FPM child over a connection that it keeps', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        for (let i = 0; i < 60; i++) {
            await ann.act('now', { channels: [`private:${name}`], value: i });
            assert.equal((await inbox.take()).value, i);
        }
        const accepted = (await daemon.metrics()).get('ipc_accepted_total');
        assert.ok(accepted <= 3, `${accepted} connections for 3 children`);
    });

    test('many requests at once', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        await Promise.all(Array.from({ length: 60 }, (_, i) => ann.act('now', { channels: [`private:${name}`], value: i })));
        const got = [];
        for (let i = 0; i < 60; i++) got.push((await inbox.take()).value);
        assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 60 }, (_, i) => i));
    });

    test('1,000 messages of one request, in order, through nginx', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        await ann.act('many', { channels: [`private:${name}`], count: 1000 });
        for (let i = 0; i < 1000; i++) assert.equal((await inbox.take()).value, i);
    });

    test('90 KB and unicode through nginx, byte for byte', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        for (const value of ['x'.repeat(90 * 1024), '世界\u{1f600}'.repeat(1000)]) {
            await ann.act('now', { channels: [`private:${name}`], value });
            assert.equal((await inbox.take()).value, value);
        }
    });

    test('toOthers with the socket id of a client behind nginx', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        await ann.act('others', { channels: [`private:${name}`], value: 'not me' }, { socketId: echo.socketId() });
        await ann.act('now', { channels: [`private:${name}`], value: 'me too' });
        assert.equal((await inbox.take()).value, 'me too');
    });

    test('a child that hits its memory limit within a publish: the next request works', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        for (const action of ['memory', 'memory-small', 'memory']) {
            await assert.rejects(ann.act(action, { channels: ['public:elsewhere'] }), (error) => {
                // A fatal error, and not an exception that the action itself answered with.
                assert.equal(error.status, 500, error.message);
                assert.equal(error.error, undefined, error.message);
                return true;
            });
        }
        for (let i = 0; i < 12; i++) {
            await ann.act('now', { channels: [`private:${name}`], value: i });
            assert.equal((await inbox.take()).value, i);
        }
    });

    test('kill -9 of the daemon: every child publishes again with its first request after the restart', async () => {
        const name = channel('open');
        for (let i = 0; i < 6; i++) await ann.act('now', { channels: [`private:${name}`], value: i });
        await daemon.kill();
        await assert.rejects(ann.act('now', { channels: [`private:${name}`], value: 'down' }), { status: 500, broadcast: true });
        await daemon.launch();
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe(`private-${name}`);
        await Promise.all(Array.from({ length: 12 }, (_, i) => ann.act('now', { channels: [`private:${name}`], value: i })));
        for (let i = 0; i < 12; i++) await client.expect('App\\Events\\Now');
        client.destroy();
        await connected(echo);
    });

    test('a reload that changes the secret: every child says so, and publishes again when it is right again', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        const publish = (n) => Promise.all(Array.from({ length: n }, (_, i) => ann.act('now', { channels: [`private:${name}`], value: i })));
        await publish(12);
        for (let i = 0; i < 12; i++) await inbox.take();
        await daemon.reload({ 'app "app1"': { secret: 'another-secret-of-app1' } });
        for (let i = 0; i < 6; i++) {
            await assert.rejects(ann.act('now', { channels: [`private:${name}`], value: 'refused' }), (error) => {
                assert.ok(error.broadcast && /secret is wrong/.test(error.message), error.message);
                return true;
            });
        }
        await daemon.reload({ 'app "app1"': { secret: APP.secret } });
        await publish(12);
        const got = [];
        for (let i = 0; i < 12; i++) got.push((await inbox.take()).value);
        assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 12 }, (_, i) => i));
    });

    test('a killed FPM child is nobody else\'s trouble', async () => {
        const name = channel('open');
        const { pid } = await ann.get('/whoami');
        process.kill(pid, 'SIGKILL');
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe(`private-${name}`);
        // nginx may meet the dying child once.
        let answered = 0;
        for (let i = 0; i < 12; i++) answered += await ann.act('now', { channels: [`private:${name}`], value: i }).then(() => 1, (error) => (assert.equal(error.status, 502), 0));
        assert.ok(answered >= 11);
        for (let i = 0; i < answered; i++) await client.expect('App\\Events\\Now');
        client.destroy();
    });
});

describe('PHP-FPM whose children come and go', { skip }, () => {
    let ann, client, name;
    const children = 8;

    before(async () => {
        await app.fpm({
            children,
            settings: 'process_control_timeout = 30',
            pool: 'pm.max_requests = 9',
            other: 'request_terminate_timeout = 1',
        });
        ann = await app.session();
    });
    beforeEach(async () => {
        name = `c.${Math.random().toString(36).slice(2)}`;
        client = await Client.open(daemon, { app: APP });
        await client.subscribe(name);
    });
    afterEach(() => client?.destroy());
    after(async () => {
        await app?.stop();
        await daemon?.stop();
    });
    const next = async () => JSON.parse((await client.expect('App\\Events\\Now', name)).data).value;
    const stop = async () => {
        daemon.process.kill('SIGSTOP');
        await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8')), 'the daemon to stop');
    };
    const go = () => daemon.process.kill('SIGCONT');
    const other = { headers: { 'X-Pool': 'other' } };

    test('many children at once, each for nine requests: a connection for each, all of them closed again, every event once', async () => {
        const open = () => readdirSync(`/proc/${daemon.process.pid}/fd`).length;
        const accepted = async () => (await daemon.metrics()).get('ipc_accepted_total');
        const [before, begun] = [open(), await accepted()];
        const requests = 75;
        let sent = 0;
        const publish = async () => {
            while (sent < requests) {
                const value = sent++;
                await ann.act('here', { channel: name, value });
            }
        };
        await Promise.all(Array.from({ length: 2 * children }, publish));
        const got = [];
        for (let i = 0; i < requests; i++) got.push(await next());
        assert.deepEqual(got.map(({ value }) => value).sort((a, b) => a - b), Array.from({ length: requests }, (_, i) => i));
        const pids = new Set(got.map(({ pid }) => pid)).size;
        assert.ok(pids >= requests / 9, `${pids} processes`);
        assert.equal(await accepted(), begun + pids);
        await until(() => open() <= before + children, () => `the connections to be closed: ${open()} descriptors, ${before} before`);
    });

    test('a reload of FPM under load: every event of a request that was answered, once', async () => {
        const requests = 70;
        const answered = [];
        let sent = 0;
        let reloads = 0;
        const notices = () => readFileSync(join(app.base, 'run/fpm.log'), 'utf8').split('NOTICE: ready to handle connections').length;
        const ready = notices();
        const publish = async () => {
            while (sent < requests) {
                const value = sent++;
                if (value === 15 || value === 45) {
                    // One at a time: FPM takes a second signal for the same reload.
                    await until(() => notices() === ready + reloads, 'FPM to be ready');
                    reloads++;
                    app.fpmProcess.kill('SIGUSR2');
                }
                // nginx may meet a child that leaves.
                await ann.act('here', { channel: name, value }).then(() => answered.push(value), (error) => assert.equal(error.status, 502, error.message));
            }
        };
        await Promise.all(Array.from({ length: 6 }, publish));
        await until(() => notices() === ready + 2, 'FPM to be ready again');
        assert.ok(answered.length > requests - 20, `${answered.length} of ${requests} requests were answered`);
        await ann.act('here', { channel: name, value: 'last' });
        const got = [];
        for (let value; value !== 'last'; got.push(value)) ({ value } = await next());
        assert.equal(new Set(got).size, got.length, 'once');
        assert.deepEqual(answered.filter((value) => !got.includes(value)), []);
    });

    test('what is published after the response does not make the client wait for the daemon', async () => {
        for (const action of ['finish-request', 'after-response']) {
            await ann.act('here', { channel: name, value: 'warm' });
            await next();
            await stop();
            try {
                await ann.act(action, { channel: name, value: action });
            } finally {
                go();
            }
            assert.equal(await next(), action);
        }
    });

    test('a request that FPM ends in the middle of its wait: 502, and the next child publishes', async () => {
        await stop();
        try {
            await assert.rejects(ann.act('patient', { channel: name, value: 'cut off' }, other), { status: 502 });
        } finally {
            go();
        }
        // It had left for the daemon whole, so it was delivered; nothing else of that child is.
        assert.equal(await next(), 'cut off');
        const pid = await ann.act('here', { channel: name, value: 'next' }, other);
        assert.deepEqual(await next(), { value: 'next', pid });
    });

    test('a client that leaves while the payload prints: the request ends there, and its child publishes on', async () => {
        const pid = await ann.act('here', { channel: name, value: 'before' }, other);
        await next();
        const abort = new AbortController();
        const response = await ann.fetch('/act/abort', { method: 'POST', body: JSON.stringify({ channel: name }), signal: abort.signal, headers: { 'Content-Type': 'application/json', 'X-Pool': 'other' } });
        const reader = response.body.getReader();
        await reader.read();
        abort.abort();
        assert.equal(await next(), 'aborted 1');
        assert.equal(await ann.act('here', { channel: name, value: 'after' }, other), pid);
        assert.deepEqual(await next(), { value: 'after', pid });
    });
});
