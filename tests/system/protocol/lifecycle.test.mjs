// Start, stop, command line, and what goes wrong at start.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, Daemon, freePort, runDaemon } from '../lib/daemon.mjs';
import { adminOf, done } from '../lib/ctl.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { Client, Raw, clientFrame, handshake } from '../lib/ws.mjs';
import { until } from '../lib/wait.mjs';

const scratch = (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'ffl-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
};

for (const workers of [1, 3]) {
    describe(`SIGTERM (workers=${workers})`, () => {
        test('closes clients with 4200 and exits 0 in under 8 seconds', async () => {
            const daemon = await Daemon.start({ workers });
            const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(daemon, { app: APP })));
            for (const [i, client] of clients.entries()) if (i % 2) await client.subscribe('presence-x', { data: { user_id: String(i) } }).catch(() => {});
            const started = Date.now();
            daemon.process.kill('SIGTERM');
            await Promise.all(
                clients.map(async (client) => {
                    for (;;) {
                        const frame = await client.frame();
                        if ('close' in frame) {
                            assert.equal(frame.close, 4200);
                            client.write(clientFrame(Buffer.from([0x10, 0x68]), { opcode: 8 }));
                            await client.ended;
                            return;
                        }
                        assert.ok(!frame.end, 'a close frame comes before the end');
                    }
                }),
            );
            const status = await daemon.process.exit();
            assert.deepEqual([status.code, status.signal], [0, null]);
            assert.ok(Date.now() - started < 8000);
            assert.ok(!existsSync(daemon.socket), 'the socket is removed');
            daemon.stopped = true;
            await daemon.stop();
        });
        test('does not wait for clients that never answer, nor for those that do not read', async () => {
            const daemon = await Daemon.start({ workers });
            const deaf = await Promise.all(Array.from({ length: 10 }, () => Client.open(daemon, { app: APP })));
            for (const client of deaf) client.socket.pause();
            const ipc = await Ipc.open(daemon.socket, APP);
            await ipc.ping();
            const started = Date.now();
            daemon.process.kill('SIGTERM');
            const status = await daemon.process.exit();
            assert.equal(status.code, 0);
            assert.ok(Date.now() - started < 8000, `${Date.now() - started} ms`);
            for (const client of deaf) client.destroy();
            daemon.stopped = true;
            await daemon.stop();
        });
        test('what was published before it is delivered before the close', async () => {
            const daemon = await Daemon.start({ workers });
            const client = await Client.open(daemon, { app: APP });
            await client.subscribe('c');
            const ipc = await Ipc.open(daemon.socket, APP);
            const publishes = Array.from({ length: 100 }, (_, i) => ipc.publish({ channel: 'c', data: `${i}:${'x'.repeat(20_000)}` }));
            await Promise.all(publishes);
            daemon.process.kill('SIGTERM');
            for (let i = 0; i < 100; i++) assert.equal((await client.expect('E')).data.split(':')[0], String(i));
            await client.closedWith(4200);
            assert.equal((await daemon.process.exit()).code, 0);
            daemon.stopped = true;
            await daemon.stop();
        });
        test('with many clients they go in batches within drain_period', async () => {
            const daemon = await Daemon.start({ workers, sections: { server: { drain_period: 1 } } });
            const clients = [];
            while (clients.length < 150) clients.push(...(await Promise.all(Array.from({ length: 50 }, () => Client.open(daemon, { app: APP })))));
            const started = Date.now();
            daemon.process.kill('SIGTERM');
            await Promise.all(clients.map((client) => client.closedWith(4200)));
            assert.equal((await daemon.process.exit()).code, 0);
            assert.ok(Date.now() - started < 8000);
            daemon.stopped = true;
            await daemon.stop();
        });
    });
}

