// Load whose every message is numbered, and clients that know what they should have seen.
import assert from 'node:assert/strict';
import { APP } from './daemon.mjs';
import { Ipc } from './ipc.mjs';
import { until } from './wait.mjs';
import { Client } from './ws.mjs';

const now = () => performance.now();

/** Publishes numbered messages through one node, one after the other, until it is stopped or its node is gone. */
class Publisher {
    constructor(load, daemon, name) {
        Object.assign(this, { load, daemon, name, pid: daemon.pid });
        this.sent = new Map(load.channels.map((channel) => [channel, 0])); // what was acknowledged
        this.tried = new Map(this.sent); // what may have been taken
        this.broken = false; // its node died: the last ones may be missing, everywhere alike
    }

    async run() {
        let ipc;
        try {
            ipc = await Ipc.open(this.daemon.socket, APP, { ms: this.daemon.now() });
            await ipc.ping();
            let due = now();
            while (!this.load.stopping && !this.stopping) {
                const wave = [];
                for (const channel of this.load.channels) {
                    const n = this.tried.get(channel) + 1;
                    this.tried.set(channel, n);
                    wave.push(ipc.publish({ channel, event: 'load', data: JSON.stringify({ p: this.name, n, t: Math.round(now()), x: this.load.padding }) }).then(() => this.sent.set(channel, n)));
                }
                await Promise.all(wave);
                due = Math.max(due + this.load.every, now() - 5 * this.load.every);
                const left = due - now();
                await new Promise((done) => (left > 0 ? setTimeout(done, left) : setImmediate(done)));
            }
        } catch (error) {
            this.broken = true;
            this.why = error;
        } finally {
            ipc?.close();
        }
    }
}

/** One connection of a subscriber: what it sees of each publisher and channel must have no hole, no double and no step back. */
export class Session {
    static async open(load, daemon, name) {
        const session = new Session();
        Object.assign(session, { load, daemon, name, seen: new Map(), faults: [], late: 0, since: now() });
        session.client = await Client.open(daemon, { app: APP });
        session.client.ended.then(() => (session.ended = true));
        session.waiting = new Set(load.channels);
        // What comes is counted as it comes: messages of one channel may precede the confirmation of the next.
        const rest = session.client.frames;
        session.client.frames = { push: (item) => session.#take(item) };
        for (const item of rest.waiting.splice(0)) session.#take(item);
        for (const channel of load.channels) session.client.send(session.client.subscribeMessage(channel));
        await until(() => session.ended || !session.waiting.size, 'subscriptions under load');
        load.sessions.push(session);
        return session;
    }

    #take(item) {
        if (item.end || 'close' in item) {
            if (!this.closing && 'close' in item) this.faults.push(`closed with ${item.close} ${item.reason}`);
            return;
        }
        const message = JSON.parse(item.text);
        if (message.event === 'pusher_internal:subscription_succeeded') {
            this.waiting.delete(message.channel);
            // All that is taken from now on must come. Of what was taken before, the last may still come.
            for (const publisher of this.load.publishers) this.seen.set(`${publisher.name} ${message.channel}`, { first: publisher.tried.get(message.channel) + 1, last: null });
            return;
        }
        if (message.event !== 'load') {
            if (message.event !== 'pusher:pong') this.faults.push(`unexpected ${item.text}`);
            return;
        }
        const { p, n, t } = JSON.parse(message.data);
        this.count = (this.count ?? 0) + 1;
        const delay = now() - t;
        this.late = Math.max(this.late, delay);
        this.load.delays?.push(delay);
        const key = `${p} ${message.channel}`;
        let state = this.seen.get(key);
        if (!state) this.seen.set(key, (state = { first: 1, last: null }));
        if (state.last === null ? n > state.first : n !== state.last + 1) {
            if (state.last !== null && n <= state.last) this.faults.push(`${key}: ${n} after ${state.last}`);
            else state.missing = (state.missing ?? 0) + n - (state.last === null ? state.first : state.last + 1);
            if (state.missing && (state.holes ??= []).length < 5) state.holes.push(`${state.last}..${n}`);
        }
        state.last = Math.max(n, state.last ?? 0);
    }

