// Real Redis servers for tests: alone, with Sentinels, as a Cluster; each with a directory of its own, ended by pid. And a wire
// that stands between a node and Redis and does what networks do.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Process, freePort } from './daemon.mjs';
import { missingCommand } from './proxy.mjs';
import { deadline, until } from './wait.mjs';

/** Why there is no Redis to test with, or false. */
export const noRedis = missingCommand('redis-server') || missingCommand('redis-cli');
export const noSentinel = noRedis || missingCommand('redis-sentinel');

/** One reply of RESP 2 at `at`: [value, behind it], or undefined when it is not whole. Errors are values of class Error. */
function reply(bytes, at) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const line = bytes.toString('utf8', at + 1, end);
    const next = end + 2;
    const type = String.fromCharCode(bytes[at]);
    if (type === '+') return [line, next];
    if (type === '-') return [new Error(line), next];
    if (type === ':') return [Number(line), next];
    const n = Number(line);
    if (n < 0) return [null, next];
    if (type === '$') return bytes.length < next + n + 2 ? undefined : [bytes.toString('latin1', next, next + n), next + n + 2];
    const items = [];
    let position = next;
    while (items.length < n) {
        const one = reply(bytes, position);
        if (!one) return undefined;
        items.push(one[0]);
        position = one[1];
    }
    return [items, position];
}

/** A connection that sends commands one by one; texts come back byte by byte (latin1). */
export class Resp {
    #waiting = [];
    #rest = Buffer.alloc(0);

    static async connect(port, host = '127.0.0.1') {
        const socket = createConnection({ port, host, noDelay: true });
        await deadline(new Promise((done, fail) => socket.once('connect', done).once('error', fail)), `a connection to Redis on ${port}`);
        return new Resp(socket);
    }

    constructor(socket) {
        this.socket = socket;
        socket.on('error', () => {});
        socket.once('close', () => {
            this.closed = true;
            for (const { fail } of this.#waiting.splice(0)) fail(new Error('Redis closed the connection'));
        });
        socket.on('data', (chunk) => {
            this.#rest = Buffer.concat([this.#rest, chunk]);
            for (let one = reply(this.#rest, 0); this.#rest.length && one; one = this.#rest.length ? reply(this.#rest, 0) : undefined) {
                this.#rest = this.#rest.subarray(one[1]);
                const { done, fail } = this.#waiting.shift();
                if (one[0] instanceof Error) fail(one[0]);
                else done(one[0]);
            }
        });
    }

    command(...words) {
        if (this.closed) return Promise.reject(new Error('Redis closed the connection'));
        const answer = new Promise((done, fail) => this.#waiting.push({ done, fail }));
        const parts = words.map((word) => Buffer.from(String(word)));
        this.socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])]));
        return deadline(answer, `Redis to answer ${words.slice(0, 3).join(' ')}`);
    }

    close() {
        this.socket.destroy();
    }
}

const alive = new Set();
process.on('exit', () => {
    for (const one of alive) one.process?.kill('SIGKILL');
});

/** A port of which the one 10,000 above, for the Cluster's own connections, is free and below 32768 as well. */
async function busPort() {
    for (;;) {
        const port = await freePort();
        if (port < 22000 && (await new Promise((done) => {
            const server = createServer();
            server.once('error', () => done(false));
            server.listen(port + 10000, '127.0.0.1', () => server.close(() => done(true)));
        }))) return port;
    }
}

export class Redis {
    /** conf: lines of redis.conf beside what tests need. Nothing is kept on disk unless they say so. */
    static async start({ conf = [], port, password, clock, program = 'redis-server' } = {}) {
        const redis = new Redis();
        redis.program = program;
        redis.dir = mkdtempSync(join(tmpdir(), 'ff-redis-'));
        redis.port = port ?? (await freePort());
        redis.password = password;
        redis.clock = clock; // see clock.mjs
        redis.file = join(redis.dir, 'redis.conf');
        const lines = [`port ${redis.port}`, 'bind 127.0.0.1', 'protected-mode no', `dir ${redis.dir}`, 'daemonize no'];
        if (program === 'redis-server') {
            lines.push('save ""', 'appendonly no', 'repl-diskless-sync-delay 0');
            if (password) lines.push(`requirepass ${password}`, `masterauth ${password}`);
        }
        writeFileSync(redis.file, [...lines, ...conf, ''].join('\n'));
        try {
            await redis.launch();
        } catch (error) {
            await redis.stop();
            throw error;
        }
        return redis;
    }

