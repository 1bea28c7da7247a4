// Starts fanfared for a test: own temporary directory, free ports, stderr kept, ended by pid.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { daemonPath } from './paths.mjs';
import { deadline, until } from './wait.mjs';

/** Ports stay below 32768: above, a client's socket may hold the port. */
export async function freePort() {
    for (;;) {
        const port = 11000 + Math.floor(Math.random() * 21000);
        const free = await new Promise((done) => {
            const server = createServer();
            server.once('error', () => done(false));
            server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
        });
        if (free) return port;
    }
}

/** FANFARE_TEST_TLS = DIR: everything over TLS, with the pair DIR/server.pem and DIR/server.key; see over-tls.mjs. */
export const overTls = process.env.FANFARE_TEST_TLS && (() => ({ certificate: `${process.env.FANFARE_TEST_TLS}/server.pem`, key: `${process.env.FANFARE_TEST_TLS}/server.key` }));

/** FANFARE_TEST_NODES = 2: two nodes, see pair.mjs. */
export const twoNodes = process.env.FANFARE_TEST_NODES === '2';

export const APP = { id: 'app1', key: 'key1', secret: 'secret-of-app1' };
export const APP2 = { id: 'app2', key: 'key2', secret: 'secret-of-app2' };

function ini(sections) {
    const lines = [];
    for (const [name, keys] of Object.entries(sections)) {
        lines.push(`[${name}]`);
        // An array is a list, continued line by line: a line has its limit.
        for (const [key, value] of Object.entries(keys)) for (const one of [value].flat()) lines.push(`${key} = ${one}`);
        lines.push('');
    }
    return lines.join('\n');
}

/** Text that only a sanitizer or a failed assertion writes. */
const REPORT = /(ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .*failed|SUMMARY: \w+Sanitizer)/;

export function connectable(port, host = '127.0.0.1') {
    return new Promise((done) => {
        const socket = createConnection({ port, host });
        socket.once('connect', () => {
            socket.destroy();
            done(true);
        });
        socket.once('error', () => done(false));
    });
}

/** A started process whose output is kept. */
export class Process {
    constructor(command, args, options = {}) {
        this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
        this.stdout = '';
        this.stderr = '';
        this.child.stdout?.on('data', (chunk) => (this.stdout += chunk));
        this.child.stderr?.on('data', (chunk) => (this.stderr += chunk));
        this.exited = new Promise((done) => {
            this.child.once('error', (error) => done({ code: null, signal: null, error }));
            this.child.once('close', (code, signal) => done({ code, signal }));
        });
        this.exited.then((status) => (this.status = status));
    }
    get pid() {
        return this.child.pid;
    }
    kill(signal) {
        if (!this.status) this.child.kill(signal);
    }
    async exit(ms) {
        return deadline(this.exited, () => `process ${this.pid} to end\n${this.stderr}`, ms);
    }
}

/** Runs the daemon to its end: for --help, errors and the like. */
export async function runDaemon(args, { env = {}, cwd, ms } = {}) {
    const process_ = new Process(daemonPath, args, { env: { PATH: process.env.PATH, ...env }, cwd });
    const status = await process_.exit(ms).catch((error) => {
        process_.kill('SIGKILL');
        throw error;
    });
    return { ...status, stdout: process_.stdout, stderr: process_.stderr };
}

/** The pid that the admin listener on this port gives, if there is one. */
async function pidBehind(port) {
    try {
        const response = await fetch(`http://127.0.0.1:${port}/stats`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(1000) });
        return (await response.json()).pid;
    } catch {
        return undefined;
    }
}

export class Daemon {
    /**
     * sections are merged over a configuration with two applications, app1 and app2; a section set to null is left out.
     * Waits until the daemon accepts connections.
     */
    static async start(options = {}) {
        if (!twoNodes || options.sections?.redis) return Daemon.#alone(options);
        const { Pair, shared } = await import('./pair.mjs');
        const common = await shared();
        const both = [];
        for (const node of ['first', 'second']) {
            const sections = { ...options.sections, ...common, cluster: { ...common.cluster, node } };
            both.push(await Daemon.#alone({ ...options, sections }));
        }
        const [daemon, twin] = both;
        await Pair.of(daemon, twin);
        daemon.ownSocket = daemon.socket;
        daemon.socket = twin.socket;
        daemon.twin = twin;
        return daemon;
    }

    static async #alone({ workers = 1, sections = {}, env = {}, dir, port, adminPort, file = true, args, descriptors, binary = daemonPath, prefix, stderr = 'pipe' } = {}) {
        for (let attempt = 0; ; attempt++) {
            const daemon = new Daemon();
            daemon.ownDir = !dir;
            daemon.dir = dir ?? mkdtempSync(join(tmpdir(), 'ff-'));
            daemon.port = port ?? (await freePort());
            daemon.adminPort = adminPort ?? (await freePort());
            daemon.socket = join(daemon.dir, 'f.sock');
            // TLS is on the port that tests dial; the plain listener is somewhere else.
            if (overTls) daemon.plainPort = await freePort();
            const config = {
                server: { listen: `127.0.0.1:${daemon.plainPort ?? daemon.port}`, workers },
                ...(overTls && { tls: { listen: `127.0.0.1:${daemon.port}`, ...overTls() } }),
                ipc: { socket: daemon.socket },
                admin: { listen: `127.0.0.1:${daemon.adminPort}` },
                'app "app1"': { key: APP.key, secret: APP.secret },
                'app "app2"': { key: APP2.key, secret: APP2.secret },
            };
            for (const [name, keys] of Object.entries(sections)) {
                if (keys === null) delete config[name];
                else config[name] = { ...config[name], ...keys };
            }
            daemon.sections = config;
            if (file) {
                daemon.config = join(daemon.dir, 'fanfare.conf');
                writeFileSync(daemon.config, ini(config), { mode: 0o600 });
            }
            daemon.command = args ?? (file ? ['--config', daemon.config] : []);
            // `descriptors` limits how many files it may open; `prefix` is a command that starts it; `stderr` is where it logs to.
            daemon.binary = binary;
            daemon.prefix = prefix ?? (descriptors ? ['prlimit', `--nofile=${descriptors}`] : []);
            daemon.stdio = ['ignore', 'pipe', stderr];
            daemon.env = { PATH: process.env.PATH, ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '', TSAN_OPTIONS: process.env.TSAN_OPTIONS ?? '', ...env };
            try {
                await daemon.launch();
                return daemon;
            } catch (error) {
                await daemon.stop({ check: false });
                // Somebody else took the port between the check and the bind.
                if (attempt >= 3 || port || !/in use/i.test(error.message)) throw error;
            }
        }
    }

