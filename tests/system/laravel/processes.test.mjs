// PHP processes that live on while the daemon comes and goes, that fork, that die: from Laravel, seen by Echo.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Laravel, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { long } from '../lib/paths.mjs';
import { Inbox, deadline, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';
import { Ipc } from '../lib/ipc.mjs';

const skip = missing();

describe('PHP processes', { skip }, () => {
    let daemon, app;
    const cleanup = [];

    before(async () => {
        // Publishers here are faster than a client in JavaScript: what is tested is not the limit of a backlog.
        daemon = await Daemon.start({ workers: 2, sections: { limits: { output_hard: 0, output_total: 0, ping_interval: 600 } } });
        app = await Laravel.create(daemon);
    });
    afterEach(async () => {
        for (const each of cleanup.splice(0)) await each();
        // A test that failed half-way must not take the daemon away from the next one.
        if (daemon.process.status) await daemon.launch();
    });
    after(async () => {
        await app?.stop();
        await daemon?.stop();
    });

    const name = () => `c.${Math.random().toString(36).slice(2)}`;
    async function listener(channel) {
        const session = await app.session();
        const echo = session.echo();
        cleanup.push(() => echo.disconnect());
        await connected(echo);
        const subscription = echo.channel(channel);
        const inbox = hear(subscription, 'Now');
        await subscribed(subscription);
        return { echo, inbox, subscription };
    }
    async function raw(channel) {
        const client = await Client.open(daemon, { app: APP });
        cleanup.push(() => client.destroy());
        await client.subscribe(channel);
        return client;
    }
    async function repl(options) {
        const php = await app.repl(options);
        cleanup.push(() => php.process.status ?? (php.process.kill('SIGKILL'), php.process.exit()));
        return php;
    }

    test('one process publishes for long over one connection', async () => {
        const channel = name();
        const { inbox } = await listener(channel);
        const php = await repl();
        const before = (await daemon.metrics()).get('ipc_accepted_total');
        for (let i = 0; i < 50; i++) await php.act('now', { channels: [channel], value: i });
        for (let i = 0; i < 50; i++) assert.equal((await inbox.take()).value, i);
        assert.equal((await daemon.metrics()).get('ipc_accepted_total'), before + 1);
        await php.end();
    });

    test('kill -9 and restart of the daemon: Echo comes back by itself and the same PHP process publishes on', async () => {
        const channel = name();
        const { echo, inbox } = await listener(channel);
        const php = await repl();
        await php.act('now', { channels: [channel], value: 'before' });
        assert.equal((await inbox.take()).value, 'before');
        for (let round = 0; round < 2; round++) {
            const { connection } = echo.connector.pusher;
            const lost = deadline(new Promise((done) => connection.bind('state_change', ({ current }) => current !== 'connected' && done())), 'Echo to notice');
            await daemon.kill();
            await lost;
            // While it is down a publish fails at once, with a reason, and is no crash.
            const down = await php.try('now', { channels: [channel], value: 'lost' });
            assert.equal(down.broadcast, true, JSON.stringify(down));
            await daemon.launch();
            // The very next one works.
            await php.act('now', { channels: [channel], value: `first after ${round}` });
            await connected(echo);
            const ipc = await Ipc.open(daemon.socket, APP);
            await until(async () => (await ipc.publish({ channel, event: 'probe' })).recipients === 1, 'Echo to subscribe again');
            ipc.close();
            await php.act('now', { channels: [channel], value: `second after ${round}` });
            for (;;) if ((await inbox.take()).value === `second after ${round}`) break;
        }
        await php.end();
    });

    test('a restart that PHP did not notice: the next publish is resent once over a new connection', async () => {
        const channel = name();
        const php = await repl();
        await php.act('now', { channels: [channel], value: 0 });
        for (let i = 0; i < 5; i++) {
            await daemon.kill();
            await daemon.launch();
            const client = await raw(channel);
            await php.act('now', { channels: [channel], value: i });
            assert.equal(JSON.parse((await client.expect('App\\Events\\Now', channel)).data).value, i);
            client.destroy();
        }
        await php.end();
    });

    test('a graceful restart: Echo comes back', long, async () => {
        const channel = name();
        const { echo, inbox } = await listener(channel);
        const { connection } = echo.connector.pusher;
        const port = daemon.port;
        const stopped = new Promise((done) => connection.bind('state_change', ({ current }) => current !== 'connected' && done()));
        daemon.process.kill('SIGTERM');
        await stopped;
        assert.equal((await daemon.process.exit()).code, 0);
        await daemon.launch();
        await connected(echo);
        const ipc = await Ipc.open(daemon.socket, APP);
        await until(async () => (await ipc.publish({ channel, event: 'probe' })).recipients === 1, 'Echo to subscribe again');
        ipc.close();
        const php = await repl();
        await php.act('now', { channels: [channel], value: 'back' });
        assert.equal((await inbox.take()).value, 'back');
        assert.equal(port, daemon.port);
        await php.end();
    });

    test('forked children and their parent publish at once, each message once and in its order', async () => {
        const channel = name();
        const client = await raw(channel);
        const php = await repl();
        assert.equal(await php.act('fork', { channels: [channel], children: 4, count: 100 }), 0);
        const got = [];
        for (let i = 0; i < 502; i++) got.push(JSON.parse((await client.expect('App\\Events\\Now')).data).value);
        assert.equal(got[0], 'before');
        assert.equal(got.at(-1), 'after');
        assert.equal(new Set(got).size, 502);
        for (const who of ['parent', 'child 0', 'child 1', 'child 2', 'child 3']) {
            const own = got.filter((value) => value.startsWith(`${who} `)).map((value) => Number(value.split(' ').pop()));
            assert.deepEqual(own, Array.from({ length: 100 }, (_, i) => i), who);
        }
        await php.act('now', { channels: [channel], value: 'alive' });
        assert.equal(JSON.parse((await client.expect('App\\Events\\Now')).data).value, 'alive');
        await php.end();
    });

    test('forked children that are killed do not disturb the parent\'s connection', async () => {
        const channel = name();
        const client = await raw(channel);
        const php = await repl();
        await php.act('fork', { channels: [channel], children: 3, count: 20, end: 'kill' });
        const got = [];
        for (let i = 0; i < 82; i++) got.push(JSON.parse((await client.expect('App\\Events\\Now')).data).value);
        assert.equal(new Set(got).size, 82);
        assert.equal(got.at(-1), 'after');
        await php.end();
    });

    test('a process that is killed in the middle of publishing leaves nothing half-sent', async () => {
        const channel = name();
        const client = await raw(channel);
        const good = await raw(channel);
        for (let round = 0; round < 5; round++) {
            const php = await repl();
            php.start('flood', { channels: [channel], size: round % 2 ? 90_000 : 10 });
            for (let i = 0; i < 20 + 7 * round; i++) {
                const { value } = JSON.parse((await client.expect('App\\Events\\Now')).data);
                assert.equal(value.n, i);
            }
            php.process.kill('SIGKILL');
            await php.process.exit();
            // Whatever came whole is in order and whole; then the next publisher is heard.
            const next = await repl();
            await next.act('now', { channels: [channel], value: 'next' });
            for (let n = 20 + 7 * round; ; n++) {
                const { value } = JSON.parse((await client.expect('App\\Events\\Now')).data);
                if (value === 'next') break;
                assert.equal(value.n, n);
                assert.equal(value.pad.length, round % 2 ? 90_000 : 10);
            }
            await next.end();
        }
        good.destroy();
    });

    test('a process that hits its memory limit in the middle of a publish is no one else\'s trouble', async () => {
        const channel = name();
        const client = await raw(channel);
        for (const action of ['memory', 'memory-small']) {
            const php = await repl();
            php.start(action, { channels: [channel] });
            const status = await php.process.exit(60_000);
            assert.equal(status.signal, null, `PHP must not crash: ${JSON.stringify(status)}\n${php.process.stderr}`);
            assert.equal(status.code, 255, php.process.stdout.slice(-500));
            assert.match(php.process.stdout + php.process.stderr, /Allowed memory size/);
            const next = await repl();
            await next.act('now', { channels: [channel], value: `after ${action}` });
            for (;;) {
                const { value } = JSON.parse((await client.expect('App\\Events\\Now')).data);
                if (value === `after ${action}`) break;
            }
            await next.end();
        }
    });

    describe('a queue worker that waits for a daemon that is stopped', () => {
        const stop = async () => {
            daemon.process.kill('SIGSTOP');
            await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8')), 'the daemon to stop');
        };
        /** A worker with two jobs, of which the first one waits for its receipt. */
        async function waiting(timeout, ...options) {
            const channel = name();
            const client = await raw(channel);
            const php = await repl();
            await php.act('job', { action: 'patient', input: { channel, value: 'first', timeout } });
            await php.act('job', { action: 'now', input: { channels: [channel], value: 'second' } });
            await stop();
            cleanup.push(() => daemon.process.kill('SIGCONT'));
            const worker = app.worker(...options);
            await until(() => worker.stdout.includes('RUNNING'), () => `the job to begin\n${worker.stdout}${worker.stderr}`);
            await until(() => /^State:\s+S/m.test(readFileSync(`/proc/${worker.pid}/status`, 'utf8')), 'the worker to wait');
            const heard = async () => JSON.parse((await client.expect('App\\Events\\Now', channel)).data).value;
            return { php, worker, heard };
        }

        test('SIGTERM: it finishes the job in hand and takes no other', async () => {
            const { php, worker, heard } = await waiting(60);
            worker.kill('SIGTERM');
            daemon.process.kill('SIGCONT');
            assert.equal((await worker.exit()).code, 0, worker.stderr);
            assert.equal(await heard(), 'first');
            assert.deepEqual(await php.act('queues'), { waiting: 1, failed: 0 });
            const next = app.worker('--stop-when-empty');
            assert.equal((await next.exit()).code, 0);
            assert.equal(await heard(), 'second');
            assert.deepEqual(await php.act('queues'), { waiting: 0, failed: 0 });
            await php.end();
        });

        test('--timeout: it ends when the time of the publish is over, the job has failed, and the next worker goes on', async () => {
            const { php, worker, heard } = await waiting(2, '--timeout=1');
            const { signal } = await worker.exit();
            assert.equal(signal, 'SIGKILL', `as Laravel does it\n${worker.stdout}`);
            daemon.process.kill('SIGCONT');
            assert.deepEqual(await php.act('queues'), { waiting: 1, failed: 1 });
            const next = app.worker('--stop-when-empty');
            assert.equal((await next.exit()).code, 0);
            // The first one had left whole. Nothing comes twice.
            assert.equal(await heard(), 'first');
            assert.equal(await heard(), 'second');
            await php.end();
        });
    });

    test('without a daemon: an error with the cause, quickly, and no crash', async () => {
        const php = await repl();
        await daemon.kill();
        const started = Date.now();
        const answer = await php.try('now', { channels: ['c'], value: 1 });
        assert.equal(answer.broadcast, true, JSON.stringify(answer));
        assert.ok(answer.message.includes(daemon.socket), answer.message);
        assert.ok(!answer.message.includes(APP.secret));
        assert.ok(Date.now() - started < 2000);
        await daemon.launch();
        await php.act('now', { channels: ['c'], value: 1 });
        await php.end();
    });

    test('a wrong secret is an error that says so', async () => {
        const other = await Laravel.create(daemon, { env: { FANFARE_APP_SECRET: 'a-wrong-secret-here' } });
        cleanup.push(() => other.stop());
        const php = await other.repl();
        const answer = await php.try('now', { channels: ['c'], value: 1 });
        assert.equal(answer.broadcast, true, JSON.stringify(answer));
        assert.match(answer.message, /secret|unauthorized|authentic|signature|mac/i);
        assert.ok(!answer.message.includes('a-wrong-secret-here'));
        await php.end();
    });
});
