// A relay, [server] listen = none: PHP publishes there, and no client connects.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, connectable, Daemon, runDaemon } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { until } from '../lib/wait.mjs';

const relay = (options = {}) => Daemon.start({ workers: 'auto', ...options, sections: { server: { listen: 'none' }, tls: null, ...options.sections } });

/** What --check-config says of these variables. */
const check = (env) => runDaemon(['--check-config'], { env: { FANFARE_APP_ID: 'a', FANFARE_APP_KEY: 'k', FANFARE_APP_SECRET: 'long-enough', ...env } });

describe('a relay', () => {
    test('takes what PHP publishes, has one worker, and no port for clients', async (t) => {
        const daemon = await relay();
        t.after(() => daemon.stop());
        const ipc = await Ipc.open(daemon.socket, APP);
        t.after(() => ipc.close());
        assert.equal((await ipc.publish({ channel: 'orders' })).recipients, 0);
        assert.equal(await connectable(daemon.port), false);
        assert.match(daemon.stderr, /info server: a relay: no clients connect here/);
        assert.match(daemon.stderr, /info server: ready: 1 worker,/);
        assert.doesNotMatch(daemon.stderr, /listening on/);
        const ready = await daemon.http('/health/ready', { port: daemon.adminPort });
        assert.deepEqual([ready.status, ready.text], [200, '{"status":"ready"}']);
        assert.equal((await daemon.metrics()).get('workers'), 1);
    });
    test('says what it lacks without Redis', async (t) => {
        const daemon = await relay();
        t.after(() => daemon.stop());
        assert.match(daemon.stderr, /warn config: .*:\d+: \[server\] listen = none, and no Redis: .*url = redis:\/\/HOST:6379/);
        const alone = await check({ FANFARE_SERVER_LISTEN: 'none' });
        assert.equal(alone.code, 0);
        assert.match(alone.stderr, /^warning: .*FANFARE_REDIS_URL\n$/);
        const joined = await check({ FANFARE_SERVER_LISTEN: 'none', FANFARE_REDIS_URL: 'redis://127.0.0.1' });
        assert.deepEqual([joined.code, joined.stderr], [0, '']);
    });
    test('has no address beside none, and no TLS', async () => {
        const mixed = await check({ FANFARE_SERVER_LISTEN: 'none, :1' });
        assert.equal(mixed.code, 1);
        assert.match(mixed.stderr, /error: \[server\] listen = none stands alone/);
        const tls = await check({ FANFARE_SERVER_LISTEN: 'none', FANFARE_TLS_LISTEN: ':1', FANFARE_TLS_CERTIFICATE: '/c', FANFARE_TLS_KEY: '/k' });
        assert.equal(tls.code, 1);
        assert.match(tls.stderr, /error: \[tls\] listen must be empty/);
    });
    test('is named by a reload that cannot make it one', async (t) => {
        const daemon = await Daemon.start();
        t.after(() => daemon.stop());
        const lines = await daemon.reload({ server: { listen: 'none' }, tls: null, redis: { url: 'redis://127.0.0.1' } });
        assert.match(lines, /warn config: \[server\] listen changes only with a restart/);
        assert.match(lines, /warn config: \[redis\] is added only with a restart; this node still stands alone/);
        assert.match(lines, /reloaded: nothing has changed\n/);
        assert.equal(await connectable(daemon.port), true);
    });
    test('ends at once, and answers until then', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'ffr-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        const daemon = await relay({ dir, sections: { server: { listen: 'none', drain_delay: 3, drain_period: 3600 } } });
        t.after(() => daemon.stop({ check: false }));
        const ipc = await Ipc.open(daemon.socket, APP);
        daemon.process.kill('SIGTERM');
        await until(async () => (await daemon.http('/health/ready', { port: daemon.adminPort })).status === 503, 'it to be draining');
        assert.equal((await ipc.publish({ channel: 'orders' })).recipients, 0);
        // Its drain_period is for clients.
        assert.deepEqual(await daemon.process.exit(10_000), { code: 0, signal: null });
        assert.match(daemon.stderr, /telling 0 clients to reconnect, over 0 ms/);
    });
});
