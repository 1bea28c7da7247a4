// What fanfared ctl prints where: names that would command a terminal, narrow ones, closed pipes, a daemon that says nothing;
// and what the shells complete.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { openSync, closeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { APP, Process } from '../lib/daemon.mjs';
import { ctl, done, json } from '../lib/ctl.mjs';
import { daemonPath, root } from '../lib/paths.mjs';
import { hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

/** A whole sequence of a terminal, a C1 control, and one that turns the direction of text. */
const HOSTILE = 'x\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202Eěé𝄞\r\n';
// eslint-disable-next-line no-control-regex
const COMMANDS = /[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]/;

suite('ctl and terminals', { workers: [1] }, (ctx) => {
    const environment = (more) => ({ PATH: process.env.PATH, SHELL: '/bin/sh', FANFARE_SOCKET: ctx.daemon.ownSocket ?? ctx.daemon.socket, ...more });
    /** On a terminal, by script(1): what came out of it. */
    const onTerminal = async (command, { cols = 80, env = {}, input } = {}) => {
        const run = new Process('script', ['-qec', `stty rows 24 cols ${cols}; ${command}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'], env: environment(env) });
        run.child.stdin.on('error', () => {});
        if (input) await input(run);
        const { code } = await run.exit();
        return { code, stdout: run.stdout };
    };

    test('names and data from outside command no terminal, and JSON stays what it was', async () => {
        const channel = unique('presence'), client = await ctx.open();
        const user_data = JSON.stringify({ id: HOSTILE });
        client.send({ event: 'pusher:signin', data: { auth: `${APP.key}:${hmac(APP.secret, `${client.socketId}::user::${user_data}`)}`, user_data } });
        await client.expect('pusher:signin_success');
        await client.subscribe(channel, { data: { user_id: HOSTILE, user_info: { name: HOSTILE } } });
        for (const [args, has] of [[['users', '--app', APP.id], false], [['users', channel, '--app', APP.id], true], [['connections', '--app', APP.id], false]]) {
            const text = await done(ctx.daemon, ...args);
            assert.doesNotMatch(text, COMMANDS, args);
            assert.match(text, /x\?\]0;owned\?/);
            const printed = await done(ctx.daemon, ...args, '--json');
            assert.doesNotMatch(printed, COMMANDS, args);
            assert.equal(printed.split('\n').length, 2);
            const [item] = JSON.parse(printed).filter((one) => (one.user ?? one.id) === HOSTILE);
            assert.ok(item, printed);
            if (has) assert.equal(item.info.name, HOSTILE);
            // A terminal that takes each byte for a character gets none above 0x7f; one of UTF-8 gets the letters.
            for (const more of [[], ['--json']]) {
                const command = `${daemonPath} ctl ${[...args, ...more].join(' ')}`;
                const bytes = await onTerminal(command, { env: { LC_ALL: 'C' } });
                assert.equal(bytes.code, 0);
                // eslint-disable-next-line no-control-regex
                assert.match(bytes.stdout, /^[\r\n -~]+$/);
                assert.match((await onTerminal(command, { env: { LC_ALL: 'C.UTF-8' } })).stdout, /ěé𝄞/);
            }
        }
        await client.destroy();
        const asked = await ctl(ctx.daemon, 'kick', HOSTILE.replaceAll('\0', ''), '--app', APP.id);
        assert.equal(asked.code, 1);
        assert.doesNotMatch(asked.stderr, COMMANDS);
    });

    test('top on a terminal 40 columns wide; nothing has colours', async () => {
        const { code, stdout } = await onTerminal(`${daemonPath} ctl top --interval 0.1`, {
            cols: 40,
            input: async (run) => {
                await until(() => run.stdout.split('\x1b[H\x1b[2J').length > 3, () => `frames\n${run.stdout}`);
                run.child.stdin.write('q');
            },
        });
        assert.equal(code, 0);
        for (const frame of stdout.split('\x1b[H\x1b[2J').slice(1, -1)) for (const line of frame.split('\r\n')) assert.ok(line.length <= 40, line);
        for (const args of ['status', 'apps', 'channels', 'connections']) {
            // eslint-disable-next-line no-control-regex
            assert.doesNotMatch((await onTerminal(`${daemonPath} ctl ${args}`, { cols: 40 })).stdout, /\x1b/);
        }
    });

    test('top goes on asking when the daemon is away, and says so; q ends it all the same', async () => {
        const socket = join(ctx.daemon.dir, 'away.sock');
        const body = JSON.stringify({ state: 'ready\x1b[31m', version: '1\x9b31m', pid: 1, apps: [] });
        const server = createServer((one) => one.on('error', () => {}).on('data', () => one.end(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)));
        await new Promise((listening) => server.listen(socket, listening));
        const { code, stdout } = await onTerminal(`${daemonPath} ctl top --interval 0.1 --socket ${socket}`, {
            input: async (run) => {
                await until(() => run.stdout.includes('fanfared 1?31m  ready?[31m '), () => `a frame\n${run.stdout}`);
                await new Promise((closed) => server.close(closed));
                await until(() => run.stdout.includes('trying again'), () => `that it is away\n${run.stdout}`);
                await new Promise((listening) => server.listen(socket, listening));
                const before = run.stdout.length;
                await until(() => run.stdout.slice(before).includes('fanfared 1'), () => `that it is back\n${run.stdout}`);
                await new Promise((closed) => server.close(closed));
                const then = run.stdout.length;
                await until(() => run.stdout.slice(then).includes('trying again'), () => `that it is away\n${run.stdout}`);
                run.child.stdin.write('q');
            },
        });
        assert.equal(code, 3);
        assert.match(stdout, /\x1b\[\?1049lfanfared ctl: the daemon does not answer/);
    });

    test('output that nobody takes: a closed pipe ends it, a full disk is told of', async () => {
        const closed = new Process('bash', ['-c', `set -o pipefail; ${daemonPath} ctl top --json --interval 0.1 | head -n 1 | wc -l`], { env: environment() });
        await closed.exit();
        assert.equal(closed.stdout.trim(), '1');
        const full = openSync('/dev/full', 'w');
        const run = new Process(daemonPath, ['ctl', 'status'], { env: environment(), stdio: ['ignore', full, 'pipe'] });
        closeSync(full);
        assert.equal((await run.exit()).code, 1);
        assert.match(run.stderr, /cannot write all of it to standard output \(No space left/);
    });

    test('a daemon that is stopped: said after 5 seconds, with the status of one that is not there', async () => {
        ctx.daemon.process.kill('SIGSTOP');
        try {
            const begin = Date.now();
            const { code, stderr } = await ctl(ctx.daemon, 'status');
            assert.equal(code, 3);
            assert.match(stderr, /has not answered within 5 s: it is stopped, or has too much to do/);
            assert.ok(Date.now() - begin >= 4900);
        } finally {
            ctx.daemon.process.kill('SIGCONT');
        }
        assert.equal((await json(ctx.daemon, 'status')).state, 'ready');
    });

    test('completion of zsh, by zsh itself', async () => {
        const script = `
            zmodload zsh/zpty
            zpty z "TERM=dumb COLUMNS=100 zsh -f -i"
            zpty -w z "fpath=(${join(root, 'packaging/completion')} \\\${fpath:#*/Completion/(Unix|X|Linux|Debian|BSD|Darwin)}); autoload -Uz compinit; compinit -u -D; LISTMAX=1000; zle-line-init() { print -n edi''ted }; zle -N zle-line-init"
            # What is typed before the line is edited is only echoed.
            zpty -r z out '*edited*'
            for line in 'fanfared ctl \t' 'fanfared ctl stat\t--q\t' 'fanfared ctl log-level w\t' 'fanfared ctl channels --pre\t' 'fanfared ct\tno\t'; do
                zpty -w -n z $'\\x15'"$line@@"
                zpty -r z out '*@@*'
                print -r -- "$out"
                print -r -- '===='
            done
            zpty -d z`;
        const run = new Process('zsh', ['-f', '-c', script], { env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } });
        try {
            assert.equal((await run.exit()).code, 0, run.stderr);
        } finally {
            run.kill('SIGKILL');
        }
        const [all, status, level, prefix, word] = run.stdout.split('====\n');
        const commands = [...(await done(null, '--help')).matchAll(/^ {2}([a-z][a-z-]*)[ \n]/gm)].map(([, name]) => name).sort();
        assert.deepEqual([...all.matchAll(/^([a-z-]+) +-- /gm)].map(([, name]) => name).sort(), commands);
        assert.match(status, /ctl stat.*us .*--q.*uiet/s);
        assert.match(level, /log-level w.*arn/s);
        assert.match(prefix, /--pre.*fix/s);
        assert.match(word, /ct.*l .*no.*des/s);
    });
});
