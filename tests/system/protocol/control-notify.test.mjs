// What systemd is told: readiness, reloads, restarts, the end, and that the hub lives.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { Inbox, deadline, until } from '../lib/wait.mjs';

/** A service manager's socket; what comes there, in order, but for the watchdog's. */
async function manager(t) {
    const dir = mkdtempSync(join(tmpdir(), 'ffn-'));
    const path = join(dir, 'notify');
    const code = '$s = stream_socket_server("udg://$argv[1]", $e, $t, STREAM_SERVER_BIND); for (;;) { echo json_encode(stream_socket_recvfrom($s, 4096)), "\\n"; }';
    const child = spawn('php', ['-r', code, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = new Promise((done) => child.once('exit', done));
    const inbox = new Inbox(), alive = new Inbox();
    createInterface({ input: child.stdout }).on('line', (line) => (/WATCHDOG/.test(line) ? alive : inbox).push(JSON.parse(line)));
    t.after(async () => {
        child.kill('SIGKILL');
        await deadline(exited, 'the socket\'s owner to end');
        rmSync(dir, { recursive: true, force: true });
    });
    await until(() => existsSync(path), 'the socket');
    return { path, alive, next: () => inbox.take('a notification'), waiting: () => inbox.waiting };
}

test('a service manager hears of everything', async (t) => {
    const systemd = await manager(t);
    const daemon = await Daemon.start({ env: { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '10000000' } });
    t.after(() => daemon.stop({ check: !daemon.process.status }));
    assert.equal(await systemd.next(), 'READY=1');
    assert.equal(await systemd.alive.take('a sign of life'), 'WATCHDOG=1');

    await daemon.reload();
    const [word, clock] = (await systemd.next()).split('\n');
    assert.equal(word, 'RELOADING=1');
    assert.match(clock, /^MONOTONIC_USEC=\d+$/);
    assert.equal(await systemd.next(), 'READY=1');
    const file = readFileSync(daemon.config, 'utf8');
    await daemon.reload('nonsense', { fails: true });
    assert.match(await systemd.next(), /^RELOADING=1\n/);
    assert.equal(await systemd.next(), 'READY=1');

    const ipc = await Ipc.open(daemon.socket, APP);
    await assert.rejects(ipc.control('restart')); // refused: nobody hears of it
    writeFileSync(daemon.config, file);
    await ipc.control('restart');
    assert.match(await systemd.next(), /^RELOADING=1\n/);
    assert.equal(await systemd.next(), 'READY=1');
    await systemd.alive.take('a sign of life behind the restart');

    process.kill(daemon.pid, 'SIGTERM');
    assert.equal(await systemd.next(), 'STOPPING=1');
    assert.deepEqual(await daemon.process.exit(), { code: 0, signal: null });
    assert.deepEqual(systemd.waiting(), []);
});

test('one that is away, or none that can be, delays nobody', async (t) => {
    for (const NOTIFY_SOCKET of ['/nowhere/notify', '@', 'relative', '', `/${'x'.repeat(200)}`]) {
        const daemon = await Daemon.start({ env: { NOTIFY_SOCKET, WATCHDOG_USEC: '1', WATCHDOG_PID: '1' } });
        await daemon.reload();
        await daemon.stop();
    }
});
