// Faults drawn from a seed, one after the other and two at a time, under load; and what each client must have seen all the same.
//
// What is held to:
//  - Nobody misses, doubles or reorders a message of a publisher whose node lives. One exception, which must be counted: who is
//    away for longer than node_timeout is taken for dead, and nothing is kept for him; if Redis loses the log meanwhile, so does he.
//    Of one whose node was killed everybody has the
//    same beginning; of one whose node was stopped properly, all that was acknowledged.
//  - Members are told of a user's coming and going in turns, and of nothing as long as that user's node was neither gone nor
//    cut off. In the end everybody's list holds exactly those who are there.
//  - Nothing is counted as lost, no memory is kept, and each node answers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Nodes } from '../lib/cluster.mjs';
import { Load } from '../lib/load.mjs';
import { Redis, Wire } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const NODE_TIMEOUT = 5; // s; well above what a node needs to find Redis again after a fault of Redis
const MEMORY = 128 << 20; // resident bytes of a node at most

/** Numbers in [0, 1) that follow from a seed. */
function numbers(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

class Chaos {
    constructor({ seed, seconds, count = 3, say = () => {}, workers = [1, 2, 1], every = 25 }) {
        Object.assign(this, { seed, seconds, count, say, workers, every });
        this.random = numbers(seed);
        this.began = Date.now();
        this.timeline = [];
        this.busy = new Set(); // what a fault has hold of: 'redis', 'n1', ...
        this.shaken = new Set(); // users who may have left and come back
        this.away = []; // {name, from, to} of nodes that may have been taken for dead, in ms
        this.losses = []; // {from, to} of faults in which the log lost something, in ms
        this.deaths = []; // {publishers, at}
        this.seats = []; // {daemon, member, sessions, publisher, user} by node
        this.retired = []; // publishers of nodes that are no more
    }

    note(what) {
        const line = `${((Date.now() - this.began) / 1000).toFixed(2).padStart(7)} s  ${what}`;
        this.timeline.push(line);
        this.say(line);
    }

    between(from, to) {
        return from + this.random() * (to - from);
    }
    choose(list) {
        return list[Math.floor(this.random() * list.length)];
    }

    async start() {
        this.redis = await Redis.start();
        this.wires = [];
        for (let i = 0; i < this.count; i++) this.wires.push(await Wire.start(this.redis.port));
        this.nodes = await Nodes.start(this.count, {
            workers: this.workers,
            redis: this.redis.url,
            each: (i) => ({ redis: { url: this.wires[i].url } }),
            sections: { cluster: { node_timeout: NODE_TIMEOUT } },
        });
        this.load = new Load({ channels: 2, every: this.every });
        this.load.nodes = this.nodes;
        for (let i = 0; i < this.count; i++) {
            this.seats.push({ i, daemon: this.nodes.at(i), user: `user-${i + 1}` });
            await this.sit(this.seats[i]);
        }
        for (const { user } of this.seats) this.shaken.add(user);
        await this.agree();
        this.shaken.clear();
        for (const { member } of this.seats) member.changes.length = 0;
        for (const seat of this.seats) seat.publisher = this.load.publish(seat.daemon);
        await this.load.flowing();
    }

    /** Two subscribers and a member at a node that has (re)joined. */
    async sit(seat) {
        seat.sessions = [await this.load.listen(seat.daemon), await this.load.listen(seat.daemon)];
        seat.member = await this.load.join(seat.daemon, seat.user);
    }

    /** Nobody of that node hears any more. */
    rise(seat, proper) {
        for (const session of seat.sessions) session.closing = true;
        seat.member.over = true;
        this.shaken.add(seat.user);
        seat.gone = true;
        this.retired.push({ publisher: seat.publisher, proper, at: Date.now() });
        return this.retired.at(-1);
    }

    async back(seat) {
        await seat.daemon.launch();
        await this.introduced(seat);
        await this.sit(seat);
        seat.publisher = this.load.publish(seat.daemon);
        seat.gone = false;
    }

    /**
     * Waits until a node that has begun and the others know each other. Before, both may rightly miss what the other says: a
     * node that begins while others cannot be reached takes clients all the same.
     */
    async introduced(seat) {
        await until(async () => {
            const others = this.seats.filter((other) => other !== seat && !other.gone);
            const mine = await Nodes.report(seat.daemon);
            const self = mine.nodes.find((node) => node.self);
            for (const other of others) {
                const theirs = await Nodes.report(other.daemon);
                const id = theirs.nodes.find((node) => node.self).id;
                if (!mine.nodes.some((node) => node.id === id && node.known) || !theirs.nodes.some((node) => node.id === self.id && node.known)) return false;
            }
            return (await seat.daemon.http('/health/ready', { port: seat.daemon.adminPort })).status === 200;
        }, `n${seat.i + 1} and the others to know each other`, 60_000);
    }

    // ---- faults: each takes hold of something, harms, waits, and undoes ----

    faults() {
        const redis = (name, run, weight = 1) => ({ name, holds: ['redis'], run, weight });
        const node = (name, run, weight = 1) => this.seats.map((seat) => ({ name: `${name} n${seat.i + 1}`, holds: [`n${seat.i + 1}`], run: () => run(seat, this.wires[seat.i]), weight: weight / this.count }));
        const losing = async (run) => {
            const loss = { from: Date.now(), to: Infinity };
            this.losses.push(loss);
            await run();
            loss.to = Date.now() + 3000;
        };
        const alone = async (seat, run) => {
            const away = { name: seat.daemon.sections.cluster.node, from: Date.now(), to: Infinity };
            this.away.push(away);
            this.shaken.add(seat.user);
            await run();
            away.to = Date.now() + 8000; // until it has noticed, and is connected again
        };
        return [
            redis('Redis is killed, and empty when it is back', () => losing(async () => {
                await this.redis.kill();
                await sleep(this.between(0, 2500));
                await this.redis.launch();
            }), 2),
            redis('Redis stands still', async () => {
                this.redis.pause();
                await sleep(this.between(100, 3000));
                this.redis.resume();
            }, 2),
            redis('FLUSHALL', () => losing(() => this.redis.command('FLUSHALL'))),
            redis('the stream is deleted', () => losing(() => this.redis.command('DEL', 'fanfare:lane:0'))),
            redis('the stream is cut to 10 entries', () => losing(() => this.redis.command('XTRIM', 'fanfare:lane:0', 'MAXLEN', 10))),
            redis('all connections are ended', () => this.redis.hangUp(), 2),
            redis('no memory left', async () => {
                await this.redis.command('CONFIG', 'SET', 'maxmemory', '1');
                await sleep(this.between(100, 2000));
                await this.redis.command('CONFIG', 'SET', 'maxmemory', '0');
            }),
            ...node('killed:', async (seat) => {
                this.rise(seat, false);
                await seat.daemon.kill();
                await sleep(this.between(0, 1.6 * NODE_TIMEOUT * 1000));
                await this.back(seat);
            }, 2),
            ...node('ended properly:', async (seat) => {
                // What it has taken can only reach the others while it reaches Redis.
                const name = seat.daemon.sections.cluster.node;
                const reached = () => !this.busy.has('redis') && !this.away.some((away) => away.name === name && away.to > Date.now());
                const last = this.rise(seat, reached());
                await seat.daemon.stop({ keep: true });
                last.proper &&= reached();
                await sleep(this.between(0, 1000));
                await this.back(seat);
            }, 2),
            ...node('stands still for a moment:', async (seat) => {
                seat.daemon.process.kill('SIGSTOP');
                await sleep(this.between(50, 1000));
                seat.daemon.process.kill('SIGCONT');
            }, 2),
            // What this one has not read is in the log no more, and the others have to say again what they know to be there.
            ...this.seats.map((seat) => ({ name: `emptied while n${seat.i + 1} stands still`, holds: ['redis', `n${seat.i + 1}`], weight: 2 / this.count, run: () => losing(async () => {
                seat.daemon.process.kill('SIGSTOP');
                await sleep(this.between(50, 700));
                await this.redis.command('FLUSHALL');
                await sleep(this.between(0, 300));
                seat.daemon.process.kill('SIGCONT');
            }) })),
            ...node('stands still for long:', (seat) => alone(seat, async () => {
                seat.daemon.process.kill('SIGSTOP');
                await sleep(this.between(1.2, 1.7) * NODE_TIMEOUT * 1000);
                seat.daemon.process.kill('SIGCONT');
            })),
            ...node('cut off without a word:', (seat, wire) => alone(seat, async () => {
                wire.blackHole();
                await sleep(this.between(100, 4000));
                wire.heal();
            }), 2),
            ...node('its connections are reset:', async (seat, wire) => wire.reset()),
            ...node('replies come byte by byte:', async (seat, wire) => {
                wire.bytewise = true;
                await sleep(this.between(200, 1500));
                wire.bytewise = false;
            }),
            ...node('replies are late:', async (seat, wire) => {
                wire.delay = this.between(10, 400);
                await sleep(this.between(500, 2500));
                wire.delay = 0;
            }),
        ];
    }

    pick(all) {
        const free = all.filter(({ holds }) => holds.every((hold) => !this.busy.has(hold)));
        let at = this.random() * free.reduce((sum, { weight }) => sum + weight, 0);
        return free.find(({ weight }) => (at -= weight) <= 0) ?? free.at(-1);
    }

    async hand(end, all) {
        while (Date.now() < end && !this.failed) {
            await sleep(this.between(0, 800));
            const fault = this.pick(all);
            if (!fault) continue;
            for (const hold of fault.holds) this.busy.add(hold);
            this.note(fault.name);
            try {
                await fault.run();
                this.note(`over: ${fault.name}`);
            } finally {
                for (const hold of fault.holds) this.busy.delete(hold);
            }
        }
    }

    // ---- what must hold ----

    /** All nodes know each other, all news comes everywhere, all lists hold those who are there. */
    async agree() {
        await this.nodes.known(undefined, undefined, 60_000);
        this.note('all nodes know each other');
        if (this.load.publishers.length) await this.load.flowing();
        this.note('news comes everywhere');
        const users = this.seats.map(({ user }) => user).sort().join();
        const lists = () => this.seats.map(({ user, member }) => `${user}: ${member.ids}`).join('; ');
        await until(() => this.seats.every(({ member }) => member.ids.join() === users), () => `all to see ${users}; ${lists()}`, 30_000);
        await this.judge();
    }

    /** Whether a node was away while the log lost something. */
    missed(name) {
        return this.away.some((away) => away.name === name && this.losses.some(({ from, to }) => from < away.to && to > away.from));
    }

    /** What must not have happened, ever. */
    async judge() {
        for (const session of this.load.sessions) {
            assert.deepEqual(session.faults, [], `seen by ${session.name}`);
            const at = session.daemon.sections.cluster.node;
            if (this.missed(at)) {
                if (session.ended) continue; // and so has the node that has counted
                const counted = await this.nodes.sum('bus_lost_total', '', [session.daemon]);
                assert.ok(session.missing() <= counted, `${session.missing()} missing at ${session.name}, ${counted} counted`);
                continue;
            }
            const holes = [...session.seen].filter(([, { missing }]) => missing).map(([key, { missing, holes }]) => `${missing} of ${key} (${holes})`);
            assert.deepEqual(holes, [], `missing at ${session.name}`);
        }
        for (const member of this.load.members) {
            const last = new Map();
            for (const change of member.changes) {
                const user = change.slice(1).replace(/ again$/, '');
                assert.ok(!/ again$/.test(change) && last.get(user) !== change[0], `${member.user} at ${member.daemon.sections.cluster.node} was told ${member.changes}`);
                assert.ok(this.shaken.has(user), `${member.user} was told ${change} though nothing happened to that node`);
                last.set(user, change[0]);
            }
        }
    }

    async finish() {
        this.note('all is well again');
        await this.agree();
        await this.load.stop();
        await this.judge();
        for (const { publisher, proper, at } of this.retired) {
            const lossy = this.losses.some(({ from, to }) => from < at + 5000 && to > at - 5000);
            for (const channel of this.load.channels) {
                const ends = this.load.living.filter((session) => session.seen.get(`${publisher.name} ${channel}`)?.last != null).map((session) => [session.name, session.upTo(publisher, channel)]);
                const text = `ends of ${publisher.name} on ${channel}, of which ${publisher.sent.get(channel)} were acknowledged: ${JSON.stringify(ends)}`;
                for (const [, end] of ends) {
                    assert.ok(end <= publisher.tried.get(channel), text);
                    if (!lossy) assert.equal(end, ends[0][1], `unlike ${text}`);
                    if (!lossy && proper) assert.ok(end >= publisher.sent.get(channel), `missing ${text}`);
                }
            }
        }
        for (const node of this.nodes.running) {
            const name = node.sections.cluster.node;
            const metrics = await node.metrics();
            for (const [key, value] of metrics.values) {
                if (/^fanfare_bus_(lost|dropped|unsaid|unreadable)_total/.test(key) && !this.missed(name) && !this.excused(key)) assert.equal(value, 0, `${key} at ${name}`);
            }
            const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'))[1]) * 1024;
            assert.ok(resident < MEMORY || /san\b|asan|tsan/.test(node.binary), `${name} has ${resident} bytes resident`);
            await until(async () => (await node.metrics()).get('bus_kept_bytes') < 1 << 20, `${name} to keep nothing that others have`, 30_000);
        }
    }

    /** What a dead node had said and the log lost belongs to nobody any more: it is counted, and rightly. */
    excused(key) {
        return /^fanfare_bus_lost_total/.test(key) && this.retired.some(({ publisher, at }) => key.includes(`"${publisher.daemon.sections.cluster.node}"`) && this.losses.some(({ from, to }) => from < at + 5000 && to > at - 5000));
    }

    async stop() {
        for (const seat of this.seats) seat.daemon.process?.kill('SIGCONT');
        this.load?.close();
        await this.nodes?.stop({ check: !this.failed });
        for (const wire of this.wires ?? []) await wire.stop();
        await this.redis?.stop();
    }

    async run() {
        try {
            await this.start();
            this.note(`${this.count} nodes, seed ${this.seed}, for ${this.seconds} s`);
            const end = Date.now() + this.seconds * 1000;
            const all = this.faults();
            // Rounds, so that what has gone wrong is seen not long after.
            while (Date.now() < end) {
                const round = Math.min(end, Date.now() + 12_000);
                const hands = await Promise.allSettled([this.hand(round, all), this.hand(round, all)]);
                const bad = hands.find(({ status }) => status === 'rejected');
                if (bad) throw bad.reason;
                await this.agree();
                this.note('all agree');
            }
            await this.finish();
            return { counted: await this.nodes.sum('bus_lost_total'), faults: this.timeline.filter((line) => /over:/.test(line)).length, delivered: this.load.sessions.reduce((sum, { count = 0 }) => sum + count, 0) };
        } catch (error) {
            this.failed = true;
            error.message = `seed ${this.seed}: ${error.message}\n\nwhat happened:\n${this.timeline.join('\n')}\n\n${this.nodes?.log() ?? ''}`;
            throw error;
        } finally {
            await this.stop();
        }
    }
}

/** Runs for so many seconds and returns {faults, delivered, counted: as lost, rightly}; throws with the seed and what happened. */
export const chaos = (options) => new Chaos(options).run();