    get url() {
        return `redis://${this.password ? `:${this.password}@` : ''}127.0.0.1:${this.port}/0`;
    }
    get address() {
        return `127.0.0.1:${this.port}`;
    }
    get pid() {
        return this.process.pid;
    }

    /** Starts it (again), on the same port and with what it has kept. */
    async launch() {
        alive.add(this);
        this.process = new Process(this.program, [this.file], { cwd: this.dir, env: { ...process.env, ...this.clock?.env } });
        await until(async () => {
            if (this.process.status) throw new Error(`${this.program} ended: ${JSON.stringify(this.process.status)}`);
            // A server that loads says so; a replica whose master is gone answers all the same.
            return (await this.command('PING')) === 'PONG';
        }, () => `${this.program} to answer on ${this.port}\n${this.process.stdout.slice(-2000)}`);
    }

    async command(...words) {
        if (!this.connection || this.connection.closed) {
            this.connection = await Resp.connect(this.port);
            if (this.password) await this.connection.command('AUTH', this.password);
        }
        return this.connection.command(...words);
    }

    /** Ends it at once; what it did not keep is gone. */
    async kill() {
        this.connection?.close();
        this.process.kill('SIGCONT');
        this.process.kill('SIGKILL');
        await this.process.exit();
        alive.delete(this);
    }

    pause() {
        this.process.kill('SIGSTOP');
    }
    resume() {
        this.process.kill('SIGCONT');
    }

    /** Ends the connections of all others. */
    async hangUp() {
        await this.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    }

    /** Names of the connections: [{name, ...}] of CLIENT LIST. */
    async clients() {
        const text = await this.command('CLIENT', 'LIST');
        return text.trim().split('\n').map((line) => Object.fromEntries(line.split(' ').map((pair) => pair.split(/=(.*)/s).slice(0, 2))));
    }

    /** A section of INFO as {name: text}. */
    async info(section) {
        const text = await this.command('INFO', section);
        return Object.fromEntries(text.split('\r\n').filter((line) => line.includes(':')).map((line) => line.split(/:(.*)/s).slice(0, 2)));
    }

    async stop() {
        if (!this.process.status) await this.kill();
        rmSync(this.dir, { recursive: true, force: true });
    }

    log() {
        return this.process.stdout.slice(-3000);
    }
}

/** A master, a replica and three Sentinels that agree by two. */
export class Sentinels {
    static name = 'watched';

    static async start({ downAfter = 1000, password } = {}) {
        const set = new Sentinels();
        set.all = [];
        set.password = password;
        set.servers = [await Redis.start({ password, conf: ['repl-backlog-size 1mb'] })];
        set.servers.push(await Redis.start({ password, conf: [`replicaof 127.0.0.1 ${set.servers[0].port}`] }));
        await until(async () => (await set.servers[1].info('replication')).master_link_status === 'up', 'the replica to follow its master');
        set.sentinels = [];
        for (let i = 0; i < 3; i++) {
            set.sentinels.push(await Redis.start({
                program: 'redis-sentinel',
                conf: [
                    `sentinel monitor ${Sentinels.name} 127.0.0.1 ${set.servers[0].port} 2`,
                    ...(password ? [`sentinel auth-pass ${Sentinels.name} ${password}`] : []),
                    `sentinel down-after-milliseconds ${Sentinels.name} ${downAfter}`,
                    `sentinel failover-timeout ${Sentinels.name} 3000`,
                    `sentinel parallel-syncs ${Sentinels.name} 1`,
                ],
            }));
        }
        await until(async () => {
            for (const sentinel of set.sentinels) {
                const master = await set.#master(sentinel);
                if (master['num-other-sentinels'] !== '2' || master['num-slaves'] !== '1' || master.flags !== 'master') return false;
            }
            return true;
        }, 'the Sentinels to know each other and the replica', 40_000);
        return set;
    }

