// Orders over the Unix socket: stop, restart, reload; who may give them; what the daemon shows with log_messages.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { APP, APP2, Daemon, freePort } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { daemonPath, system } from '../lib/paths.mjs';
import { hmac } from '../lib/sign.mjs';
import { Inbox, deadline, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const root = process.geteuid() === 0;

const rejects = (promise, reason, pattern = /./) =>
    assert.rejects(promise, (error) => {
        assert.equal(error.reason, reason, error.message);
        assert.match(error.text, pattern);
        return true;
    });

async function start(t, options = {}) {
    const daemon = await Daemon.start(options);
    t.after(() => daemon.stop({ check: !daemon.process.status }));
    return daemon;
}

/** A publisher that may come when the daemon is just away. */
const reach = (daemon, app = APP) => until(async () => {
    const ipc = await Ipc.open(daemon.socket, app);
    try {
        await ipc.ping();
        return ipc;
    } catch (error) {
        await ipc.close();
        throw error;
    }
}, 'the daemon to be back');

const readies = (daemon) => daemon.stderr.match(/ready: \d+ worker/g)?.length ?? 0;
const came = (daemon, n) => until(() => readies(daemon) >= n, () => `start number ${n}\n${daemon.stderr}`);

/** Closed with 4200, behind whatever came before. */
async function closed(client) {
    for (;;) {
        const frame = await client.frame('the close frame');
        if (frame.text) continue;
        assert.equal(frame.close, 4200, JSON.stringify(frame));
        return client.destroy();
    }
}

/** Open descriptors that are sockets or files, by what they are. */
const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

for (const workers of [1, 3]) {
    describe(`orders (workers=${workers})`, () => {
        test('a reload answers when it is in use, and says what is wrong', async (t) => {
            const daemon = await start(t, { workers });
            const ipc = await Ipc.open(daemon.socket, APP);
            const file = readFileSync(daemon.config, 'utf8');
            writeFileSync(daemon.config, file.replace('[ipc]', '[limits]\nmax_event_size = 50\n[ipc]'));
            await Promise.all([ipc.control('reload'), ipc.control('reload')]);
            assert.equal((await ipc.stats()).max_event_size, 50);
            await rejects(ipc.publish({ channel: 'a', data: 'x'.repeat(51) }), 'too_large');
            writeFileSync(daemon.config, file.replace('[ipc]', '[limits]\nmax_event_size = many\n[ipc]'));
            await rejects(ipc.control('reload'), 'other', /nothing changed: .*fanfare\.conf:\d+: max_event_size must be a size/);
            const stats = await ipc.stats();
            assert.deepEqual([stats.max_event_size, stats.reloads >= 1, stats.reloads_failed], [50, true, 1]);
            await rejects(ipc.control('explode'), 'other', /stop, restart or reload/);
            await ipc.close();
        });

        test('a restart under load: same process, publishers wait, clients come back', async (t) => {
            const daemon = await start(t, { workers });
            const before = { pid: daemon.pid, descriptors: descriptors(daemon.pid) };
            for (let round = 1; round <= 2; round++) {
                const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(daemon, { app: APP })));
                await Promise.all(clients.map((client) => client.subscribe('load')));
                const order = await Ipc.open(daemon.socket, APP);
                assert.equal((await order.stats()).uptime < 20, true);
                // publishes in flight all the time; what was not answered is sent again, with the same number
                let done = false, taken = 0;
                const publishers = Array.from({ length: 4 }, async () => {
                    let ipc = await reach(daemon);
                    const producer = ipc.producer;
                    for (let seq = 1; !done; seq++) {
                        for (;;) {
                            try {
                                const answer = await ipc.requestAs(seq, 2, ['load'], 'E', null, null, String(seq));
                                assert.equal(answer[0], 66, JSON.stringify(answer));
                                break;
                            } catch (error) {
                                if (!/closed/.test(error.message)) throw error;
                                ipc = await until(() => Ipc.open(daemon.socket, APP, { producer }), 'the daemon to be back');
                            }
                        }
                        taken++;
                    }
                    await ipc.close();
                });
                await until(() => taken > 20, 'some publishes');
                await order.control('restart');
                await Promise.all(clients.map(closed));
                await came(daemon, round + 1);
                const at = taken;
                await until(() => taken > at + 20, 'publishes behind the restart');
                const client = await Client.open(daemon, { app: APP });
                await client.subscribe('load');
                await client.expect('E');
                done = true;
                await Promise.all(publishers);
                await client.close();
                await order.close();
            }
            assert.equal(daemon.process.status, undefined);
            const ipc = await reach(daemon);
            assert.equal((await ipc.stats()).pid, before.pid);
            assert.equal(readFileSync(`${daemon.socket}.lock`, 'utf8').trim(), String(before.pid));
            await ipc.close();
            await until(() => descriptors(daemon.pid) <= before.descriptors, () => `${descriptors(daemon.pid)} descriptors, ${before.descriptors} at first`);
        });

        test('a stop drains and ends with 0', async (t) => {
            const daemon = await start(t, { workers });
            const client = await Client.open(daemon, { app: APP });
            const ipc = await Ipc.open(daemon.socket, APP2);
            await ipc.control('stop');
            await client.closedWith(4200);
            assert.deepEqual(await daemon.process.exit(), { code: 0, signal: null });
            assert.equal(existsSync(daemon.socket), false);
        });
    });
}

