// Sockets that are passed at the start, as systemd does it: who connects while no daemon runs waits for the next one.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { APP, Daemon, freePort, runDaemon } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { daemonPath, system } from '../lib/paths.mjs';
import { Inbox, deadline, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

/** Holds the socket and starts the daemon with it. */
class Holder {
    static async start(t, { names = 'ipc', workers = 1, configured, publicly = false } = {}) {
        const holder = new Holder();
        holder.dir = mkdtempSync(join(tmpdir(), 'ffa-'));
        holder.socket = join(holder.dir, 'f.sock');
        holder.port = await freePort();
        if (publicly) names = `ipc:public=${holder.port}`;
        holder.config = join(holder.dir, 'fanfare.conf');
        writeFileSync(
            holder.config,
            `[server]\nlisten = 127.0.0.1:${holder.port}\nworkers = ${workers}\n[ipc]\nsocket = ${configured ?? holder.socket}\n[admin]\nlisten =\n[app "app1"]\nkey = ${APP.key}\nsecret = ${APP.secret}\n`,
            { mode: 0o600 },
        );
        holder.process = spawn('php', [join(system, 'php', 'holder.php'), holder.socket, names, daemonPath, '--config', holder.config], {
            stdio: ['pipe', 'pipe', 'pipe'],
        });
        holder.stderr = '';
        holder.process.stderr.on('data', (chunk) => (holder.stderr += chunk));
        holder.lines = new Inbox();
        createInterface({ input: holder.process.stdout }).on('line', (line) => holder.lines.push(line));
        const exited = new Promise((done) => holder.process.once('exit', done));
        t.after(async () => {
            if (holder.pid) process.kill(holder.pid, 'SIGKILL');
            holder.process.stdin.end();
            await deadline(exited, 'the holder to end');
            rmSync(holder.dir, { recursive: true, force: true });
        });
        await until(() => existsSync(holder.socket), 'the socket');
        return holder;
    }

    async launch({ ready = true } = {}) {
        const before = this.stderr.length;
        this.process.stdin.write('\n');
        this.pid = Number((await this.lines.take('a pid')).replace('pid ', ''));
        if (ready) await until(() => /ready: \d+ worker/.test(this.stderr.slice(before)), () => `the daemon\n${this.stderr}`);
    }

    async end() {
        const line = await this.lines.take(`the end\n${this.stderr}`);
        this.pid = undefined;
        return line;
    }

    async stop() {
        process.kill(this.pid, 'SIGTERM');
        assert.equal(await this.end(), 'ended 0', this.stderr);
    }
}

for (const workers of [1, 3]) {
    describe(`a socket that is passed (workers=${workers})`, () => {
        test('who connects before the daemon runs, or between two of them, waits and is served', async (t) => {
            const holder = await Holder.start(t, { workers });
            const inode = statSync(holder.socket).ino;
            const early = await Ipc.open(holder.socket, APP);
            const first = early.publish({ channel: 'c', event: 'E', data: '1' });
            await holder.launch();
            await first;
            assert.match(holder.stderr, /publishers connect to \S+f\.sock, a socket that was passed/);
            assert.match(holder.stderr, /ready: /);
            assert.doesNotMatch(holder.stderr, /warn/);
            for (let round = 0; round < 3; round++) {
                await holder.stop();
                await early.ended;
                assert.equal(statSync(holder.socket).ino, inode, 'the socket stays');
                const waiting = await Promise.all(Array.from({ length: 10 }, () => Ipc.open(holder.socket, APP)));
                const answers = waiting.map((ipc) => ipc.publish({ channel: 'c', event: 'E', data: '1' }));
                await holder.launch();
                await Promise.all(answers);
                for (const ipc of waiting) ipc.close();
            }
            const client = await Client.open({ port: holder.port }, { app: APP });
            client.destroy();
            await holder.stop();
            assert.equal(statSync(holder.socket).ino, inode);
        });
        test('publishers that come without end meet no refusal at a restart', async (t) => {
            const holder = await Holder.start(t, { workers });
            await holder.launch();
            let over = false, refused = 0, served = 0;
            const publishers = Array.from({ length: 4 }, async () => {
                while (!over) {
                    // A connection that was made may end with the old daemon; none is refused.
                    const ipc = await Ipc.open(holder.socket, APP).catch(() => refused++ && null);
                    if (!ipc) continue;
                    await ipc.publish({ channel: 'c', event: 'E', data: '1' }).then(() => served++, () => {});
                    ipc.close();
                }
            });
            for (let round = 0; round < 3; round++) {
                const before = served;
                await until(() => served > before + 20, 'publishes');
                await holder.stop();
                await holder.launch();
            }
            over = true;
            await Promise.all(publishers);
            assert.equal(refused, 0);
            await holder.stop();
        });
    });
}

for (const workers of [1, 3]) {
    describe(`a socket for clients that is passed (workers=${workers})`, () => {
        test('clients that connect between two daemons wait and are served, by all workers', async (t) => {
            const holder = await Holder.start(t, { workers, publicly: true });
            const first = Client.open({ port: holder.port }, { app: APP });
            await holder.launch();
            await first;
            assert.match(holder.stderr, /listening on 127\.0\.0\.1:\d+, a socket that was passed/);
            assert.doesNotMatch(holder.stderr, /warn/);
            for (let round = 0; round < 2; round++) {
                await holder.stop();
                // They send their handshake as soon as the kernel has connected them, to nobody yet.
                const waiting = Array.from({ length: 50 }, () => Client.open({ port: holder.port }, { app: APP }));
                await holder.launch();
                const clients = await Promise.all(waiting);
                const ipc = await Ipc.open(holder.socket, APP);
                for (const client of clients) await client.subscribe('c');
                await ipc.publish({ channel: 'c', event: 'E', data: '"x"' });
                for (const client of clients) await client.next('E');
                ipc.close();
                for (const client of clients) client.destroy();
            }
            await holder.stop();
        });
        test('clients that come without end meet no refusal at restarts, nor at one in place', async (t) => {
            const holder = await Holder.start(t, { workers, publicly: true });
            await holder.launch();
            let over = false, served = 0;
            const refused = [];
            const comers = Array.from({ length: 4 }, async () => {
                while (!over) {
                    const socket = connect(holder.port, '127.0.0.1');
                    const why = await new Promise((done) => socket.once('connect', () => done(null)).once('error', done));
                    if (why) refused.push(why);
                    else served++;
                    socket.on('error', () => {});
                    socket.destroy();
                }
            });
            for (let round = 0; round < 4; round++) {
                const before = served;
                await until(() => served > before + 20, 'connections');
                if (round % 2) {
                    const ready = holder.stderr.length;
                    const ipc = await Ipc.open(holder.socket, APP);
                    await ipc.control('restart');
                    await until(() => /ready: \d+ worker/.test(holder.stderr.slice(ready)), () => `the daemon anew\n${holder.stderr}`);
                    assert.match(holder.stderr.slice(ready), /listening on \S+, a socket that was passed/);
                    assert.match(holder.stderr.slice(ready), /publishers connect to \S+, a socket that was passed/);
                } else {
                    await holder.stop();
                    await holder.launch();
                }
            }
            over = true;
            await Promise.all(comers);
            assert.deepEqual(refused, []);
            await holder.stop();
        });
    });
}

describe('a socket that is passed', () => {
    test('is known by its path, too, and what else is passed is named and not used', async (t) => {
        const holder = await Holder.start(t, { names: 'fanfared.socket:http:ipc' });
        await holder.launch();
        assert.match(holder.stderr, /descriptor 4 \(http, 127\.0\.0\.1:\d+\) is not used, .* make ListenStream= in the socket unit the same/);
        assert.match(holder.stderr, /descriptor 5 \(ipc, 127\.0\.0\.1:\d+\) is not used/);
        const ipc = await Ipc.open(holder.socket, APP);
        await ipc.ping();
        ipc.close();
        await holder.stop();
    });
    test('with another path than the configured one is used, and named', async (t) => {
        const holder = await Holder.start(t, { configured: '/nowhere/else.sock' });
        await holder.launch();
        assert.match(holder.stderr, /the socket that was passed is \S+f\.sock, and \[ipc\] socket is \/nowhere\/else\.sock/);
        assert.match(holder.stderr, /publishers connect to \S+f\.sock/);
        const ipc = await Ipc.open(holder.socket, APP);
        await ipc.ping();
        ipc.close();
        await holder.stop();
    });
    test('is guarded: a second daemon on the path is refused, and a passed one is when the path has a daemon', async (t) => {
        const holder = await Holder.start(t);
        await holder.launch();
        const config = join(holder.dir, 'second.conf');
        writeFileSync(config, `[server]\nlisten = 127.0.0.1:${await freePort()}\n[ipc]\nsocket = ${holder.socket}\n[admin]\nlisten =\n[app "app1"]\nkey = k\nsecret = long-enough\n`, { mode: 0o600 });
        const second = await runDaemon(['--config', config]);
        assert.equal(second.code, 1);
        assert.match(second.stderr, /is in use by another fanfared \(pid \d+\)/);
        const ipc = await Ipc.open(holder.socket, APP);
        await ipc.ping();
        ipc.close();
        await holder.stop();
        const other = await Daemon.start({ sections: { ipc: { socket: holder.socket } } });
        await holder.launch({ ready: false });
        assert.equal(await holder.end(), 'ended 1');
        assert.match(holder.stderr, new RegExp(`is in use by another fanfared \\(pid ${other.pid}\\)`));
        await other.stop();
    });
    test('variables of another process are not looked at', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'ffa-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        const env = { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'ipc', FANFARE_SOCKET: '/nowhere/at/all.sock' };
        const result = await runDaemon([], { env });
        assert.equal(result.code, 1);
        assert.match(result.stderr, /cannot create \/nowhere\/at\/all\.sock\.lock/);
    });
    test('nonsense in the variables is no socket', async () => {
        for (const [fds, text] of [['many', /LISTEN_FDS must be a number from 0 to 64/], ['9', /descriptor 11 \(without a name, not a stream socket that listens\) is not used/]]) {
            const child = spawn('sh', ['-c', `export LISTEN_PID=$$ LISTEN_FDS=${fds}; exec "$0" 3>/dev/null`, daemonPath], { env: { ...process.env, FANFARE_SOCKET: '/nowhere/at/all.sock' } });
            let stderr = '';
            child.stderr.on('data', (chunk) => (stderr += chunk));
            const code = await deadline(new Promise((done) => child.once('close', done)), 'the daemon to end');
            assert.equal(code, 1);
            assert.match(stderr, text);
        }
    });
});