test('readiness and liveness on the admin listener, nothing of it on the public one', async () => {
    const daemon = await Daemon.start({ sections: { server: { drain_delay: 1 } } });
    const admin = (path) => daemon.http(path, { port: daemon.adminPort });
    assert.equal((await admin('/health/live')).status, 200);
    assert.equal((await admin('/health/ready')).status, 200);
    const stats = await admin('/stats');
    assert.equal(stats.status, 200);
    JSON.parse(stats.text);
    assert.match((await admin('/metrics')).headers.get('content-type'), /^text\/plain/);
    assert.equal((await admin('/nothing')).status, 404);
    for (const path of ['/metrics', '/stats']) assert.equal((await daemon.http(path)).status, 404);
    daemon.process.kill('SIGTERM');
    await until(async () => (await admin('/health/ready')).status === 503, 'ready to say 503 while draining');
    assert.equal((await daemon.process.exit()).code, 0);
    daemon.stopped = true;
    await daemon.stop();
});

test('a second SIGTERM ends it now', async () => {
    const daemon = await Daemon.start({ sections: { server: { drain_delay: 30 } } });
    daemon.process.kill('SIGTERM');
    await until(async () => (await daemon.http('/health/ready', { port: daemon.adminPort })).status === 503, 'draining');
    const started = Date.now();
    daemon.process.kill('SIGTERM');
    await daemon.process.exit();
    assert.ok(Date.now() - started < 5000);
    daemon.stopped = true;
    await daemon.stop({ check: false });
});

test('a SIGTERM behind an order to drain cuts nobody off, and the next one does', async (t) => {
    const start = async (drain_delay) => {
        const daemon = await Daemon.start({ sections: { server: { drain_delay } } });
        t.after(() => daemon.stop({ check: false }));
        const client = await Client.open(daemon, { app: APP });
        assert.equal(await done(daemon, 'drain'), 'draining, then it ends\n');
        daemon.process.kill('SIGTERM');
        await until(() => /signal 15: shutting down/.test(daemon.stderr), 'the signal in the log');
        await client.sync();
        return { daemon, client };
    };
    const orderly = await start(2);
    await orderly.client.closedWith(4200);
    assert.equal((await orderly.daemon.process.exit()).code, 0);
    const hurried = await start(60);
    hurried.daemon.process.kill('SIGTERM');
    assert.equal((await hurried.daemon.process.exit()).code, 0);
    assert.match(hurried.daemon.stderr, /signal 15 again: exiting now/);
});

test('consoles that are open, one that reads nothing, and idle connections of the admin listener hold up no end', async (t) => {
    const token = 'a-token-that-nobody-guesses-0123456789';
    const daemon = await Daemon.start({ sections: { admin: { token } } });
    t.after(() => daemon.stop({ check: false }));
    const others = [];
    t.after(() => others.forEach((one) => one.destroy()));
    for (const reads of [true, false]) {
        const viewer = await Raw.connect(daemon.adminPort, '127.0.0.1', false);
        others.push(viewer);
        viewer.write(handshake('/console/live', { headers: { authorization: `Bearer ${token}` }, host: `127.0.0.1:${daemon.adminPort}` }));
        assert.equal((await viewer.response()).status, 101);
        viewer.write(clientFrame(JSON.stringify({ flow: true, payloads: true })));
        if (!reads) {
            viewer.socket.pause();
            viewer.write(Buffer.concat(Array.from({ length: 20_000 }, (_, i) => clientFrame(JSON.stringify({ ping: i })))));
            // Its answers fill what the kernel takes, and it is read no more.
            await until(async () => (await daemon.metrics()).get('flow_held_total', 'unread') > 0, 'the console that reads nothing to be held');
        }
    }
    for (let i = 0; i < 20; i++) {
        const idle = await Raw.connect(daemon.adminPort, '127.0.0.1', false);
        others.push(idle);
        idle.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
        assert.equal((await idle.response()).status, 200);
    }
    const silent = createConnection(adminOf(daemon));
    others.push(silent.on('error', () => {}));
    const half = await Raw.connect(daemon.adminPort, '127.0.0.1', false);
    others.push(half);
    half.write('POST /api/reload HTTP/1.1\r\nHost: x\r\n');
    const bare = await Daemon.start();
    t.after(() => bare.stop({ check: false }));
    const ended = async (one) => {
        const started = Date.now();
        one.process.kill('SIGTERM');
        assert.equal((await one.process.exit()).code, 0);
        return Date.now() - started;
    };
    const [without, with_] = await Promise.all([ended(bare), ended(daemon)]);
    // Both take some 50 ms; the time-outs of connections that are ended in good order are at 2 s and above.
    assert.ok(with_ < without + 1900, `${with_} ms with them, ${without} ms without`);
});