describe('a restart', () => {
    test('that would fail is refused before anything is given up', async (t) => {
        const daemon = await start(t);
        const client = await Client.open(daemon, { app: APP });
        const ipc = await Ipc.open(daemon.socket, APP);
        const file = readFileSync(daemon.config, 'utf8');
        writeFileSync(daemon.config, file.replace('[ipc]', '[tls]\nlisten = 127.0.0.1:1\ncertificate = /nowhere.pem\nkey = /nowhere.key\n[ipc]'));
        await rejects(ipc.control('restart'), 'other', /would not start again, and goes on as it is: .*nowhere/);
        // a port that somebody else has; and its own, which is free by then
        const taken = createServer();
        await new Promise((done) => taken.listen(0, '127.0.0.1', done));
        writeFileSync(daemon.config, file.replace('[ipc]', `[admin]\nlisten = 127.0.0.1:${taken.address().port}\n[ipc]`).replace(/\[admin\]\nlisten = 127.0.0.1:\d+\n\n\[app "app1"/, '[app "app1"'));
        await rejects(ipc.control('restart'), 'other', new RegExp(`would not start again, .*127\\.0\\.0\\.1:${taken.address().port}.*in use`));
        taken.close();
        assert.equal((await ipc.stats()).draining, false);
        writeFileSync(daemon.config, file.replace(`listen = 127.0.0.1:${daemon.port}`, `listen = 127.0.0.1:${daemon.port}, 127.0.0.2:${daemon.port}`));
        await client.sync();
        await client.close();
        await ipc.control('restart');
        await came(daemon, 2);
        await ipc.close();
    });

    test('runs the program that lies there by then, also behind another link', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'ffb-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        const program = join(dir, 'current');
        // a copy, as it is replaced by a package
        copyFileSync(daemonPath, join(dir, 'first'));
        copyFileSync(daemonPath, join(dir, 'second'));
        symlinkSync('first', program);
        const daemon = await start(t, { binary: program });
        assert.equal(readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8').split('\0')[0], program);
        let ipc = await Ipc.open(daemon.socket, APP);
        symlinkSync('second', join(dir, 'next'));
        renameSync(join(dir, 'next'), program);
        unlinkSync(join(dir, 'first'));
        await ipc.control('restart');
        await came(daemon, 2);
        ipc = await reach(daemon);
        const exe = () => spawnSync('readlink', [`/proc/${daemon.pid}/exe`], { encoding: 'utf8' }).stdout.trim();
        assert.equal(exe(), join(dir, 'second'));
        // what is no program is found out first
        writeFileSync(join(dir, 'broken'), '#!/bin/sh\necho "a library is missing" >&2\nexit 127\n');
        chmodSync(join(dir, 'broken'), 0o755);
        renameSync(join(dir, 'broken'), join(dir, 'second'));
        await rejects(ipc.control('restart'), 'other', /a library is missing/);
        unlinkSync(program);
        await rejects(ipc.control('restart'), 'other', /cannot run .*current: No such file/);
        await ipc.close();
    });

    test('becomes the end when it is told to end', async (t) => {
        const daemon = await start(t, { sections: { server: { drain_delay: 1 } } });
        const ipc = await Ipc.open(daemon.socket, APP);
        await ipc.control('restart');
        assert.equal((await ipc.stats()).state, 'draining');
        await ipc.control('restart'); // it is on its way
        daemon.process.kill('SIGTERM');
        await until(() => /will not start anew/.test(daemon.stderr), () => daemon.stderr);
        await rejects(ipc.control('restart'), 'draining', /shutting down/);
        await rejects(ipc.control('reload'), 'draining', /shutting down/);
        await ipc.control('stop');
        assert.deepEqual(await daemon.process.exit(), { code: 0, signal: null });
        assert.equal(readies(daemon), 1);
    });

    test('takes the signals that come in between', async (t) => {
        const daemon = await start(t);
        let ipc = await Ipc.open(daemon.socket, APP);
        await ipc.control('restart');
        await ipc.ended;
        // the process may be the old program, the new one, or on its way: neither of them is ended by this
        process.kill(daemon.pid, 'SIGHUP');
        await came(daemon, 2);
        ipc = await reach(daemon);
        assert.equal((await ipc.stats()).pid, daemon.pid);
        await ipc.close();
    });

    test('as the first process of a container', { skip: !root && 'needs root for a PID namespace' }, async (t) => {
        // unshare forks, and ends as the first process of the namespace ends
        const daemon = await start(t, { prefix: ['unshare', '--pid', '--fork', '--kill-child', '--'] });
        const inside = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').trim();
        let ipc = await Ipc.open(daemon.socket, APP);
        assert.equal((await ipc.stats()).pid, 1);
        await ipc.control('restart');
        await ipc.ended;
        await came(daemon, 2);
        ipc = await reach(daemon);
        assert.equal((await ipc.stats()).pid, 1);
        assert.equal(readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').trim(), inside);
        process.kill(Number(inside), 'SIGTERM');
        assert.deepEqual(await daemon.process.exit(), { code: 0, signal: null });
    });

    test('passes on a socket that was passed: who connects meanwhile waits', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'ffa-'));
        const socket = join(dir, 'f.sock'), port = await freePort(), config = join(dir, 'fanfare.conf');
        writeFileSync(config, `[server]\nlisten = 127.0.0.1:${port}\nworkers = 1\n[ipc]\nsocket = ${socket}\n[admin]\nlisten =\n[app "app1"]\nkey = ${APP.key}\nsecret = ${APP.secret}\n`);
        const holder = spawn('php', [join(system, 'php', 'holder.php'), socket, 'ipc', daemonPath, '--config', config], { stdio: ['pipe', 'pipe', 'pipe'] });
        const lines = new Inbox();
        let log = '';
        holder.stderr.on('data', (chunk) => (log += chunk));
        createInterface({ input: holder.stdout }).on('line', (line) => lines.push(line));
        const exited = new Promise((done) => holder.once('exit', done));
        t.after(async () => {
            holder.stdin.end();
            await deadline(exited, 'the holder to end');
            rmSync(dir, { recursive: true, force: true });
        });
        await until(() => existsSync(socket), 'the socket');
        holder.stdin.write('\n');
        const pid = Number((await lines.take('a pid')).replace('pid ', ''));
        for (let round = 1; round <= 3; round++) {
            const ipc = await Ipc.open(socket, APP);
            assert.equal((await ipc.stats()).pid, pid, log);
            assert.equal((log.match(/a socket that was passed/g) ?? []).length, round);
            if (round === 3) {
                await ipc.control('stop');
                break;
            }
            await ipc.control('restart');
            await ipc.ended;
            const waits = await Ipc.open(socket, APP); // never refused
            assert.equal((await waits.stats()).uptime, 0);
            await waits.close();
        }
        assert.equal(await lines.take(`the end\n${log}`), 'ended 0');
    });
});

