// A configuration that is a pipe: read to its end, waited for a bounded time, and never on a loop.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, Daemon, Process, runDaemon } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const scratch = (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'ffp-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
};
const fifoIn = (dir) => {
    const fifo = join(dir, 'fifo');
    assert.equal(spawnSync('mkfifo', ['-m', '600', fifo]).status, 0);
    return fifo;
};
/** Opening waits for the daemon to open it, as a shell's `> FIFO` does. */
const write = async (fifo, text) => {
    const stream = createWriteStream(fifo);
    stream.end(text);
    await once(stream, 'close');
};
const nobody = /cannot read the configuration file \S+: it is a pipe that nobody wrote to for 5 seconds\n/;

describe('a configuration that is a pipe', () => {
    for (const args of [[], ['--check-config']]) {
        test(`that nobody writes to ends ${args[0] ?? 'the start'} with a reason`, async (t) => {
            const result = await runDaemon([...args, '--config', fifoIn(scratch(t))]);
            assert.equal(result.code, 1);
            assert.match(result.stderr, nobody);
        });
    }
    test('<(...) of a shell is checked and started with', async (t) => {
        const daemon = await Daemon.start({ prefix: ['bash', '-c', 'exec "$0" --config <(cat "$2")'] });
        t.after(() => daemon.stop());
        const client = await Client.open(daemon, { app: APP });
        client.destroy();
        const slow = spawnSync('bash', ['-c', `exec "$0" --check-config --config <(sleep 0.3; head -c 20 "$1"; sleep 0.3; tail -c +21 "$1")`, daemonPath, daemon.config], { encoding: 'utf8' });
        assert.equal(slow.status, 0, slow.stderr);
        assert.match(slow.stdout, /: ok \(2 apps/);
    });
    for (const workers of [1, 3]) {
        test(`a reload waits for its writer and holds nobody up meanwhile (workers=${workers})`, async (t) => {
            const daemon = await Daemon.start({ workers });
            t.after(() => daemon.stop({ check: false }));
            const text = readFileSync(daemon.config, 'utf8');
            rmSync(daemon.config);
            assert.equal(spawnSync('mkfifo', ['-m', '600', daemon.config]).status, 0);
            const client = await Client.open(daemon, { app: APP });
            const ipc = await Ipc.open(daemon.socket, APP);
            await client.subscribe('c');
            const logged = (what, n = 1) => until(() => daemon.stderr.split(what).length > n, () => `${what}\n${daemon.stderr}`);
            daemon.process.kill('SIGHUP');
            await logged('SIGHUP: reading');
            // Until it gives up, publishes go on, each at once.
            let published = 0, slowest = 0;
            while (!daemon.stderr.includes('reload failed, nothing changed')) {
                const started = Date.now();
                await ipc.publish({ channel: 'c', event: 'E', data: `${published}` });
                assert.equal((await client.expect('E')).data, `${published++}`);
                slowest = Math.max(slowest, Date.now() - started);
                await new Promise((done) => setTimeout(done, 20));
            }
            assert.match(daemon.stderr, nobody);
            assert.ok(published > 20 && slowest < 2500, `${published} publishes, the slowest took ${slowest} ms`);
            // Two at once: the second comes after the first, with what is written then.
            daemon.process.kill('SIGHUP');
            await logged('SIGHUP: reading', 2);
            daemon.process.kill('SIGHUP');
            await write(daemon.config, text.replace(APP.secret, 'another-secret'));
            await logged('reloaded: application app1 changed: secret');
            await write(daemon.config, text);
            await logged('reloaded: application app1 changed: secret', 2);
            // One that still waits does not keep the process from ending.
            daemon.process.kill('SIGHUP');
            await logged('SIGHUP: reading', 4);
            const started = Date.now();
            daemon.process.kill('SIGTERM');
            client.destroy();
            ipc.close();
            const status = await daemon.process.exit();
            assert.equal(status.code, 0);
            assert.ok(Date.now() - started < 4000, `${Date.now() - started} ms`);
            daemon.stopped = true;
            await daemon.stop();
        });
    }
});

describe('a pipe at start', () => {
    test('a FIFO may get its writer a moment later', async (t) => {
        const fifo = fifoIn(scratch(t));
        const checked = new Process(daemonPath, ['--check-config', '--config', fifo]);
        await write(fifo, `[app "a"]\nkey = k\nsecret = long-enough\n`);
        assert.deepEqual(await checked.exit(), { code: 0, signal: null });
    });
});
