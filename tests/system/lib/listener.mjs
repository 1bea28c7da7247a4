// A listener of the daemon's events (docs/ipc.md, "Listening").
import { randomBytes } from 'node:crypto';
import { Ipc, frame, hello } from './ipc.mjs';
import { DEADLINE } from './wait.mjs';

export const LISTEN = 14, SETTLE = 15, LISTENING = 78, EVENT = 96, SNAPSHOT = 97;

export function event([, number, id, type, time, attempt, order, channel, user, socket, name, data, count]) {
    const fields = { number, id, type, time, attempt, order, channel, user, socket, event: name, data, count };
    for (const key of Object.keys(fields)) if (fields[key] === null) delete fields[key];
    return fields;
}

export class Listener {
    /** Connected and answered; throws an Error with .reason when refused. */
    static async open(path, app, { types = [], group = null, window = 16, ackMs = 30_000, snapshot = false, settle = true } = {}) {
        const listener = new Listener();
        listener.settles = settle;
        listener.ipc = await Ipc.open(path, app, { producer: randomBytes(16) });
        const answer = await listener.ipc.request(LISTEN, types, group, window, ackMs, snapshot);
        if (answer[0] !== LISTENING) {
            await listener.close();
            Ipc.receipt(answer);
        }
        [, , listener.created, listener.waiting, listener.order] = answer;
        return listener;
    }

    settle(numbers, done = true) {
        this.ipc.write(frame([SETTLE, ++this.ipc.seq, [numbers].flat(), done]));
    }

    /** The next event, which is settled unless told otherwise. */
    async next(what = 'an event', ms = DEADLINE) {
        const got = await this.ipc.inbox.take(what, ms);
        if (got === null) throw new Error(`the daemon closed the connection instead of ${what}`);
        if (got[0] !== EVENT) throw new Error(`${what}: got ${JSON.stringify(got)}`);
        if (this.settles) this.settle(got[1]);
        return event(got);
    }

    async take(n, what = `${n} events`) {
        const events = [];
        while (events.length < n) events.push(await this.next(`${what} (after ${events.length})`));
        return events;
    }

    /** What came until now: everything that was queued before the ping's answer. */
    async sofar() {
        const events = [];
        await this.ipc.ping();
        await this.ipc.ping();
        while (this.ipc.inbox.waiting.length) events.push(await this.next());
        return events;
    }

    /** The frames of a snapshot: {order, frames, channels: Map name -> {subscriptions, members: Map|null}}. */
    async snapshot() {
        const channels = new Map();
        for (let frames = 1; ; frames++) {
            const [type, , order, list, last] = await this.ipc.inbox.take('a frame of the snapshot');
            if (type !== SNAPSHOT) throw new Error(`a frame of type ${type} within the snapshot`);
            for (const [name, subscriptions, members] of list) {
                const known = channels.get(name) ?? { members: members && new Map() };
                known.subscriptions = subscriptions;
                for (const [id, info] of members ?? []) known.members.set(id, info);
                channels.set(name, known);
            }
            if (last) return { order, frames, channels };
        }
    }

    close() {
        return this.ipc.close();
    }
}

export { frame, hello };