describe('who may give orders', { skip: !root && 'needs root for another user' }, () => {
    /** Asks as another user, in a process of its own. */
    function as(uid, daemon, action) {
        const code = `
            import { openSync } from 'node:fs';
            import { Ipc, CONTROL } from ${JSON.stringify(join(system, 'lib', 'ipc.mjs'))};
            // by its descriptor: the folders above are closed to others
            const dir = openSync(${JSON.stringify(daemon.dir)}, 'r');
            process.setgid(65534); process.setuid(${uid});
            const ipc = await Ipc.open('/proc/self/fd/' + dir + '/f.sock', ${JSON.stringify(APP)});
            const answer = await ipc.request(CONTROL, ${JSON.stringify(action)});
            await ipc.ping(); // the connection stays open
            console.log(JSON.stringify(answer));
            process.exit(0);`;
        const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', cwd: '/' });
        assert.equal(child.status, 0, child.stderr);
        return JSON.parse(child.stdout);
    }

    test('not any user, unless the application is trusted with it', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'ffu-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        chmodSync(dir, 0o755);
        const daemon = await start(t, { dir, sections: { ipc: { mode: '0666' } } });
        for (const action of ['stop', 'restart', 'reload']) {
            const [type, , reason, text] = as(4711, daemon, action);
            assert.deepEqual([type, reason], [64, 'forbidden']);
            assert.match(text, new RegExp(`${action} is for root and for the daemon's own user \\(uid 0\\), not for uid 4711; .*control = yes in \\[app "app1"\\]`));
        }
        await until(() => /warn ipc: refused to stop for application app1 \(pid \d+, uid 4711\)/.test(daemon.stderr), () => daemon.stderr);
        await daemon.reload({ 'app "app1"': { control: 'yes' } });
        assert.equal(as(4711, daemon, 'reload')[0], 80);
        const other = await Ipc.open(daemon.socket, APP2);
        assert.equal((await other.stats()).control, false);
        await other.close();
        assert.equal(as(4711, daemon, 'stop')[0], 80);
        assert.deepEqual(await daemon.process.exit(), { code: 0, signal: null });
    });
});

