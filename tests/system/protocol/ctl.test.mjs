// fanfared ctl and the admin socket: what an operator sees and does, and who may not.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { APP, APP2, Daemon, Process, twoNodes } from '../lib/daemon.mjs';
import { adminOf, ctl, done, json } from '../lib/ctl.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';

/** Bytes to the admin socket; what comes until it closes. */
function raw(daemon, bytes) {
    return deadline(new Promise((resolve) => {
        const socket = createConnection(adminOf(daemon));
        let text = '';
        socket.on('data', (chunk) => (text += chunk));
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
        socket.write(bytes);
    }), () => 'the admin socket to close');
}
const request = (method, path, body, headers = {}) =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')}` +
    (body === undefined ? '\r\n' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

/** A daemon of the test's own, ended with it whatever comes of it. */
async function started(t, options) {
    const daemon = await Daemon.start(options);
    t.after(() => daemon.stop({ check: false }));
    return daemon;
}

const TOKEN = '0123456789abcdef-token';
// of two nodes each shows its own
const here = twoNodes ? () => {} : test;

suite('ctl', { workers: [1, 3], sections: { admin: { token: TOKEN } } }, (ctx) => {
    const signIn = async (id, options) => {
        const client = await ctx.open(options);
        const user_data = JSON.stringify({ id });
        client.send({ event: 'pusher:signin', data: { auth: `${APP.key}:${hmac(APP.secret, `${client.socketId}::user::${user_data}`)}`, user_data } });
        await client.expect('pusher:signin_success');
        return client;
    };

    test('status: for people, for programs, and as a health check', async () => {
        const text = await done(ctx.daemon, 'status');
        assert.match(text, /^state +ready$/m);
        assert.match(text, new RegExp(`^workers +${ctx.workers}$`, 'm'));
        const status = await json(ctx.daemon, 'status');
        assert.equal(status.pid, ctx.daemon.pid);
        assert.equal(status.apps, 2);
        assert.equal(status.config, ctx.daemon.config);
        assert.equal(await done(ctx.daemon, 'status', '--quiet'), '');
        assert.equal(await done(null, '--config', ctx.daemon.config, 'status', '-q'), '');
        assert.equal(await done(null, '--socket', adminOf(ctx.daemon), 'status', '-q'), '');
    });

    here('apps, channels, a channel, connections, users and members are what is there', async () => {
        const channel = unique('presence'), other = unique('private');
        const ann = await signIn('ann');
        const bob = await signIn('bøb');
        const third = await ctx.open({ app: APP2 });
        await ann.subscribe(channel, { data: { user_id: 'ann', user_info: { name: 'Ann' } } });
        await bob.subscribe(channel, { data: { user_id: 'bøb' } });
        await ann.expect('pusher_internal:member_added', channel);
        await ann.subscribe(other);
        await third.subscribe('public');
        const apps = (await json(ctx.daemon, 'apps')).apps;
        assert.deepEqual(apps.map(({ id, state }) => [id, state]), [['app1', 'enabled'], ['app2', 'enabled']]);
        assert.equal(apps[1].connections, 1);
        assert.match(await done(ctx.daemon, 'apps'), /^APP +STATE +CONNECTIONS +AT MOST +CHANNELS\napp1 +enabled/);
        const channels = await json(ctx.daemon, 'channels');
        assert.deepEqual(channels, [
            { app: 'app1', name: channel, type: 'presence', cache: false, subscriptions: 2, users: 2 },
            { app: 'app1', name: other, type: 'private', cache: false, subscriptions: 1 },
            { app: 'app2', name: 'public', type: 'public', cache: false, subscriptions: 1 },
        ]);
        assert.deepEqual((await json(ctx.daemon, 'channels', '--prefix', 'pub')).map(({ name }) => name), ['public']);
        assert.deepEqual(await json(ctx.daemon, 'channels', '--app', 'app2', '--prefix', 'x'), []);
        assert.match(await done(ctx.daemon, 'channels'), /^APP +CHANNEL +TYPE +SUBSCRIBERS +USERS\n/);
        assert.match(await done(ctx.daemon, 'channel', channel, '--app', 'app1'), /^occupied +yes\nsubscribers +2\nusers +2$/m);
        const nobody = await ctl(ctx.daemon, 'channel', 'nobody', '--app', 'app1');
        assert.equal(nobody.code, 1);
        assert.match(nobody.stdout, /^occupied +no$/m);
        const connections = await json(ctx.daemon, 'connections', '--app', 'app1');
        const of = (client) => connections.find(({ id }) => id === client.socketId);
        assert.deepEqual([of(ann).user, of(ann).subscriptions, of(bob).user, of(ann).address], ['ann', 2, 'bøb', '127.0.0.1']);
        assert.match(await done(ctx.daemon, 'connections'), new RegExp(`^app2 +${third.socketId.replace('.', '\\.')} +- +127\\.0\\.0\\.1 +\\d+s +1$`, 'm'));
        assert.deepEqual(await json(ctx.daemon, 'users', '--app', 'app1'), [
            { app: 'app1', id: 'ann', connections: 1 },
            { app: 'app1', id: 'bøb', connections: 1 },
        ]);
        assert.deepEqual(await json(ctx.daemon, 'users', channel, '--app', 'app1'), [
            { app: 'app1', id: 'ann', info: { name: 'Ann' } },
            { app: 'app1', id: 'bøb', info: null },
        ]);
        assert.match(await done(ctx.daemon, 'users', channel, '--app', 'app1'), /^USER +INFO\nann +\{"name":"Ann"\}\nbøb +-$/m);
        const limited = await ctl(ctx.daemon, 'channels', '--limit', '1');
        assert.match(limited.stdout, new RegExp(channel));
        assert.match(limited.stderr, /more than these 1: --limit 0 lists all/);
        for (const client of [ann, bob, third]) await client.destroy();
    });

    test('publish, kick, terminate', async () => {
        const channel = unique('c'), ann = await signIn('kate'), bob = await ctx.open();
        for (const client of [ann, bob]) await client.subscribe(channel);
        assert.match(await done(ctx.daemon, 'publish', channel, 'ping', '--app', 'app1'), twoNodes ? /^sent to [012] / : /^sent to 2 subscribers /);
        for (const client of [ann, bob]) assert.equal((await client.expect('ping', channel)).data, '{}');
        const data = JSON.stringify({ text: 'é"\\', n: 1 });
        await done(ctx.daemon, 'publish', `${channel},${unique('d')}`, 'told', '-', '--app', 'app1', '--except', bob.socketId, { input: data });
        assert.equal((await ann.expect('told', channel)).data, data);
        await done(ctx.daemon, 'publish', channel, 'last', 'plain text', '--app', 'app1');
        for (const client of [ann, bob]) assert.equal((await client.expect('last', channel)).data, 'plain text');
        assert.match(await done(ctx.daemon, 'kick', bob.socketId, '--app', 'app1'), /^1 connection ended\n/);
        await bob.error(4009);
        await bob.closedWith(4009);
        assert.match(await done(ctx.daemon, 'terminate', 'kate', '--app', 'app1'), /^1 connection ended\n/);
        await ann.error(4009);
        await ann.closedWith(4009);
        const again = await ctl(ctx.daemon, 'kick', bob.socketId, '--app', 'app1');
        assert.deepEqual([again.code, again.stdout], [1, '0 connections ended\n']);
    });

    test('what is wrong is said with what to do', async () => {
        const cases = [
            [['nope'], 2, /no command "nope"/],
            [['kick'], 2, /kick takes a socket id/],
            [['kick', 'x', '--app', 'app1'], 1, /socket must be a socket id/],
            [['kick', '1.1'], 1, /several applications.*--app/],
            [['kick', '1.1', '--app', 'none'], 1, /no such application; fanfared ctl apps/],
            [['publish', 'bad channel', 'e', '--app', 'app1'], 1, /channel/],
            [['publish', 'c', 'pusher:x', '--app', 'app1'], 1, /event/],
            [['log-level', 'loud'], 1, /error, warn, info or debug/],
            [['channels', '--limit', 'x'], 2, /--limit must be a number/],
            [['--socket', '/nowhere/x.sock', 'status'], 3, /No such file.*--config FILE/],
            [['--config', '/nowhere/x.conf', 'status'], 3, /cannot read the configuration file \/nowhere/],
        ];
        for (const [args, code, text] of cases) {
            const result = await ctl(ctx.daemon, ...args);
            assert.equal(result.code, code, `${args}: ${result.stderr}`);
            assert.match(result.stderr, text);
            assert.equal(result.stdout, '');
        }
        assert.match(await done(null, '--help'), /^Usage: fanfared ctl[\s\S]*Exit status/);
        const quiet = await ctl(null, '--socket', '/nowhere/x.sock', 'status', '--quiet');
        assert.deepEqual(quiet, { code: 3, stdout: '', stderr: '' });
    });

    test('log-level holds until the next reload, which ctl waits for', async () => {
        assert.match(await done(ctx.daemon, 'log-level'), /^log level +info$/m);
        assert.match(await done(ctx.daemon, 'log-level', 'debug'), /^log level +debug\nbefore +info$/m);
        assert.match(await done(ctx.daemon, 'log-level'), /^log level +debug$/m);
        assert.equal(await done(ctx.daemon, 'reload'), 'reloaded\n');
        assert.match(await done(ctx.daemon, 'log-level'), /^log level +info$/m);
        const before = readFileSync(ctx.daemon.config, 'utf8');
        writeFileSync(ctx.daemon.config, `${before}\n[server]\nnonsense = 1\n`);
        const broken = await ctl(ctx.daemon, 'reload');
        assert.equal(broken.code, 1);
        assert.match(broken.stderr, /nothing changed: .*fanfare\.conf:\d+: unknown key "nonsense"/);
        writeFileSync(ctx.daemon.config, before);
        await done(ctx.daemon, 'reload');
    });

    test('top: once, as lines, as JSON, and its rates', async () => {
        const once = await done(ctx.daemon, 'top', '--once', '--interval', '0.1');
        assert.match(once, /^fanfared \S+ +ready/);
        assert.match(once, /^app1 +enabled/m);
        assert.doesNotMatch(once, /\x1b/);
        for (const line of once.split('\n')) assert.ok(line.length <= 80, `${line.length}: ${line}`);
        const lines = new Process(daemonPath, ['ctl', 'top', '--interval', '0.1'], { env: { FANFARE_SOCKET: ctx.daemon.ownSocket ?? ctx.daemon.socket } });
        await until(() => lines.stdout.split('\n').length > 3, () => `lines\n${lines.stdout}${lines.stderr}`);
        lines.kill('SIGINT');
        assert.deepEqual((await lines.exit()).code, 0);
        assert.match(lines.stdout, /^connections +channels.*\n +\d+ +\d+ +\d+\.\d /);
    });

    test('top: a terminal of 80 by 24 is redrawn and left as it was; q ends it', async () => {
        // script(1) has a terminal for it.
        const run = new Process('script', ['-qec', `stty rows 24 cols 80; ${daemonPath} ctl top --interval 0.1`, '/dev/null'], {
            stdio: ['pipe', 'pipe', 'pipe'],
            env: { PATH: process.env.PATH, SHELL: '/bin/sh', FANFARE_SOCKET: ctx.daemon.ownSocket ?? ctx.daemon.socket },
        });
        await until(() => run.stdout.split('\x1b[H\x1b[2J').length > 3, () => `frames\n${run.stdout}${run.stderr}`);
        run.child.stdin.write('q');
        assert.equal((await run.exit()).code, 0);
        assert.ok(run.stdout.startsWith('\x1b[?1049h'));
        assert.ok(run.stdout.endsWith('\x1b[?1049l'));
        for (const frame of run.stdout.split('\x1b[H\x1b[2J').slice(1, -1)) {
            assert.ok(frame.split('\n').length <= 24, frame);
            for (const line of frame.split('\r\n')) assert.ok(line.length <= 80, line);
        }
    });

    test('completion of bash offers the commands', async () => {
        const file = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../../packaging/completion/fanfared.bash');
        const complete = async (...words) => {
            const script = `. ${file}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _fanfared; printf '%s\\n' "\${COMPREPLY[@]}"`;
            const run = new Process('bash', ['--norc', '-c', script]);
            await run.exit();
            assert.equal(run.stderr, '');
            return run.stdout.trim().split('\n').sort();
        };
        const help = await done(null, '--help');
        const commands = [...help.matchAll(/^ {2}([a-z][a-z-]*)[ \n]/gm)].map(([, name]) => name).sort();
        assert.ok(commands.length >= 14);
        assert.deepEqual(await complete('fanfared', 'ctl', ''), commands);
        assert.deepEqual(await complete('fanfared', 'ctl', 'ch'), ['channel', 'channels']);
        assert.deepEqual(await complete('fanfared', 'ctl', 'log-level', 'w'), ['warn']);
        assert.ok((await complete('fanfared', 'ctl', 'channels', '--')).includes('--prefix'));
        assert.ok((await complete('fanfared', '')).includes('ctl'));
    });


    test('by TCP the token is needed, and is enough', async () => {
        const ask = (path, headers = {}, options = {}) => ctx.daemon.http(path, { port: ctx.daemon.adminPort, headers, ...options });
        for (const authorization of [undefined, 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, `Basic ${TOKEN}`, `Bearer  ${TOKEN}`]) {
            for (const [path, method] of [['/api/status', 'GET'], ['/api/channels?app=app1', 'GET'], ['/api/drain', 'POST'], ['/api/nope', 'GET']]) {
                const { status, text } = await ask(path, authorization ? { authorization } : {}, { method });
                assert.equal(status, 401, `${authorization} ${path}`);
                assert.match(text, /Authorization: Bearer TOKEN/);
            }
        }
        // Wrong ones hold up the right one from the same address for a second.
        const text = await until(async () => {
            const answer = await ask('/api/apps', { authorization: `Bearer ${TOKEN}` });
            assert.equal(answer.status, 200);
            return answer.text;
        }, () => 'the token to be enough');
        assert.equal(JSON.parse(text).apps.length, 2);
        assert.equal((await ask('/health/ready')).status, 200);
        assert.equal((await ask('/api/drain', { authorization: `Bearer ${TOKEN}` })).status, 405);
    });

    test('hostile requests end in an answer, and the daemon goes on', async () => {
        const cases = [
            [request('GET', '/api/nope'), /^HTTP\/1\.1 404/],
            [request('DELETE', '/api/apps'), /^HTTP\/1\.1 405/],
            [request('GET', '/api/kick'), /^HTTP\/1\.1 405[\s\S]*Allow: POST/],
            [request('POST', '/api/kick', '{'), /^HTTP\/1\.1 400[\s\S]*JSON object/],
            [request('POST', '/api/kick', `{"socket":${'['.repeat(64)}${']'.repeat(64)}}`), /^HTTP\/1\.1 400[\s\S]*deeper than 64/],
            [request('POST', '/api/kick', '[1]'), /^HTTP\/1\.1 400/],
            [request('POST', '/api/kick', `${'['.repeat(5000)}`), /^HTTP\/1\.1 400/],
            [request('POST', '/api/kick', '{"app":1,"socket":{}}'), /^HTTP\/1\.1 400/],
            [request('POST', '/api/publish', JSON.stringify({ app: 'app1', channels: Array(101).fill('c'), event: 'e', data: 'x' })), /^HTTP\/1\.1 400[\s\S]*100 channels at most/],
            [request('POST', '/api/drain', '{"resart":true}'), /^HTTP\/1\.1 400[\s\S]*it has restart/],
            [request('POST', '/api/drain', '{"restart":1}'), /^HTTP\/1\.1 400[\s\S]*true or false/],
            [request('POST', '/api/reload', '{"app":"app1"}'), /^HTTP\/1\.1 400[\s\S]*it has none/],
            [request('POST', '/api/publish', JSON.stringify({ app: 'app1', channels: [1, null, {}], event: 'e', data: 'x' })), /^HTTP\/1\.1 400/],
            [request('POST', '/api/terminate', JSON.stringify({ app: 'app1', user: 'x'.repeat(5000) })), /^HTTP\/1\.1 400/],
            [request('POST', '/api/drain', undefined, { 'Content-Type': 'text/plain', 'Content-Length': 2 }) + '{}', /^HTTP\/1\.1 415/],
            [request('POST', '/api/publish', undefined, { 'Content-Type': 'application/json', 'Content-Length': 99999999999 }), /^HTTP\/1\.1 413/],
            [request('GET', '/api/channels?app=app1&limit=0'), /^HTTP\/1\.1 400/],
            [request('GET', '/api/channels?app=app1&limit=1001'), /^HTTP\/1\.1 400/],
            [request('GET', '/api/channels?app=app1&limit=99999999999999999999'), /^HTTP\/1\.1 400/],
            [request('GET', '/api/channels?app=app1&after=9.8.99'), /^HTTP\/1\.1 400/],
            [request('GET', '/api/channels?app=app1&after=-1.2.3'), /^HTTP\/1\.1 400/],
            [request('GET', '/api/channels?app=app1&after=1.1152921504606846976.16'), /^HTTP\/1\.1 (200|400)/],
            [request('GET', '/api/connections?app=app1&after=1.99999999999'), /^HTTP\/1\.1 (200|400)/],
            [request('GET', '/api/channels?app=%zz'), /^HTTP\/1\.1 400/],
            [request('GET', `/api/channel?app=app1&name=${encodeURIComponent('a\r\nb')}`), /^HTTP\/1\.1 400/],
            [request('GET', `/api/status?${'a=1&'.repeat(1500)}`), /^HTTP\/1\.1 (200|4\d\d)/],
            ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^HTTP\/1\.1 400/],
            ['GET /api/status HTTP/1.1\nHost: x\n\n', /^HTTP\/1\.1 400/],
        ];
        for (const [bytes, answer] of cases) assert.match(await raw(ctx.daemon, bytes), answer, bytes.slice(0, 100));
        // One who asks for everything again and again and reads nothing is not served for ever, and stands in nobody's way.
        const deaf = createConnection(adminOf(ctx.daemon));
        deaf.on('error', () => {});
        deaf.pause();
        for (let i = 0; i < 2000; i++) deaf.write('GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n');
        // One who goes while the workers are asked.
        for (let i = 0; i < 20; i++) {
            const gone = createConnection(adminOf(ctx.daemon));
            gone.on('error', () => {});
            gone.write(request('GET', '/api/connections?app=app1') + request('POST', '/api/reload'), () => gone.destroy());
        }
        await done(ctx.daemon, 'status', '-q');
        deaf.destroy();
        await done(ctx.daemon, 'reload');
    });
});