test('SIGPIPE and SIGHUP do not end it', async () => {
    const daemon = await Daemon.start();
    daemon.process.kill('SIGPIPE');
    daemon.process.kill('SIGHUP');
    const client = await Client.open(daemon, { app: APP });
    await client.sync();
    client.destroy();
    await daemon.stop();
});

test('it comes back on the same socket and ports after kill -9', async () => {
    const daemon = await Daemon.start();
    for (let i = 0; i < 3; i++) {
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe('c');
        await daemon.kill();
        await client.ended;
        assert.ok(existsSync(daemon.socket), 'the stale socket is there');
        await daemon.launch();
    }
    const ipc = await Ipc.open(daemon.socket, APP);
    await ipc.ping();
    ipc.close();
    await daemon.stop();
});

describe('command line', () => {
    test('--help', async () => {
        const { code, stdout, stderr } = await runDaemon(['--help']);
        assert.equal(code, 0);
        for (const word of ['--config', '--check-config', '--version', 'FANFARE_']) assert.ok(stdout.includes(word), word);
        assert.equal(stderr, '');
    });
    test('--version', async () => {
        const { code, stdout } = await runDaemon(['--version']);
        assert.equal(code, 0);
        assert.match(stdout, /^fanfared \d+\.\d+\.\d+/);
    });
    test('an unknown option', async () => {
        const { code, stderr } = await runDaemon(['--nonsense']);
        assert.equal(code, 2);
        assert.match(stderr, /--nonsense/);
        assert.match(stderr, /--help/);
    });
    test('--config without a file', async () => {
        assert.equal((await runDaemon(['--config'])).code, 2);
    });
    test('a config file that is not there', async () => {
        const { code, stderr } = await runDaemon(['--config', '/nonexistent/f.conf']);
        assert.notEqual(code, 0);
        assert.match(stderr, /\/nonexistent\/f\.conf/);
        assert.match(stderr, /No such file/i);
    });

    const good = `[server]\nlisten = 127.0.0.1:8080\n[app "a"]\nkey = k\nsecret = s\n`;
    test('--check-config is silent about a good file, or says so, and exits 0', async (t) => {
        const file = join(scratch(t), 'f.conf');
        writeFileSync(file, good);
        const { code, stderr } = await runDaemon(['--check-config', '--config', file]);
        assert.equal(code, 0, stderr);
    });
    for (const [name, line, words] of [
        ['an unknown key', '[limits]\nmax_mesage_size = 5', /max_mesage_size/],
        ['an unknown section', '[sever]\nlisten = 1', /sever/],
        ['a bad number', '[limits]\nmax_message_size = lots', /max_message_size/],
        ['a number out of bounds', '[server]\nworkers = 65', /workers.*64/],
        ['a bad address', '[server]\nlisten = nowhere', /listen/],
        ['a bad choice', '[server]\nlog_format = xml', /text.*json/],
        ['a duplicate application key', '[app "b"]\nkey = k\nsecret = s', /key/],
        ['an application without a secret', '[app "b"]\nkey = k2', /secret/],
        ['a bad application id', '[app "b b"]\nkey = k2\nsecret = s', /app|id/],
        ['a line that is no key', 'nonsense', /./],
        ['an unclosed section', '[server', /./],
    ]) {
        test(`${name} is an error with file and line`, async (t) => {
            const file = join(scratch(t), 'f.conf');
            writeFileSync(file, `${good}\n${line}\n`);
            for (const args of [['--check-config', '--config', file], ['--config', file]]) {
                const { code, stderr, stdout } = await runDaemon(args);
                assert.notEqual(code, 0);
                const all = stderr + stdout;
                assert.match(all, /f\.conf:\d+: /, all);
                assert.match(all, words);
                assert.ok(!all.includes('secret = s'));
            }
        });
    }
    test('all errors of a file are reported at once', async (t) => {
        const file = join(scratch(t), 'f.conf');
        writeFileSync(file, `${good}[limits]\na = 1\nb = 2\n`);
        const { stderr } = await runDaemon(['--check-config', '--config', file]);
        assert.match(stderr, /f\.conf:7: /);
        assert.match(stderr, /f\.conf:8: /);
    });
    test('the environment overrides the file', async () => {
        const port = await freePort();
        const daemon = await Daemon.start({ port, sections: { server: { listen: '127.0.0.1:1' } }, env: { FANFARE_SERVER_LISTEN: `127.0.0.1:${port}`, FANFARE_LIMITS_ACTIVITY_TIMEOUT: '17', FANFARE_UNKNOWN_THING: 'x' } });
        const client = await Client.dial(daemon, { app: APP });
        assert.equal(JSON.parse((await client.established()).data).activity_timeout, 17);
        client.destroy();
        await daemon.stop();
    });
    test('a bad value in the environment is an error that names the variable', async () => {
        const { code, stderr } = await runDaemon([], { env: { FANFARE_SERVER_WORKERS: 'many', FANFARE_APP_ID: 'a', FANFARE_APP_KEY: 'k', FANFARE_APP_SECRET: 's' } });
        assert.notEqual(code, 0);
        assert.match(stderr, /FANFARE_SERVER_WORKERS/);
    });
});

