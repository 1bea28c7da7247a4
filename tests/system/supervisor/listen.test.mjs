// packaging/supervisor/fanfare-listen.conf under Debian's supervisord with a real application: only its paths are changed.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { APP, Daemon, Process } from '../lib/daemon.mjs';
import { Laravel, missing } from '../lib/laravel.mjs';
import { root } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const skip = missing('supervisord', 'supervisorctl');

describe('fanfare:listen under supervisor', { skip }, () => {
    let dir, supervisord, daemon, app, log;
    const ctl = (...args) => spawnSync('supervisorctl', ['-c', join(dir, 'supervisord.conf'), ...args], { encoding: 'utf8', timeout: 90_000 });
    // Supervisor says STARTING for a second after the program has begun, in which it may hear already.
    const running = (butNot) =>
        until(
            () => {
                const pid = /fanfare-listen_00\s+RUNNING\s+pid (\d+)/.exec(ctl('status').stdout)?.[1];
                return pid !== butNot && pid;
            },
            () => `it to run\n${ctl('status').stdout}${output()}`,
        );
    const output = () => (existsSync(join(dir, 'listen.log')) ? readFileSync(join(dir, 'listen.log'), 'utf8') : '');
    const events = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : []);

    before(async () => {
        daemon = await Daemon.start();
        app = await Laravel.create(daemon);
        log = join(app.dir, 'storage/logs/events.log');
        dir = mkdtempSync(join(tmpdir(), 'ffl-'));
        let text = readFileSync(join(root, 'packaging/supervisor/fanfare-listen.conf'), 'utf8');
        const values = {
            command: `${app.env.PHP} artisan fanfare:listen --max-time=3600`,
            directory: app.dir,
            user: userInfo().username,
            stdout_logfile: join(dir, 'listen.log'),
        };
        for (const [key, value] of Object.entries(values)) {
            const line = new RegExp(`^${key}=.*$`, 'm');
            assert.match(text, line, `${key} stands in packaging/supervisor/fanfare-listen.conf`);
            text = text.replace(line, () => `${key}=${value}`);
        }
        writeFileSync(join(dir, 'program.conf'), text);
        writeFileSync(
            join(dir, 'supervisord.conf'),
            `[unix_http_server]\nfile=${dir}/s.sock\n[supervisord]\nnodaemon=true\nlogfile=${dir}/supervisord.log\npidfile=${dir}/supervisord.pid\nchildlogdir=${dir}\n` +
                `${process.getuid() === 0 ? 'user=root\n' : ''}[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n` +
                `[supervisorctl]\nserverurl=unix://${dir}/s.sock\n[include]\nfiles=${dir}/program.conf\n`,
        );
        supervisord = new Process('supervisord', ['-c', join(dir, 'supervisord.conf')], { cwd: dir, env: app.env });
    });
    after(async () => {
        if (supervisord) {
            supervisord.kill('SIGTERM');
            await supervisord.exit(90_000);
        }
        await app?.stop();
        await daemon?.stop();
        rmSync(dir, { recursive: true, force: true });
    });

    const listening = (times) => until(() => output().split('Listening to').length > times, () => `it to listen\n${ctl('status').stdout}${output()}${supervisord.stdout}`);
    async function heard(channel) {
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe(channel);
        await until(() => events().some((event) => event.channel === channel), () => `the event\n${output()}`);
        client.destroy();
    }

    test('starts it, and it hears', async () => {
        await listening(1);
        await heard('first');
        assert.match(output(), /ChannelOccupied first .* DONE/);
    });

    test('starts it again after queue:restart', async () => {
        const pid = await running();
        assert.equal((await app.artisan('queue:restart')).code, 0);
        await listening(2);
        await running(pid);
        await heard('second');
    });

    test('supervisorctl stop lets it end by itself', async () => {
        assert.match(ctl('stop', 'fanfare-listen:*').stdout, /stopped/);
        assert.match(readFileSync(join(dir, 'supervisord.log'), 'utf8'), /stopped: fanfare-listen_00 \(exit status 0\)/);
    });
});