if (!twoNodes) {
    test('2,500 connections and their channels are listed page by page, each once', async () => {
        const daemon = await Daemon.start({ workers: 3 });
        const sockets = [];
        try {
            const { Client } = await import('../lib/ws.mjs');
            for (let i = 0; i < 25; i++) {
                sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => Client.open(daemon, { app: APP })))));
            }
            await Promise.all(sockets.map((client, i) => client.subscribe(`channel-${i % 1250}`)));
            const list = await json(daemon, 'connections', '--app', 'app1', '--limit', '0');
            assert.equal(new Set(list.map(({ id }) => id)).size, 2500);
            assert.equal(list.length, 2500);
            assert.ok(list.every(({ subscriptions }) => subscriptions === 1));
            assert.equal((await json(daemon, 'connections', '--limit', '1234')).length, 1234);
            const channels = await json(daemon, 'channels', '--limit', '0');
            assert.equal(channels.length, 1250);
            assert.ok(channels.every(({ subscriptions }) => subscriptions === 2));
            assert.equal((await json(daemon, 'channels', '--limit', '10')).length, 10);
        } finally {
            for (const client of sockets) client.destroy();
            await daemon.stop();
        }
    });

    test('drain: not ready, then ended; restart: begun anew', async () => {
        const daemon = await Daemon.start({ workers: 1, sections: { server: { drain_delay: 2 } } });
        try {
            const pid = daemon.pid;
            assert.equal(await done(daemon, 'drain', '--restart'), 'restarting\n');
            assert.equal((await ctl(daemon, 'status', '--quiet')).code, 5);
            await until(async () => (await ctl(daemon, 'status', '-q')).code === 0, () => `the restart\n${daemon.stderr}`);
            assert.equal((await json(daemon, 'status')).pid, pid);
            assert.equal(await done(daemon, 'drain'), 'draining, then it ends\n');
            const status = await ctl(daemon, 'status');
            assert.equal(status.code, 5);
            assert.match(status.stdout, /^state +draining$/m);
            assert.equal((await daemon.process.exit()).code, 0);
            assert.equal((await ctl(daemon, 'status', '-q')).code, 3);
        } finally {
            await daemon.stop({ check: false });
        }
    });

    test('only root and the daemon\'s user are let in', { skip: process.getuid() !== 0 }, async (t) => {
        const as = { command: 'setpriv', before: ['--reuid=65534', '--regid=65534', '--clear-groups', daemonPath] };
        const behindFile = await started(t);
        const closed = await ctl(behindFile, 'status', as);
        assert.equal(closed.code, 4);
        assert.match(closed.stderr, /is for root and for the daemon's own user/);
        await behindFile.stop();
        // Whoever gets to the socket all the same, here one without a file, is known by the kernel.
        const socket = `@fanfare-ctl-${process.pid}`;
        const daemon = await started(t, { sections: { admin: { socket } } });
        for (const args of [['status'], ['apps'], ['drain'], ['publish', 'c', 'e', '--app', 'app1']]) {
            const refused = await ctl(null, '--socket', socket, ...args, as);
            assert.equal(refused.code, 4, refused.stderr);
            assert.match(refused.stderr, /not for uid 65534/);
        }
        await done(null, '--socket', socket, 'status', '-q');
        await daemon.stop();
    });

    test('no socket where none is wanted; another process on its path is told of', async (t) => {
        const daemon = await started(t, { sections: { admin: { socket: 'none' } } });
        const none = await ctl(null, '--config', daemon.config, 'status');
        assert.equal(none.code, 3);
        assert.match(none.stderr, /has no admin socket/);
        await daemon.stop();
        const named = await started(t);
        const path = adminOf(named);
        await assert.rejects(Daemon.start({ sections: { admin: { socket: path } } }), /is in use by another fanfared \(pid \d+\).*\[admin\] socket/s);
        await named.stop();
    });

    test('what answers nonsense, or nothing, is no daemon', async (t) => {
        const daemon = await started(t);
        const path = join(daemon.dir, 'fake.sock');
        for (const [answer, text] of [['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}', /in the middle/], ['hello', /in the middle/], ['', /in the middle/], ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', /status 200/]]) {
            const server = createServer((socket) => socket.on('data', () => socket.end(answer)));
            await new Promise((listening) => server.listen(path, listening));
            const result = await ctl(null, '--socket', path, 'status');
            assert.ok(result.code === 3 || result.code === 1, `${result.code}`);
            assert.match(result.stderr, text);
            await new Promise((closed) => server.close(closed));
        }
        await daemon.stop();
    });
}