    /** How many messages of publishers whose name starts so have not come though later ones have. */
    missing(prefix = '') {
        let total = 0;
        for (const [key, { missing = 0 }] of this.seen) if (key.startsWith(prefix)) total += missing;
        return total;
    }

    /** Up to which number of a publisher it has seen a channel. */
    upTo(publisher, channel) {
        const state = this.seen.get(`${publisher.name} ${channel}`);
        return state ? state.last ?? state.first - 1 : 0;
    }
}

/** A member of a presence channel who keeps a list as pusher-js does, and remembers each change. */
export class Member {
    static async open(daemon, channel, user, { app = APP } = {}) {
        const member = new Member();
        Object.assign(member, { user, channel, daemon, changes: [] });
        member.client = await Client.open(daemon, { app });
        const done = await member.client.subscribe(channel, { data: { user_id: user, user_info: { name: `name of ${user}` } } });
        member.users = new Map(Object.entries(JSON.parse(done.data).presence.hash));
        const rest = member.client.frames;
        member.client.frames = { push: (item) => member.#take(item) };
        for (const item of rest.waiting.splice(0)) member.#take(item);
        return member;
    }

    #take(item) {
        if (item.text === undefined) return;
        const message = JSON.parse(item.text);
        if (message.channel !== this.channel) return;
        const { user_id: id, user_info: info } = JSON.parse(message.data);
        if (message.event === 'pusher_internal:member_added') {
            if (this.users.has(id)) this.changes.push(`+${id} again`);
            else this.changes.push(`+${id}`);
            this.users.set(id, info);
        } else if (message.event === 'pusher_internal:member_removed') {
            if (!this.users.delete(id)) this.changes.push(`-${id} again`);
            else this.changes.push(`-${id}`);
        }
    }

    get ids() {
        return [...this.users.keys()].sort();
    }

    close() {
        return this.client.destroy();
    }
}

export class Load {
    /** every: ms between two waves of a publisher; a wave is a message for each channel. */
    constructor({ channels = 2, every = 20, size = 0 } = {}) {
        this.channels = Array.from({ length: channels }, (_, i) => `load-${process.pid}-${i}`);
        this.every = every;
        this.padding = 'x'.repeat(size);
        this.publishers = [];
        this.sessions = [];
        this.members = [];
        this.presence = `presence-load-${process.pid}`;
        this.runs = [];
    }

    /** Subscribers and members at each node first, then publishers. */
    static async on(nodes, { publishers = 1, subscribers = 1, members = 1, ...options } = {}) {
        const load = new Load(options);
        load.nodes = nodes;
        for (const daemon of nodes.running) {
            for (let i = 0; i < subscribers; i++) await load.listen(daemon);
            for (let i = 0; i < members; i++) await load.join(daemon, `${daemon.label}-${i}`);
        }
        const users = load.members.map(({ user }) => user).sort();
        await until(() => load.members.every((member) => member.ids.join() === users.join()), () => `all members to see all: ${JSON.stringify(load.members.map(({ user, ids }) => [user, ids]))}\n${nodes.log()}`);
        for (const member of load.members) member.changes.length = 0;
        for (const daemon of nodes.running) for (let i = 0; i < publishers; i++) load.publish(daemon);
        await load.flowing();
        return load;
    }

    listen(daemon) {
        return Session.open(this, daemon, `${daemon.label}#${this.sessions.length}`);
    }

    async join(daemon, user) {
        const member = await Member.open(daemon, this.presence, user);
        this.members.push(member);
        return member;
    }

    publish(daemon) {
        const publisher = new Publisher(this, daemon, `${daemon.label}:${this.publishers.length}`);
        this.publishers.push(publisher);
        this.runs.push(publisher.run());
        return publisher;
    }