    /**
     * Merges sections into the file (null: without that section; or the file's whole text), sends SIGHUP and waits until every
     * worker has taken it. Returns the lines logged meanwhile; a reload that fails or is ignored is an error with them unless
     * `fails` is set, and then the other way round.
     */
    async reload(sections = {}, { fails = false } = {}) {
        if (typeof sections === 'string') writeFileSync(this.config, sections);
        else {
            for (const [name, keys] of Object.entries(sections)) {
                if (keys === null) delete this.sections[name];
                else this.sections[name] = { ...this.sections[name], ...keys };
            }
            writeFileSync(this.config, ini(this.sections));
        }
        const before = this.stderr.length;
        const lines = () => this.stderr.slice(before);
        this.process.kill('SIGHUP');
        await until(() => /(config: |"message":")(reloaded: |reload failed|SIGHUP: (?!reading)).*\n/.test(lines()), () => `the reload\n${this.stderr}`);
        if (fails !== !/(config: |"message":")reloaded: /.test(lines())) throw new Error(`the reload ${fails ? 'succeeded' : 'failed'}\n${lines()}`);
        return lines();
    }

    /** Starts the process (again, after kill()). */
    async launch() {
        this.stopped = false;
        this.past = (this.past ?? '') + (this.process?.stderr ?? '');
        const [command, ...args] = [...this.prefix, this.binary, ...this.command];
        this.process = new Process(command, args, { env: this.env, cwd: this.dir, stdio: this.stdio });
        // A port that answers may be somebody else's, and the socket is there before the port is tried: the daemon itself must say so.
        await until(async () => {
            if (this.process.status) return true;
            return /ready: \d+ worker/.test(this.process.stderr) || (await pidBehind(this.adminPort)) === this.process.pid;
        }, () => `fanfared to listen on ${this.port}\n${this.process.stderr}`);
        if (this.process.status) throw new Error(`fanfared ended at once: ${JSON.stringify(this.process.status)}\n${this.process.stderr}`);
    }

    get pid() {
        return this.process.pid;
    }
    get stderr() {
        return this.process.stderr;
    }

    /** kill -9, as the kernel's out-of-memory killer would. */
    async kill() {
        this.stopped = true;
        this.process.kill('SIGKILL');
        await this.process.exit();
    }

    /** SIGTERM; checks that it ends with 0, in time, and without a sanitizer's report. */
    async stop({ check = true, keep = false } = {}) {
        if (!this.process) return null;
        if (this.twin) {
            this.pair.close();
            await this.twin.stop({ check, keep });
        }
        let status = this.process.status;
        if (!this.stopped) {
            this.stopped = true;
            if (check && status) throw new Error(`fanfared died: ${JSON.stringify(status)}\n${this.stderr}`);
            this.process.kill('SIGTERM');
            try {
                status = await this.process.exit(15_000);
            } catch (error) {
                this.process.kill('SIGKILL');
                await this.process.exit();
                if (check) throw error;
            }
            if (check && status.code !== 0) throw new Error(`fanfared ended with ${JSON.stringify(status)}\n${this.stderr}`);
        }
        if (this.ownDir && !keep) rmSync(this.dir, { recursive: true, force: true });
        if (check && REPORT.test(this.past + this.stderr)) throw new Error(`fanfared wrote a report:\n${this.past}${this.stderr}`);
        return status;
    }

    async http(path, { port = this.port, method = 'GET', headers = {} } = {}) {
        const response = await fetch(`${overTls && port === this.port ? 'https' : 'http'}://127.0.0.1:${port}${path}`, { method, headers: { connection: 'close', ...headers } });
        return { status: response.status, headers: response.headers, text: await response.text() };
    }

    /** The counters of /metrics: metric(labels) -> number. */
    async metrics() {
        const { text } = await this.http('/metrics', { port: this.adminPort });
        const values = new Map();
        for (const line of text.split('\n')) {
            const match = /^([a-z_][a-z0-9_]*(?:\{[^}]*\})?) ([-+0-9.eE]+|NaN)$/.exec(line);
            if (match) values.set(match[1], Number(match[2]));
        }
        const find = (name, labels) => {
            for (const [key, value] of values) {
                const [base, rest = ''] = key.split(/(?=\{)/);
                if ((base === name || base === `fanfare_${name}` || base === `fanfared_${name}`) && (!labels || rest.includes(labels))) return value;
            }
            return undefined;
        };
        return { text, values, get: find };
    }
}
