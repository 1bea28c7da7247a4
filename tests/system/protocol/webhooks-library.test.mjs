// libcurl is in the process only when an application has webhooks, and a configuration that needs it and cannot have it is refused.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon, runDaemon } from '../lib/daemon.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { unique } from '../lib/suite.mjs';
import { Client } from '../lib/ws.mjs';

const mapped = (daemon) => /\/libcurl\.so/.test(readFileSync(`/proc/${daemon.pid}/maps`, 'utf8'));
const REFUSED = /webhook_url of application "app2" needs libcurl, which cannot be loaded: install the package libcurl4 .*: .*libcurl\.so\.4/;

/** The environment of a machine whose libcurl is none. */
function without(t) {
    const dir = mkdtempSync(join(tmpdir(), 'ff-lib-'));
    t.after(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, 'libcurl.so.4'), 'not a library'.repeat(100));
    return { LD_LIBRARY_PATH: dir };
}

for (const workers of [1, 3]) {
    describe(`the library of webhooks (workers=${workers})`, () => {
        test('is loaded by the reload that brings the first webhook_url, which then works', async (t) => {
            const receiver = await Receiver.start();
            const daemon = await Daemon.start({ workers });
            t.after(async () => {
                await daemon.stop();
                await receiver.stop();
            });
            assert.equal(mapped(daemon), false);
            await daemon.reload({ 'app "app1"': { webhook_url: receiver.url, webhook_events: 'channel_occupied' } });
            assert.equal(mapped(daemon), true);
            const client = await Client.open(daemon);
            const channel = unique();
            await client.subscribe(channel);
            assert.deepEqual(await receiver.next(), { name: 'channel_occupied', channel });
            client.destroy();
        });

        test('is loaded at start when there is a webhook_url', async (t) => {
            const daemon = await Daemon.start({ workers, sections: { 'app "app2"': { webhook_url: 'http://127.0.0.1:1/' } } });
            t.after(() => daemon.stop());
            assert.equal(mapped(daemon), true);
        });

        test('cannot be loaded: no start, --check-config fails, a reload changes nothing', async (t) => {
            const env = without(t);
            const daemon = await Daemon.start({ workers, env });
            t.after(() => daemon.stop());
            const lines = await daemon.reload({ 'app "app2"': { webhook_url: 'http://127.0.0.1:1/' } }, { fails: true });
            assert.match(lines, REFUSED);
            assert.match(lines, /reload failed, nothing changed/);
            const checked = await runDaemon(['--check-config', '--config', daemon.config], { env });
            assert.equal(checked.code, 1);
            assert.match(checked.stderr, REFUSED);
            const started = await runDaemon(['--config', daemon.config], { env });
            assert.equal(started.code, 1);
            assert.match(started.stderr, REFUSED);
            assert.equal((await runDaemon(['--check-config', '--config', daemon.config])).code, 0);
            const client = await Client.open(daemon);
            await client.subscribe(unique());
            client.destroy();
        });
    });
}