    async #master(sentinel) {
        const list = await sentinel.command('SENTINEL', 'MASTER', Sentinels.name);
        return Object.fromEntries(Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]));
    }

    get sections() {
        return { redis: { sentinels: this.sentinels.map((one) => one.address).join(', '), master: Sentinels.name, ...(this.password ? { url: `redis://:${this.password}@/0` } : {}) } };
    }

    /** Which of the servers the Sentinels name as master. */
    async master() {
        const [, port] = await this.sentinels[0].command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', Sentinels.name);
        return this.servers.find((one) => one.port === Number(port));
    }

    /** Waits until another one than `old` is the master, for all Sentinels and by its own word. */
    async promoted(old) {
        return until(async () => {
            for (const sentinel of this.sentinels) {
                const [, port] = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', Sentinels.name);
                if (Number(port) === old.port) return false;
            }
            const now = await this.master();
            return (await now.info('replication')).role === 'master' && now;
        }, 'another master', 60_000);
    }

    async stop() {
        await Promise.all([...this.sentinels, ...this.servers].map((one) => one.stop()));
    }
}

function run(command, args, what) {
    return new Promise((done, fail) => {
        execFile(command, args, { timeout: 60_000 }, (error, stdout, stderr) => (error ? fail(new Error(`${what}: ${error.message}\n${stdout}${stderr}`)) : done(stdout)));
    });
}

/** Three masters with a replica each. */
export class RedisCluster {
    static async start({ masters = 3, replicas = 1, timeout = 1500 } = {}) {
        const set = new RedisCluster();
        set.servers = [];
        for (let i = 0; i < masters * (1 + replicas); i++) {
            set.servers.push(await Redis.start({
                port: await busPort(),
                conf: ['cluster-enabled yes', `cluster-config-file nodes.conf`, `cluster-node-timeout ${timeout}`, 'cluster-require-full-coverage no', 'cluster-replica-validity-factor 0'],
            }));
        }
        const addresses = set.servers.map((one) => one.address);
        await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', String(replicas), '--cluster-yes'], 'redis-cli --cluster create');
        await until(async () => {
            for (const server of set.servers) if (!/cluster_state:ok/.test(await server.command('CLUSTER', 'INFO'))) return false;
            return (await set.nodes()).filter((node) => node.flags.includes('slave') && node.link === 'connected').length === masters * replicas;
        }, 'the Cluster to be ok', 40_000);
        return set;
    }

    get sections() {
        return { redis: { cluster: this.servers.slice(0, 3).map((one) => one.address).join(', ') } };
    }

    /** CLUSTER NODES, as whoever runs tells it: [{id, port, flags, master, link, slots}]. */
    async nodes(from = this.servers.find((one) => !one.process.status)) {
        return (await from.command('CLUSTER', 'NODES')).trim().split('\n').map((line) => {
            const [id, address, flags, master, , , , link, ...slots] = line.split(' ');
            return { id, port: Number(/:(\d+)@/.exec(address)[1]), flags: flags.split(','), master, link, slots };
        });
    }

    async slot(key) {
        return this.servers.find((one) => !one.process.status).command('CLUSTER', 'KEYSLOT', key);
    }

    /** Who answers for a key now: {server, node, slot}. */
    async owner(key) {
        const slot = await this.slot(key);
        const nodes = await this.nodes();
        const node = nodes.find(({ flags, slots }) => flags.includes('master') && !flags.includes('fail') && slots.some((range) => {
            const match = /^(\d+)(?:-(\d+))?$/.exec(range);
            return match && slot >= Number(match[1]) && slot <= Number(match[2] ?? match[1]);
        }));
        return { slot, node, server: this.servers.find((one) => one.port === node?.port) };
    }