    get living() {
        return this.sessions.filter((session) => !session.ended);
    }

    /** Every living subscriber hears something new of every publisher that publishes. */
    async flowing(sessions = this.living) {
        const from = this.publishers.filter(({ broken, stopping }) => !broken && !stopping);
        const marks = from.map((publisher) => publisher.tried.get(this.channels[0]) + 1);
        await until(() => sessions.every((session) => session.ended || from.every((publisher, i) => publisher.broken || session.upTo(publisher, this.channels[0]) >= marks[i])),
            () => `news of every publisher at every subscriber\n${this.#state()}`, 60_000);
    }

    /** As flowing, for what subscribers hear through their own node. */
    async flowingAtHome() {
        const pairs = this.publishers.filter(({ broken, stopping }) => !broken && !stopping).map((publisher) => ({ publisher, mark: publisher.tried.get(this.channels[0]) + 5 }));
        await until(() => pairs.every(({ publisher, mark }) => this.living.every((session) => session.daemon !== publisher.daemon || session.upTo(publisher, this.channels[0]) >= mark)),
            () => `news of each node's own publishers\n${this.#state()}`);
    }

    #state() {
        const lines = this.publishers.map((one) => `${one.name}: sent ${[...one.sent.values()]}${one.broken ? `, broken: ${one.why?.message}` : ''}`);
        for (const session of this.living) lines.push(`${session.name}: ${[...session.seen].map(([key, { last, missing = 0, holes = [] }]) => `${key.replace(/ .*-/, '/')}=${last}${missing ? ` missing ${missing} (${holes})` : ''}`).join(' ')} ${session.faults.slice(0, 3)}`);
        return `${lines.join('\n')}\n${this.nodes?.log() ?? ''}`;
    }

    /** Publishes no more, and waits until all that was acknowledged has come to all who live, or is known to be lost. */
    async stop() {
        this.stopping = true;
        await Promise.all(this.runs);
        const whole = this.publishers.filter(({ broken }) => !broken);
        await until(() => this.living.every((session) => whole.every((publisher) => this.channels.every((channel) => session.upTo(publisher, channel) >= publisher.sent.get(channel)))),
            () => `the last messages at every subscriber\n${this.#state()}`, 60_000);
        await this.nodes.flush();
    }

    /** Nothing was lost, doubled or reordered; nobody flickered. lost: as told by the caller, it was checked otherwise. */
    check({ lost = false, flicker = false } = {}) {
        for (const session of this.sessions) {
            assert.deepEqual(session.faults, [], `${session.name}\n${this.#state()}`);
            if (!lost) assert.equal(session.missing(), 0, `messages missing at ${session.name}\n${this.#state()}`);
        }
        for (const { broken, daemon, pid, name, why } of this.publishers) assert.ok(!broken || daemon.stopped || daemon.pid !== pid, `publisher ${name} has ended: ${why?.stack}`);
        // Of a publisher whose node died everybody has the same beginning.
        for (const publisher of this.publishers.filter(({ broken }) => broken)) {
            for (const channel of this.channels) {
                const ends = new Map(this.living.filter((session) => session.seen.get(`${publisher.name} ${channel}`)?.last != null).map((session) => [session.name, session.upTo(publisher, channel)]));
                const values = new Set(ends.values());
                assert.ok(values.size <= 1, `the end of ${publisher.name} on ${channel} differs: ${JSON.stringify([...ends])}`);
                for (const value of values) assert.ok(value <= publisher.tried.get(channel));
            }
        }
        if (!flicker) for (const member of this.members) assert.deepEqual(member.changes, [], `changes that ${member.user} was told of\n${this.#state()}`);
    }

    /** The whole: waits for the rest, checks, and closes everything. */
    async finish(options) {
        await this.stop();
        this.check(options);
        this.close();
    }

    close() {
        this.stopping = true;
        for (const session of this.sessions) {
            session.closing = true;
            session.client.destroy();
        }
        for (const member of this.members) member.close();
    }
}
