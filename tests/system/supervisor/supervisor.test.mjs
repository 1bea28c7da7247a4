// packaging/supervisor/fanfared.conf under Debian's supervisord: only its paths are changed.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { APP, Process, connectable, freePort } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { daemonPath, root } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const skip = ['supervisord', 'supervisorctl'].some((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0) ? 'supervisor is not installed' : false;

/** The packaged program section with these values in place of those that it has, each of which must be there. */
function packaged(values) {
    let text = readFileSync(join(root, 'packaging/supervisor/fanfared.conf'), 'utf8');
    for (const [key, value] of Object.entries(values)) {
        const line = new RegExp(`^${key}=.*$`, 'm');
        assert.match(text, line, `${key} stands in packaging/supervisor/fanfared.conf`);
        text = text.replace(line, `${key}=${value}`);
    }
    return text;
}

describe('supervisor', { skip }, () => {
    let dir, supervisord, port, daemon;
    const ctl = (...args) => spawnSync('supervisorctl', ['-c', join(dir, 'supervisord.conf'), ...args], { encoding: 'utf8', timeout: 40_000 });
    const running = () => /^fanfared\s+RUNNING\s+pid (\d+)/m.exec(ctl('status').stdout)?.[1];

    before(async () => {
        dir = mkdtempSync(join(tmpdir(), 'ffs-'));
        port = await freePort();
        const socket = join(dir, 'f.sock');
        writeFileSync(
            join(dir, 'fanfared.conf'),
            `[server]\nlisten = 127.0.0.1:${port}\n[ipc]\nsocket = ${socket}\n[admin]\nlisten = 127.0.0.1:${await freePort()}\n[app "${APP.id}"]\nkey = ${APP.key}\nsecret = ${APP.secret}\n`,
            { mode: 0o600 },
        );
        writeFileSync(
            join(dir, 'program.conf'),
            packaged({ command: `${daemonPath} --config ${join(dir, 'fanfared.conf')}`, user: userInfo().username, stderr_logfile: join(dir, 'fanfared.log') }),
        );
        writeFileSync(
            join(dir, 'supervisord.conf'),
            `[unix_http_server]\nfile=${dir}/s.sock\n[supervisord]\nnodaemon=true\nlogfile=${dir}/supervisord.log\npidfile=${dir}/supervisord.pid\nchildlogdir=${dir}\n` +
                `${process.getuid() === 0 ? 'user=root\n' : ''}[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n` +
                `[supervisorctl]\nserverurl=unix://${dir}/s.sock\n[include]\nfiles=${dir}/program.conf\n`,
        );
        supervisord = new Process('supervisord', ['-c', join(dir, 'supervisord.conf')], { cwd: dir });
        daemon = { port, socket, app: APP };
    });
    after(async () => {
        if (supervisord) {
            supervisord.kill('SIGTERM');
            await supervisord.exit(30_000);
        }
        rmSync(dir, { recursive: true, force: true });
    });

    const log = () => (existsSync(join(dir, 'fanfared.log')) ? readFileSync(join(dir, 'fanfared.log'), 'utf8') : supervisord.stdout + supervisord.stderr);
    const up = () => until(async () => running() && (await connectable(port)) && existsSync(daemon.socket), () => `supervisor to run fanfared\n${ctl('status').stdout}${log()}`);

    test('starts it, and it serves', async () => {
        await up();
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe('c');
        const ipc = await Ipc.open(daemon.socket, APP);
        await ipc.publish({ channel: 'c' });
        await client.expect('E', 'c');
        client.destroy();
        ipc.close();
        assert.match(log(), /listening on/);
    });

    test('starts it again after kill -9', async () => {
        const pid = running();
        const client = await Client.open(daemon, { app: APP });
        process.kill(Number(pid), 'SIGKILL');
        await client.ended;
        await until(() => running() !== undefined && running() !== pid, 'another process');
        await up();
        (await Client.open(daemon, { app: APP })).destroy();
    });

    test('supervisorctl stop closes clients with 4200', async () => {
        const clients = await Promise.all([1, 2, 3].map(() => Client.open(daemon, { app: APP })));
        const stopping = new Process('supervisorctl', ['-c', join(dir, 'supervisord.conf'), 'stop', 'fanfared']);
        await Promise.all(clients.map((client) => client.closedWith(4200)));
        await stopping.exit();
        assert.match(stopping.stdout, /fanfared: stopped/);
        assert.match(ctl('status').stdout, /STOPPED/);
        // It ended by itself and was not killed after stopwaitsecs.
        assert.match(readFileSync(join(dir, 'supervisord.log'), 'utf8'), /stopped: fanfared \(exit status 0\)/);
    });

    test('supervisorctl start and restart', async () => {
        ctl('start', 'fanfared');
        await up();
        const pid = running();
        ctl('restart', 'fanfared');
        await up();
        assert.notEqual(running(), pid);
    });
});
