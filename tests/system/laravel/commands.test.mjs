// The commands of the Laravel package on a real application: the daemon that fanfare:start becomes, what the others say and
// do to it, and the doctor on the way of a browser through nginx as it should be and as it often is.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { APP, Process, connectable, freePort } from '../lib/daemon.mjs';
import { Authority } from '../lib/certs.mjs';
import { Laravel, missing } from '../lib/laravel.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const php = process.env.PHP || 'php8.2';
const skip = missing('nginx', 'openssl');
const asRoot = process.getuid() === 0 ? {} : { skip: 'needs root, who can become another user' };

describe('artisan fanfare:*', { skip }, () => {
    let app, started, nginx, authority;
    const place = {};
    const ports = {};

    before(async () => {
        place.port = await freePort();
        // The daemon's socket lies in the application, which is not there yet: its path is set below.
        app = await Laravel.create({ port: place.port, socket: '/nonexistent/f.sock' }, { env: { QUEUE_CONNECTION: 'sync', FANFARE_LOG_CHANNEL: 'single', FANFARE_TIMEOUT: '0.5' } });
        place.socket = join(app.base, 'f.sock');
        place.host = '127.0.0.1';
        app.env.FANFARE_SOCKET = place.socket;
        app.env.FANFARE_DAEMON = daemonPath;
    });
    /** A test that failed must not leave its daemon to the next one. */
    async function endDaemon() {
        if (started && !started.status) {
            started.kill('SIGKILL');
            await started.exit();
        }
        // The one below a PHP that could not become it.
        const lock = `${place.socket}.lock`;
        const pid = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
        if (pid > 0 && existsSync(`/proc/${pid}`) && /fanfared/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) process.kill(pid, 'SIGKILL');
        rmSync(place.socket, { force: true });
        rmSync(lock, { force: true });
    }
    afterEach(endDaemon);
    after(async () => {
        if (nginx && !nginx.status) {
            nginx.kill('SIGTERM');
            await nginx.exit();
        }
        authority?.remove();
        await app?.stop();
    });

    const artisan = (...args) => app.artisan(...args);
    async function json(...args) {
        const done = await artisan(...args, '--json');
        try {
            return { code: done.code, ...JSON.parse(done.stdout) };
        } catch {
            throw new Error(`${args.join(' ')} printed ${done.stdout}${done.stderr}`);
        }
    }
    /** php artisan fanfare:start, until it serves. */
    async function start(args = [], ini = []) {
        started = new Process(php, [...ini.flatMap((line) => ['-d', line]), 'artisan', 'fanfare:start', ...args], { cwd: app.dir, env: app.env });
        await until(async () => {
            if (started.status) throw new Error(`fanfare:start ended: ${JSON.stringify(started.status)}\n${started.stdout}${started.stderr}`);
            return existsSync(place.socket) && connectable(place.port);
        }, () => `fanfare:start\n${started.stdout}${started.stderr}`);
        return started;
    }
    async function ended() {
        const { code, signal } = await started.exit();
        assert.deepEqual([code, signal], [0, null], started.stderr);
    }
    /** A line of .env. */
    function set(name, value) {
        const file = join(app.dir, '.env');
        const others = readFileSync(file, 'utf8').split('\n').filter((line) => !line.startsWith(`${name}=`));
        writeFileSync(file, [...others, `${name}=${value}`, ''].join('\n'));
    }
    const client = () => Client.open({ port: place.port, host: place.host }, { app: APP });

    test('fanfare:install finds nothing to do in an application that it has set up', async () => {
        const files = ['.env', 'bootstrap/app.php', 'routes/channels.php', 'resources/js/echo.js', 'resources/js/bootstrap.js', 'composer.json'];
        const contents = () => files.map((name) => readFileSync(join(app.dir, name), 'utf8'));
        const first = contents();
        assert.match(first[0], /^VITE_REVERB_APP_KEY="\$\{FANFARE_APP_KEY\}"$/m);
        assert.match(first[1], /channels: __DIR__/);
        const { code, stdout } = await artisan('fanfare:install', '--no-interaction');
        assert.equal(code, 0, stdout);
        assert.match(stdout, /nothing was changed/);
        assert.deepEqual(contents(), first);
    });

    test('without a daemon: exit codes, and the fix', async () => {
        const status = await json('fanfare:status');
        assert.deepEqual([status.code, status.running], [1, false]);
        assert.match(status.fix, /fanfare:start/);
        const unknown = await json('fanfare:status', '--connection=nope');
        assert.equal(unknown.code, 2);
        await Promise.all([['stop'], ['restart'], ['reload'], ['channels'], ['connections'], ['terminate', '7'], ['publish', 'a', 'b']].map(async ([command, ...args]) => {
            const { code, stdout } = await artisan(`fanfare:${command}`, ...args);
            assert.equal(code, 1, `${command}: ${stdout}`);
            assert.match(stdout, /Fix:.*fanfare:start/s, command);
        }));
        const doctor = await json('fanfare:doctor');
        assert.equal(doctor.code, 1);
        for (const check of ['Socket', 'Browsers']) assert.ok(doctor.findings.some((one) => one.check === check && one.status === 'failure' && one.fix), JSON.stringify(doctor));
    });

    test('fanfare:start becomes the daemon: same process, a private file, and Ctrl-C drains it', async () => {
        await start();
        assert.match(readFileSync(`/proc/${started.pid}/cmdline`, 'utf8'), /^[^\0]*fanfared\0--config\0/);
        assert.match(started.stdout, /Starting the daemon on 127\.0\.0\.1:\d+/);
        const file = join(app.dir, 'storage/framework/fanfared.conf');
        assert.equal(statSync(file).mode & 0o777, 0o600);
        const environment = readFileSync(`/proc/${started.pid}/environ`, 'utf8');
        assert.doesNotMatch(environment, /APP_KEY=|FANFARE_APP_SECRET=/, 'what stands in .env is not in its environment');
        const status = await json('fanfare:status');
        assert.deepEqual([status.code, status.running, status.pid, status.app_id], [0, true, started.pid, APP.id]);
        const second = await artisan('fanfare:start');
        assert.notEqual(second.code, 0);
        assert.match(second.stderr, new RegExp(`${started.pid}`), 'the second one names the first');
        const one = await client();
        started.kill('SIGINT');
        await one.closedWith(4200);
        await ended();
        one.destroy();
    });

    test('clients are seen, spoken to and ended; with --debug it shows', async () => {
        await start(['--debug', '--workers=2']);
        const one = await client();
        await one.subscribe('orders');
        const two = await client();
        await two.subscribe('orders');
        await two.subscribe('other');

        const channels = await json('fanfare:channels');
        assert.deepEqual(channels.channels, [{ name: 'orders', subscriptions: 2, members: null }, { name: 'other', subscriptions: 1, members: null }]);
        assert.deepEqual((await json('fanfare:channels', 'oth')).channels.map((channel) => channel.name), ['other']);

        const { connections, total } = await json('fanfare:connections');
        assert.equal(total, 2);
        assert.deepEqual(connections.map((each) => [each.socket_id, each.subscriptions, each.address]).sort(), [[one.socketId, 1, '127.0.0.1'], [two.socketId, 2, '127.0.0.1']].sort());

        const receipt = await json('fanfare:publish', 'orders', 'order.paid', '{"order":1024}', `--except=${two.socketId}`);
        assert.equal(receipt.recipients, 1);
        assert.equal((await one.expect('order.paid', 'orders')).data, '{"order":1024}');
        assert.equal((await artisan('fanfare:publish', 'orders', 'order.paid', '{order}')).code, 2);
        await until(() => /order\.paid/.test(started.stderr), () => `the message to be shown\n${started.stderr}`);
        assert.doesNotMatch(started.stderr, new RegExp(APP.secret));

        const watch = new Process(php, ['artisan', 'fanfare:channels', '--watch=0.2', '--json'], { cwd: app.dir, env: app.env });
        await until(() => watch.stdout.split('\n').length > 3, () => `three pictures\n${watch.stdout}${watch.stderr}`);
        watch.kill('SIGTERM');
        assert.deepEqual(await watch.exit(), { code: 0, signal: null });
        for (const line of watch.stdout.trim().split('\n')) assert.equal(JSON.parse(line).channels.length, 2);

        assert.equal((await json('fanfare:terminate', `--socket=${one.socketId}`)).ended, 1);
        await one.error(4009);
        await one.closedWith(4009);
        assert.equal((await artisan('fanfare:terminate', `--socket=${one.socketId}`)).code, 1);
        two.destroy();
        started.kill('SIGTERM');
        await ended();
    });

    test('a reload takes what has changed in Laravel and keeps the clients; a restart keeps the process', async () => {
        await start();
        const one = await client();
        await one.subscribe('orders');
        const big = JSON.stringify('x'.repeat(150 * 1024));
        const refused = await artisan('fanfare:publish', 'orders', 'big', big.slice(0, 120 * 1024) + '"');
        assert.equal(refused.code, 1, refused.stdout);
        set('FANFARE_LIMITS_MAX_EVENT_SIZE', '1M');
        const reload = await artisan('fanfare:reload');
        assert.equal(reload.code, 0, reload.stdout);
        assert.equal((await json('fanfare:publish', 'orders', 'big', big.slice(0, 120 * 1024) + '"')).recipients, 1);
        await one.expect('big', 'orders');

        const { pid } = await json('fanfare:status');
        assert.equal((await artisan('fanfare:restart')).code, 0);
        await one.closedWith(4200);
        await until(async () => {
            const status = await json('fanfare:status');
            return status.running && !status.draining && status.uptime < 3;
        }, 'the daemon to be back');
        assert.equal((await json('fanfare:status')).pid, pid);
        assert.equal(started.status, undefined);

        // One that would not start again is not let go of.
        set('FANFARE_LIMITS_MAX_EVENT_SIZE', 'much');
        for (const command of ['reload', 'restart']) {
            const { code, stdout } = await artisan(`fanfare:${command}`);
            assert.equal(code, 1, stdout);
            assert.match(stdout, /max_event_size/);
        }
        set('FANFARE_LIMITS_MAX_EVENT_SIZE', '1M');

        assert.equal((await artisan('fanfare:stop')).code, 0);
        await ended();
    });

    test('a PHP that cannot replace itself runs the daemon below it, and takes it along', async () => {
        for (const [ini, signal] of [['disable_functions=pcntl_exec', 'SIGTERM'], ['disable_functions=pcntl_exec,pcntl_signal', 'SIGKILL']]) {
            await start([], [ini]);
            assert.match(started.stdout, /cannot replace itself/);
            const { pid } = await json('fanfare:status');
            assert.notEqual(pid, started.pid);
            started.kill(signal);
            const end = await started.exit();
            if (signal === 'SIGTERM') assert.deepEqual([end.code, end.signal], [0, null], started.stderr);
            await until(() => !existsSync(`/proc/${pid}`), 'the daemon to end');
        }
    });

    test('another user: the doctor says what it takes, and orders are refused with their fix', asRoot, async (context) => {
        for (let folder = app.base; !['/', '/tmp'].includes(folder); folder = dirname(folder)) chmodSync(folder, statSync(folder).mode | 0o011);
        // Archives of packages are unpacked for their owner alone, depending on the umask.
        spawnSync('chmod', ['-R', 'o+rX', app.dir]);
        const seen = spawnSync(php, ['-r', 'exit((int) ! is_readable("vendor/fanfare/laravel/composer.json"));'], { cwd: app.dir, uid: 65534, gid: 65534 });
        if (seen.status !== 0) return context.skip('other users cannot read this checkout');
        set('FANFARE_IPC_MODE', '0660');
        await start();
        const nobody = (...args) => spawnSync(php, ['artisan', ...args], { cwd: app.dir, env: { ...app.env, LOG_CHANNEL: 'stderr' }, uid: 65534, gid: 65534, encoding: 'utf8' });
        const asked = nobody('fanfare:doctor', '--json', '--without-browser');
        assert.match(asked.stdout, /^\{/, asked.stderr);
        const closed = JSON.parse(asked.stdout);
        const finding = closed.findings.find((one) => one.check === 'Socket' && one.status === 'failure');
        assert.match(finding.message, /may not be used by user "nobody" \(owner root, group root, mode 0660\)/);
        assert.match(finding.fix, /\[ipc\] group/);
        started.kill('SIGTERM');
        await ended();

        mkdirSync(join(app.dir, 'config'), { recursive: true });
        writeFileSync(join(app.dir, 'config/fanfare.php'), "<?php return ['daemon' => env('FANFARE_DAEMON'), 'server' => ['config' => ['app' => ['control' => false]]]];");
        set('FANFARE_IPC_MODE', '0666');
        await start();
        const refused = nobody('fanfare:stop');
        assert.equal(refused.status, 1, refused.stdout + refused.stderr);
        assert.match(refused.stdout, /sudo -u root php artisan/);
        assert.equal(JSON.parse(nobody('fanfare:status', '--json').stdout).running, true);
        rmSync(join(app.dir, 'config/fanfare.php'));
        started.kill('SIGTERM');
        await ended();
    });

    test('the doctor on the way of a browser through nginx', async () => {
        authority = new Authority();
        const { certificate, key } = authority.issue('localhost', ['localhost']);
        for (const name of ['good', 'plain', 'tls', 'elsewhere']) ports[name] = await freePort();
        const dead = await freePort();
        const run = join(app.base, 'doctor-nginx');
        mkdirSync(run);
        const server = (listen, location) => `server { listen 127.0.0.1:${listen}; ${location} }`;
        const upgrade = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_set_header Host $host;';
        writeFileSync(join(run, 'nginx.conf'), `${process.getuid() === 0 ? 'user root;' : ''}
pid ${run}/nginx.pid; error_log ${run}/nginx.log; daemon off; events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path ${run}/body; proxy_temp_path ${run}/proxy; fastcgi_temp_path ${run}/fastcgi; uwsgi_temp_path ${run}/uwsgi; scgi_temp_path ${run}/scgi;
    ${server(ports.good, `location /app/ { proxy_pass http://127.0.0.1:${place.port}; ${upgrade} }`)}
    ${server(ports.plain, `location /app/ { proxy_pass http://127.0.0.1:${place.port}; }`)}
    ${server(`${ports.tls} ssl`, `ssl_certificate ${certificate}; ssl_certificate_key ${key}; location /app/ { proxy_pass http://127.0.0.1:${place.port}; ${upgrade} }`)}
    ${server(ports.elsewhere, `location /app/ { proxy_pass http://127.0.0.1:${dead}; ${upgrade} }`)}
}
`);
        nginx = new Process('nginx', ['-e', join(run, 'nginx.log'), '-p', run, '-c', join(run, 'nginx.conf')]);
        await until(() => connectable(ports.elsewhere), () => `nginx\n${nginx.stderr}`);
        await start();

        const through = async (port, env = {}, args = []) => {
            const done = new Process(php, [...args, 'artisan', 'fanfare:doctor', '--json'], { cwd: app.dir, env: { ...app.env, FANFARE_HOST: 'localhost', FANFARE_PORT: String(port), ...env } });
            const { code } = await done.exit(60_000);
            assert.match(done.stdout, /^\{/, done.stderr);
            const answer = JSON.parse(done.stdout);
            return { code, answer, ...answer.findings.find((one) => one.check === 'Browsers') };
        };
        const good = await through(ports.good);
        assert.deepEqual([good.code, good.status], [0, 'ok'], JSON.stringify(good.answer));
        const cases = [
            [ports.plain, {}, /taken the Upgrade headers off/, /proxy_set_header Upgrade/],
            [ports.elsewhere, {}, /502.*does not reach the daemon/, /proxy_pass/],
            [ports.tls, {}, /400.*speaks TLS/, /FANFARE_SCHEME=https/],
            [ports.tls, { FANFARE_SCHEME: 'https' }, /certificate is not trusted/, /fullchain/],
            [place.port, { FANFARE_SCHEME: 'https' }, /no TLS there/, /FANFARE_SCHEME=http/],
            [ports.good, { FANFARE_APP_KEY: 'another-key' }, /4001/, /FANFARE_APP_KEY/],
        ];
        await Promise.all(cases.map(async ([port, env, message, fix]) => {
            const finding = await through(port, env);
            assert.deepEqual([finding.code, finding.status], [1, 'failure'], `${message}: ${JSON.stringify(finding)}`);
            assert.match(finding.message, message);
            assert.match(finding.fix, fix);
        }));
        const trusted = await through(ports.tls, { FANFARE_SCHEME: 'https' }, ['-d', `openssl.cafile=${authority.file}`]);
        assert.equal(trusted.status, 'ok', JSON.stringify(trusted));

        const secret = await through(ports.good, { FANFARE_APP_SECRET: 'wrong' });
        assert.match(secret.answer.findings.find((one) => one.check === 'Daemon').fix, /FANFARE_APP_SECRET/);
        started.kill('SIGTERM');
        await ended();
    });
});