describe('without a configuration file', () => {
    test('an application from the environment', async (t) => {
        const dir = scratch(t);
        const port = await freePort();
        const daemon = await Daemon.start({
            file: false,
            dir,
            port,
            env: { FANFARE_SERVER_LISTEN: `127.0.0.1:${port}`, FANFARE_SOCKET: join(dir, 'f.sock'), FANFARE_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`, FANFARE_APP_ID: 'e', FANFARE_APP_KEY: 'ekey', FANFARE_APP_SECRET: 'esecret' },
        });
        const app = { id: 'e', key: 'ekey', secret: 'esecret' };
        const client = await Client.open(daemon, { app });
        await client.subscribe('private-c', { app });
        const ipc = await Ipc.open(daemon.socket, app);
        assert.equal((await ipc.publish({ channel: 'private-c' })).recipients, 1);
        await client.expect('E');
        client.destroy();
        ipc.close();
        await daemon.stop();
    });
    test('the development application on loopback', async (t) => {
        const dir = scratch(t);
        const port = await freePort();
        const daemon = await Daemon.start({
            file: false,
            dir,
            port,
            env: { FANFARE_SERVER_LISTEN: `127.0.0.1:${port}`, FANFARE_SOCKET: join(dir, 'f.sock'), FANFARE_ADMIN_LISTEN: `127.0.0.1:${await freePort()}` },
        });
        const client = await Client.open(daemon, { app: { id: 'fanfare', key: 'fanfare-key', secret: 'fanfare-secret' } });
        await client.subscribe('private-c');
        client.destroy();
        await daemon.stop();
    });
});

describe('what goes wrong at start', () => {
    test('a port that somebody else holds, with any number of workers', async () => {
        for (const workers of [1, 3]) {
            const port = await freePort();
            const server = createServer();
            await new Promise((done) => server.listen(port, '127.0.0.1', done));
            try {
                await assert.rejects(Daemon.start({ port, workers }), (error) => {
                    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`));
                    assert.match(error.message, /in use/i);
                    return true;
                });
            } finally {
                server.close(); // left open it would keep this file from ending
            }
        }
    });
    test('a second daemon on the same port, with workers', async () => {
        const first = await Daemon.start({ workers: 3 });
        await assert.rejects(Daemon.start({ port: first.port, workers: 3 }), /in use/i);
        const client = await Client.open(first, { app: APP });
        client.destroy();
        await first.stop();
    });
    test('a second daemon on the same socket names the first one\'s pid', async () => {
        const first = await Daemon.start();
        await assert.rejects(Daemon.start({ sections: { ipc: { socket: first.socket } } }), (error) => {
            assert.match(error.message, new RegExp(`\\b${first.pid}\\b`));
            assert.ok(error.message.includes(first.socket));
            return true;
        });
        const ipc = await Ipc.open(first.socket, APP);
        await ipc.ping();
        ipc.close();
        await first.stop();
    });
    test('a directory that is missing: the message says what to do', async (t) => {
        const dir = join(scratch(t), 'missing', 'deeper');
        await assert.rejects(Daemon.start({ sections: { ipc: { socket: join(dir, 'f.sock') } } }), (error) => {
            assert.ok(error.message.includes(dir), error.message);
            assert.match(error.message, /mkdir|FANFARE_SOCKET|create/i);
            return true;
        });
    });
    test('a file that is no socket in the place of the socket is left alone', async (t) => {
        const path = join(scratch(t), 'precious');
        writeFileSync(path, 'data');
        await assert.rejects(Daemon.start({ sections: { ipc: { socket: path } } }));
        assert.ok(statSync(path).isFile());
    });
    test('a privileged or foreign address says why', async () => {
        await assert.rejects(Daemon.start({ port: await freePort(), sections: { server: { listen: '203.0.113.7:9' } } }), /203\.0\.113\.7:9/);
    });
});

