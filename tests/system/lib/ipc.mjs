// A client of the IPC protocol (docs/ipc.md): publishes without PHP, and can send hostile bytes.
import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { decode, encode } from './msgpack.mjs';
import { twoNodes } from './daemon.mjs';
import { helloMac } from './sign.mjs';
import { DEADLINE, Inbox, deadline } from './wait.mjs';

export const HELLO = 1, PUBLISH = 2, BATCH = 3, PING = 4, STATS = 5;
export const TERMINATE = 6, DISCONNECT = 7, CHANNELS = 8, CHANNEL = 9, MEMBERS = 10, CONNECTIONS = 11;
export const CLUSTER_PUBLISH = 12, CLUSTER_BATCH = 13;
export const ERROR = 64, ACK = 66, BATCH_ACK = 67, PONG = 68, STATS_REPLY = 69;
export const TERMINATED = 70, DISCONNECTED = 71, CHANNELS_REPLY = 72, CHANNEL_REPLY = 73, MEMBERS_REPLY = 74, CONNECTIONS_REPLY = 75;
export const CLUSTER_ACK = 76, CLUSTER_BATCH_ACK = 77;
export const CONTROL = 16, SOCKETS = 17, CONTROLLED = 80, SOCKETS_REPLY = 81;

export function frame(value) {
    const body = Buffer.isBuffer(value) ? value : encode(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
}

export function hello(app, { version = 1, producer = randomBytes(16), ms = Date.now(), mac, name = 'tests', signAs = app.id } = {}) {
    return [HELLO, 0, version, app.id, producer, ms, mac ?? helloMac(app.secret, signAs, producer, ms), name];
}

export class Ipc {
    #pending = new Map();
    #rest = Buffer.alloc(0);

    constructor(socket) {
        this.socket = socket;
        this.seq = 0;
        this.inbox = new Inbox(); // every frame that no request of ours waits for, and finally null
        this.ended = new Promise((done) => socket.once('close', done));
        this.ended.then(() => {
            this.closed = true;
            this.inbox.push(null);
            for (const { reject } of this.#pending.values()) reject(new Error('the daemon closed the IPC connection'));
            this.#pending.clear();
        });
        socket.on('error', () => {});
        socket.on('data', (chunk) => this.#read(chunk));
    }

    /** Connected, without a hello. */
    static async connect(path) {
        const socket = createConnection({ path });
        await deadline(new Promise((done, fail) => socket.once('connect', done).once('error', fail)), `a connection to ${path}`);
        return new Ipc(socket);
    }

    /** Connected with a hello in front, which is sent along with the first frame. */
    static async open(path, app, options = {}) {
        const ipc = await Ipc.connect(path);
        ipc.producer = options.producer ?? randomBytes(16);
        ipc.write(frame(hello(app, { ...options, producer: ipc.producer })));
        return ipc;
    }

    #read(chunk) {
        this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
        let at = 0;
        while (this.#rest.length - at >= 4) {
            const length = this.#rest.readUInt32BE(at);
            if (this.#rest.length - at < 4 + length) break;
            const message = decode(this.#rest.subarray(at + 4, at + 4 + length));
            at += 4 + length;
            const waiting = this.#pending.get(message[1]);
            if (waiting) {
                this.#pending.delete(message[1]);
                waiting.resolve(message);
            } else this.inbox.push(message);
        }
        this.#rest = this.#rest.subarray(at);
    }

    write(bytes) {
        this.socket.write(bytes);
    }

    /** Sends [type, seq, ...rest] and returns the answer, errors included. */
    request(type, ...rest) {
        const seq = ++this.seq;
        return this.requestAs(seq, type, ...rest);
    }

    requestAs(seq, type, ...rest) {
        if (this.closed) return Promise.reject(new Error('the daemon has closed the IPC connection'));
        const answer = new Promise((resolve, reject) => this.#pending.set(seq, { resolve, reject }));
        this.write(frame([type, seq, ...rest]));
        return deadline(answer, `the answer to IPC frame ${type}/${seq}`, DEADLINE);
    }

    static message({ channels, channel, event = 'E', except = null, key = null, data = '{}' }) {
        return [channels ?? [channel], event, except, key, typeof data === 'string' || Buffer.isBuffer(data) || data?.bytes ? data : JSON.stringify(data)];
    }

    /** -> {id, recipients, duplicate}; throws an Error with .reason and .index. On two nodes recipients are those of both. */
    async publish(message) {
        const ack = twoNodes && message.channel !== 'probe' ? [CLUSTER_PUBLISH, DEADLINE] : [PUBLISH];
        return Ipc.receipt(await this.request(...ack, ...Ipc.message(message)));
    }

    async batch(messages) {
        const ack = twoNodes ? [CLUSTER_BATCH, DEADLINE] : [BATCH];
        const answer = await this.request(...ack, messages.map(Ipc.message));
        if (answer[0] !== (twoNodes ? CLUSTER_BATCH_ACK : BATCH_ACK)) Ipc.receipt(answer);
        return answer[2].map(([id, recipients, duplicate]) => ({ id, recipients, duplicate }));
    }

    static receipt(answer) {
        if (answer[0] === ACK || answer[0] === CLUSTER_ACK) return { id: answer[2], recipients: answer[3], duplicate: answer[4] };
        const [type, , reason, text, index] = answer;
        throw Object.assign(new Error(`IPC answer ${type}: ${reason}: ${text}`), { reason, text, index });
    }

    /** publish() that the cluster acknowledges; ms: how long the daemon may wait for it. */
    async confirmed(message, ms = 10_000) {
        return Ipc.receipt(await this.request(CLUSTER_PUBLISH, ms, ...Ipc.message(message)));
    }

    async ping() {
        const answer = await this.request(PING);
        if (answer[0] !== PONG) Ipc.receipt(answer);
    }

    async stats() {
        const answer = await this.request(STATS);
        if (answer[0] !== STATS_REPLY) Ipc.receipt(answer);
        return answer[2];
    }

    /** A question; the answer without its type and seq. Throws as publish() does. */
    async ask(type, ...rest) {
        const answer = await this.request(type, ...rest);
        if (answer[0] !== type + 64) Ipc.receipt(answer);
        return answer[2];
    }

    static channel([name, occupied, subscriptions, users, cache]) {
        return { name, occupied, subscriptions, users, cache: cache && { data: cache[0], ttl: cache[1] } };
    }

    async channels(prefix = null, attributes = []) {
        return (await this.ask(CHANNELS, prefix, attributes)).map(Ipc.channel);
    }

    async channel(name, attributes = []) {
        return Ipc.channel(await this.ask(CHANNEL, name, attributes));
    }

    async members(channel) {
        return (await this.ask(MEMBERS, channel)).map(([id, info]) => ({ id, info }));
    }

    connections() {
        return this.ask(CONNECTIONS);
    }

    /** 'stop', 'restart' or 'reload'; throws as publish() does. */
    control(action) {
        return this.ask(CONTROL, action);
    }

    /** One page of connections. */
    async sockets(after = null, limit = 100) {
        const [type, , list, next, partial] = await this.request(SOCKETS, after, limit);
        if (type !== SOCKETS_REPLY) Ipc.receipt([type, 0, list, next, partial]);
        return { list: list.map(([id, user, address, opened, subscriptions]) => ({ id, user, address, opened, subscriptions })), next, partial };
    }

    terminate(user) {
        return this.ask(TERMINATE, user);
    }

    disconnect(socketId) {
        return this.ask(DISCONNECT, socketId);
    }

    close() {
        this.socket.destroy();
        return this.ended;
    }
}
