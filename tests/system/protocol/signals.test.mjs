// Signals that mean nothing to the daemon do no harm, from its first moment on.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, Daemon, Process } from '../lib/daemon.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const IDLE = ['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGPROF'];

describe('signals', () => {
    for (const workers of [1, 3]) {
        test(`${IDLE.join(', ')} are ignored, with a line (workers=${workers})`, async (t) => {
            const daemon = await Daemon.start({ workers });
            t.after(() => daemon.stop());
            const client = await Client.open(daemon, { app: APP });
            for (const signal of IDLE) {
                daemon.process.kill(signal);
                await until(() => daemon.stderr.includes(`info server: ${signal} is ignored\n`), signal);
            }
            await client.sync();
            for (let i = 0; i < 200; i++) daemon.process.kill('SIGUSR1');
            await client.sync();
            assert.ok(daemon.stderr.split('is ignored').length < 20, 'no more than a few lines');
            client.destroy();
        });
    }
    test('they do not end a process that reads its configuration', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'ffs-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        assert.equal(spawnSync('mkfifo', [join(dir, 'fifo')]).status, 0);
        const starting = new Process(daemonPath, ['--config', join(dir, 'fifo')]);
        // It waits for the pipe: the kernel shows what it blocks.
        await until(() => blocked(starting.pid).has(10), 'it to block SIGUSR1');
        for (const signal of IDLE) starting.kill(signal);
        const status = await starting.exit();
        assert.deepEqual([status.code, status.signal], [1, null]);
        assert.match(starting.stderr, /nobody wrote to/);
    });
    test('a limit on the size of files costs log lines only', async (t) => {
        const daemon = await Daemon.start({ prefix: ['bash', '-c', 'ulimit -f 1; exec "$0" "$@" 2>>"$2.log"'] });
        t.after(() => daemon.stop());
        const client = await Client.open(daemon, { app: APP });
        // Signals that come while it reloads are one, so that nobody can say how many lines some of them make.
        await until(async () => {
            daemon.process.kill('SIGHUP');
            await client.sync();
            return (await daemon.metrics()).get('log_lines_dropped_total') > 0;
        }, 'lines to be dropped');
        await client.sync();
        client.destroy();
    });
});

/** The numbers of the signals that this process blocks. */
function blocked(pid) {
    const mask = BigInt(`0x${/SigBlk:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]}`);
    return new Set(Array.from({ length: 64 }, (_, i) => i + 1).filter((n) => (mask >> BigInt(n - 1)) & 1n));
}