    /**
     * Moves the slot of a key to another master, step by step as resharding does: between the steps the old owner answers
     * ASK for keys that are gone already, at the end MOVED. `between` is awaited while the key is on its way.
     */
    async reshard(key, between = async () => {}) {
        const { slot, node: from, server: source } = await this.owner(key);
        const to = (await this.nodes()).find(({ id, flags }) => flags.includes('master') && !flags.includes('fail') && id !== from.id);
        const target = this.servers.find((one) => one.port === to.port);
        await target.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
        await source.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
        await between();
        for (;;) {
            const keys = await source.command('CLUSTER', 'GETKEYSINSLOT', slot, 10);
            if (!keys.length) break;
            await source.command('MIGRATE', '127.0.0.1', target.port, '', 0, 5000, 'KEYS', ...keys);
        }
        await between();
        await target.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
        await source.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
        for (const { port, flags } of await this.nodes()) {
            if (flags.includes('master') && !flags.includes('fail') && port !== source.port && port !== target.port) {
                await this.servers.find((one) => one.port === port).command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
            }
        }
        return { source, target };
    }

    async stop() {
        await Promise.all(this.servers.map((one) => one.stop()));
    }
}

/** TCP between a node and Redis. What is on its way can be cut into bytes, held, or swallowed without a word. */
export class Wire {
    static async start(port, host = '127.0.0.1') {
        const wire = new Wire();
        wire.target = { port, host };
        wire.pairs = new Set();
        wire.bytewise = false; // replies arrive byte by byte
        wire.delay = 0; // ms by which replies are late
        wire.hole = false; // nothing passes, and nobody is told
        wire.carried = 0; // bytes from Redis
        wire.port = await freePort();
        wire.server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => wire.#join(socket));
        await new Promise((done, fail) => wire.server.once('error', fail).listen(wire.port, '127.0.0.1', done));
        return wire;
    }

    get url() {
        return `redis://127.0.0.1:${this.port}/0`;
    }

    #join(client) {
        const server = createConnection({ ...this.target, noDelay: true });
        const pair = { client, server };
        this.pairs.add(pair);
        const end = () => {
            if (pair.holed) return; // whoever is behind a black hole hears of no end either
            this.pairs.delete(pair);
            client.destroy();
            server.destroy();
        };
        for (const socket of [client, server]) socket.on('error', () => {}).once('close', end);
        client.on('data', (chunk) => {
            if (this.hole) pair.holed = true;
            else if (!pair.holed) server.write(chunk);
        });
        pair.last = Promise.resolve();
        server.on('data', (chunk) => {
            if (this.hole) pair.holed = true;
            if (pair.holed) return;
            this.carried += chunk.length;
            if (!this.bytewise && !this.delay && !pair.late) {
                client.write(chunk);
                return;
            }
            pair.late = (pair.late ?? 0) + 1;
            pair.last = pair.last.then(async () => {
                if (this.delay) await new Promise((done) => setTimeout(done, this.delay));
                if (this.bytewise) {
                    // The head of each answer byte by byte, the rest in pieces: a busy machine has to keep up.
                    for (let i = 0, n = 1; i < chunk.length && !client.destroyed; i += n) {
                        n = !this.bytewise ? chunk.length : i < 64 ? 1 : 37;
                        client.write(chunk.subarray(i, i + n));
                        await new Promise((done) => setImmediate(done));
                    }
                } else client.write(chunk);
                pair.late--;
            });
        });
        client.resume();
    }

    /** From now on nothing passes, and no connection ends; what was open stays lost when it is over. */
    blackHole() {
        this.hole = true;
        for (const pair of this.pairs) pair.holed = true;
    }

    /** New connections pass again. Those that were swallowed are left to whoever holds them. */
    heal() {
        this.hole = false;
        for (const pair of this.pairs) if (pair.holed) pair.client.once('close', () => pair.server.destroy());
    }

    /** Ends every connection with a reset. */
    reset() {
        for (const { client, server } of this.pairs) {
            client.resetAndDestroy();
            server.destroy();
        }
    }

    async stop() {
        for (const pair of this.pairs) {
            pair.client.destroy();
            pair.server.destroy();
        }
        await new Promise((done) => this.server.close(done));
    }
}