describe('log_messages', () => {
    test('shows connections, subscriptions and messages, a line each, and no signature', async (t) => {
        const daemon = await start(t, { sections: { server: { log_messages: 'yes' }, 'app "app1"': { client_events: 'all' } } });
        const ipc = await Ipc.open(daemon.socket, APP);
        const lines = () => daemon.stderr.split('\n').map((line) => line.replace(/^\S+ /, ''));
        const shown = (pattern) => until(() => lines().some((line) => pattern.test(line)), () => `${pattern}\n${daemon.stderr}`);
        const client = await Client.open(daemon, { app: APP, headers: { Origin: 'http://x.test' } });
        const id = client.socketId.replace('.', '\\.');
        const user_data = JSON.stringify({ id: 'u' });
        client.send({ event: 'pusher:signin', data: { auth: `${APP.key}:${hmac(APP.secret, `${client.socketId}::user::${user_data}`)}`, user_data } });
        await client.expect('pusher:signin_success');
        await client.subscribe('presence-p', { data: { user_id: '7' } });
        await client.subscribe('private-p');
        client.send({ event: 'client-typing', channel: 'private-p', data: { a: '\u001b[31m\n' } });
        client.send({ event: 'nonsense', channel: 'private-p', data: {} });
        await ipc.publish({ channel: 'private-p', event: 'Shipped', data: 'é'.repeat(300) });
        await client.expect('Shipped');
        await ipc.publish({ channels: ['nobody', 'else'], event: 'Lost', data: 'one\ntwo' });
        await shown(new RegExp(`^info connection: ${id} opened by 127\\.0\\.0\\.1, origin http://x\\.test, application app1$`));
        await shown(new RegExp(`^info message: to ${id}: \\{"event":"pusher:connection_established",`));
        await shown(new RegExp(`^info message: ${id} signs in$`));
        await shown(new RegExp(`^info message: ${id} subscribes to presence-p$`));
        await shown(new RegExp(`^info message: to ${id}: \\{"event":"pusher_internal:subscription_succeeded",.*presence-p`));
        await shown(new RegExp(`^info message: ${id} sends client-typing to private-p: \\{"a":"\\\\u001b\\[31m\\\\n"\\}$`));
        await shown(new RegExp(`^info message: ${id} sends nonsense, which is ignored`));
        await shown(/^info message: application app1 publishes Shipped to private-p: é{200}\.\.\.$/);
        await shown(/^info message: to private-p \(1\): \{"event":"Shipped","data":"é+\.\.\.$/);
        await shown(/^info message: application app1 publishes Lost to nobody and 1 more: one\\x0atwo$/);
        await shown(/^info message: nobody here is subscribed to nobody and 1 more$/);
        await ipc.disconnect(client.socketId);
        await shown(new RegExp(`^info connection: ${id} is closed with 4009: Terminated`));
        await shown(new RegExp(`^info connection: ${id} closed after \\d+ s$`));
        assert.doesNotMatch(daemon.stderr, /[0-9a-f]{64}|secret-of-app1/, 'a signature, or the secret');
        assert.ok(daemon.stderr.split('\n').every((line) => line === '' || /^20\S+Z (info|warn) /.test(line)), 'a line that a peer has made');
        await daemon.reload({ server: { log_messages: 'no' } });
        const length = daemon.stderr.length;
        const quiet = await Client.open(daemon, { app: APP });
        await quiet.subscribe('private-p');
        await quiet.close();
        assert.doesNotMatch(daemon.stderr.slice(length), /info (message|connection):/);
        await ipc.close();
    });

    test('by the environment, for who starts it by hand', async (t) => {
        const daemon = await start(t, { env: { FANFARE_SERVER_LOG_MESSAGES: 'yes' } });
        const ipc = await Ipc.open(daemon.socket, APP);
        assert.equal((await ipc.stats()).log_messages, true);
        await ipc.close();
    });
});