for (const workers of [1, 3]) {
    test(`out of descriptors (workers=${workers}): those connected are served, and new ones again once some are free`, async () => {
        const daemon = await Daemon.start({ workers, descriptors: 64 });
        const clients = [await Client.open(daemon, { app: APP })];
        await clients[0].subscribe('c');
        const ipc = await Ipc.open(daemon.socket, APP);
        await ipc.ping();
        const more = await Promise.all(Array.from({ length: 80 }, () => Client.dial(daemon, { app: APP })));
        for (let i = 0; i < 20; i++) {
            await ipc.publish({ channel: 'c', data: String(i) });
            assert.equal((await clients[0].expect('E')).data, String(i));
        }
        for (const client of more) client.destroy();
        const again = await Client.open(daemon, { app: APP });
        await again.sync();
        again.destroy();
        clients[0].destroy();
        ipc.close();
        await daemon.stop();
    });
}

test('the socket has the mode of the configuration', async () => {
    const daemon = await Daemon.start({ sections: { ipc: { mode: '0600' } } });
    assert.equal(statSync(daemon.socket).mode & 0o777, 0o600);
    await daemon.stop();
});

test('JSON logs are JSON, one object a line', async () => {
    const daemon = await Daemon.start({ sections: { server: { log_format: 'json', log_level: 'debug' }, limits: { max_event_size: '1M', output_hard: '512K' } } });
    const client = await Client.open(daemon, { app: APP });
    client.send('x');
    await client.error(4200);
    client.destroy();
    await daemon.stop();
    const lines = daemon.stderr.trim().split('\n');
    assert.ok(lines.length > 0);
    for (const line of lines) assert.equal(typeof JSON.parse(line), 'object', line);
    assert.match(lines[0], /"level":"warn".*max_event_size/); // what the file gives cause to say comes first, and alike
});

test('a stderr that nobody reads does not stop it', async () => {
    const daemon = await Daemon.start({ sections: { server: { log_level: 'debug' } } });
    daemon.process.child.stderr.pause();
    for (let i = 0; i < 300; i++) {
        const client = await Client.open(daemon, { app: APP });
        client.send('x'.repeat(500));
        await client.error(4200);
        client.destroy();
    }
    const client = await Client.open(daemon, { app: APP });
    await client.sync();
    client.destroy();
    daemon.process.child.stderr.resume();
    await daemon.stop();
});
