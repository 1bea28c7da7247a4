// A raw WebSocket client over node:net: it can send anything, and sees exactly what the daemon sent.
import { createHash, randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { connect as tlsConnect } from 'node:tls';
import assert from 'node:assert/strict';
import { auth } from './sign.mjs';
import { overTls } from './daemon.mjs';
import { DEADLINE, Inbox, deadline } from './wait.mjs';

export const TEXT = 1, BINARY = 2, CONTINUATION = 0, CLOSE = 8, PING = 9, PONG = 10;

/** One frame as a client sends it, well formed unless asked otherwise. */
export function clientFrame(payload, { opcode = TEXT, fin = true, rsv = 0, mask = true, form, length } = {}) {
    const body = Buffer.from(payload);
    const n = length ?? body.length;
    const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
    const bit = mask ? 0x80 : 0;
    const size = form ?? (n < 126 ? 7 : n < 65536 ? 16 : 64);
    let head;
    if (size === 7) head = Buffer.from([first, bit | n]);
    else if (size === 16) head = Buffer.from([first, bit | 126, n >> 8, n & 255]);
    else {
        head = Buffer.alloc(10);
        head[0] = first;
        head[1] = bit | 127;
        head.writeBigUInt64BE(BigInt(n), 2);
    }
    if (!mask) return Buffer.concat([head, body]);
    const key = randomBytes(4);
    const masked = Buffer.from(body);
    for (let i = 0; i < masked.length; i++) masked[i] ^= key[i & 3];
    return Buffer.concat([head, key, masked]);
}

/** A message as permessage-deflate sends it: without the last four bytes of a flush. */
export function pack(payload, windowBits = 15) {
    const packed = deflateRawSync(Buffer.from(payload), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
    return packed.subarray(0, -4);
}

/** The reverse, by a client whose window has 2^windowBits bytes and is empty. */
export function unpack(payload, windowBits = 15) {
    return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
}

export const closePayload = (code, reason = '') => Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

export function handshake(path, { key = randomBytes(16).toString('base64'), headers = {}, host = '127.0.0.1' } = {}) {
    const lines = { Host: host, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key, ...headers };
    const text = [`GET ${path} HTTP/1.1`];
    for (const [name, value] of Object.entries(lines)) if (value !== null) for (const one of [value].flat()) text.push(`${name}: ${one}`);
    return `${text.join('\r\n')}\r\n\r\n`;
}

/** A TCP connection whose bytes are read as an HTTP response head, then as WebSocket frames. */
export class Raw {
    #bytes = Buffer.alloc(0);
    #upgraded = false;
    #fragments = null;
    #ended;

    constructor(socket) {
        this.socket = socket;
        this.frames = new Inbox(); // {text} {close, reason} {ping} {pong} {end}
        this.responses = new Inbox(); // {status, headers, body}; null at the end
        this.log = [];
        this.wireBytes = 0; // of the frames that were received
        this.ended = new Promise((done) => (this.#ended = done));
        socket.on('error', (error) => (this.error = error));
        socket.on('data', (chunk) => {
            this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, chunk]) : chunk;
            this.#read();
        });
        socket.once('close', () => this.#end());
    }

    #end() {
        if (this.closed) return;
        this.closed = true;
        this.responses.push(null);
        this.#push({ end: true });
        this.#ended();
    }

    /** secure: the options of tls.connect, or nothing. */
    static async connect(port, host = '127.0.0.1', secure = overTls && { rejectUnauthorized: false }) {
        const plain = createConnection({ port, host, noDelay: true, allowHalfOpen: false });
        const socket = secure ? tlsConnect({ socket: plain, ...secure }) : plain;
        await deadline(new Promise((done, fail) => socket.once(secure ? 'secureConnect' : 'connect', done).once('error', fail)), `a connection to port ${port}`);
        const raw = new Raw(socket);
        raw.plain = plain;
        return raw;
    }

    /** Ends with a reset. Node 18 tells only the socket below TLS that it is closed, and the one above would be waited for without end. */
    reset() {
        this.plain.once('close', () => this.#end());
        this.plain.resetAndDestroy();
    }

    write(bytes) {
        this.socket.write(bytes);
    }

    #push(item) {
        this.log.push(item);
        if (this.log.length > 50) this.log.shift();
        this.frames.push(item);
    }

    #read() {
        while (!this.#upgraded) {
            const end = this.#bytes.indexOf('\r\n\r\n');
            if (end < 0) return;
            const [first, ...lines] = this.#bytes.subarray(0, end).toString('latin1').split('\r\n');
            const headers = {};
            for (const line of lines) {
                const colon = line.indexOf(':');
                headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
            }
            const status = Number(first.split(' ')[1]);
            const length = status === 101 ? 0 : Number(headers['content-length'] ?? 0);
            if (this.#bytes.length < end + 4 + length) return;
            const body = this.#bytes.subarray(end + 4, end + 4 + length).toString();
            this.#bytes = this.#bytes.subarray(end + 4 + length);
            this.#upgraded = status === 101;
            const extension = headers['sec-websocket-extensions'];
            if (this.#upgraded && extension) this.windowBits = Number(/server_max_window_bits=(\d+)/.exec(extension)?.[1] ?? 15);
            this.responses.push({ status, headers, body, first });
        }
        let at = 0;
        for (;;) {
            const b = this.#bytes.subarray(at);
            if (b.length < 2) break;
            let n = b[1] & 127;
            let head = 2;
            if (n === 126) {
                if (b.length < 4) break;
                n = b.readUInt16BE(2);
                head = 4;
            } else if (n === 127) {
                if (b.length < 10) break;
                n = Number(b.readBigUInt64BE(2));
                head = 10;
            }
            if (b.length < head + n) break;
            assert.equal(b[1] & 0x80, 0, 'a server must not mask');
            const packed = (b[0] & 0x70) === 0x40 && this.windowBits !== undefined && [TEXT, BINARY].includes(b[0] & 15);
            if (!packed) assert.equal(b[0] & 0x70, 0, 'reserved bits must be 0');
            this.wireBytes += head + n;
            const payload = packed ? unpack(b.subarray(head, head + n), this.windowBits) : Buffer.from(b.subarray(head, head + n));
            at += head + n;
            this.#frame(b[0] & 15, (b[0] & 0x80) !== 0, payload, packed);
        }
        this.#bytes = this.#bytes.subarray(at);
    }

    #frame(opcode, fin, payload, packed) {
        if (opcode === CLOSE) this.#push({ close: payload.length >= 2 ? payload.readUInt16BE(0) : 1005, reason: payload.subarray(2).toString() });
        else if (opcode === PING) this.#push({ ping: payload });
        else if (opcode === PONG) this.#push({ pong: payload });
        else if (opcode === TEXT && fin && this.#unasked(payload)) this.write(clientFrame('{"event":"pusher:pong"}'));
        else if (opcode === TEXT && fin) this.#push({ text: payload.toString(), bytes: payload, ...(packed ? { packed } : {}) });
        else if (opcode === BINARY && fin) this.#push({ binary: payload, ...(packed ? { packed } : {}) });
        else this.#push({ unexpected: opcode, fin, payload });
    }

    /**
     * Whether this is a ping of a daemon whose test did not set how often to ping: on a busy machine any test can take longer
     * than the default, and is about something else.
     */
    #unasked(payload) {
        return this.daemon !== undefined && this.daemon.sections?.limits?.ping_interval === undefined && payload.toString('latin1', 0, 22) === '{"event":"pusher:ping"';
    }

    response() {
        return this.responses.take('an HTTP response');
    }

    /** Ends without a goodbye. */
    destroy() {
        this.socket.destroy();
        return this.ended;
    }
}

/** A client of the Pusher protocol on a raw connection. */
export class Client extends Raw {
    /** target: a Daemon. Sends the handshake; see established(). */
    static async dial(target, { app = { key: 'key1' }, path, query = 'protocol=7&client=js&version=8.6.0&flash=false', headers, glue, apart } = {}) {
        const raw = await Raw.connect(target.port, undefined, target.secure);
        Object.setPrototypeOf(raw, Client.prototype);
        raw.app = app;
        raw.daemon = target;
        raw.apart = apart;
        raw.write(Buffer.concat([Buffer.from(handshake(path ?? `/app/${app.key}${query ? `?${query}` : ''}`, { headers })), ...(glue ? [glue] : [])]));
        return raw;
    }

    /** Dials and waits for connection_established. */
    static async open(target, options = {}) {
        const client = await Client.dial(target, { app: target.app ?? { id: 'app1', key: 'key1', secret: 'secret-of-app1' }, ...options });
        await client.established();
        return client;
    }

    async established() {
        const response = await this.response();
        assert.equal(response?.status, 101, `handshake answered with ${response?.first}`);
        const message = await this.next();
        assert.equal(message.event, 'pusher:connection_established', JSON.stringify(message));
        this.socketId = JSON.parse(message.data).socket_id;
        return message;
    }

    /** The next frame, whatever it is. */
    async frame(what = 'a frame') {
        return this.frames.take(() => `${what}; so far: ${JSON.stringify(this.log.slice(-10)).slice(0, 2000)}\n${this.daemon?.stderr?.slice(-2000) ?? ''}`);
    }

    /** The next text message, parsed; .text holds its exact text. */
    async next(what = 'a message') {
        const frame = await this.frame(what);
        assert.ok('text' in frame, `expected ${what}, got ${JSON.stringify(frame)}`);
        const message = JSON.parse(frame.text);
        Object.defineProperty(message, 'text', { value: frame.text });
        Object.defineProperty(message, 'bytes', { value: frame.bytes });
        Object.defineProperty(message, 'packed', { value: frame.packed ?? false });
        return message;
    }

    /** The next message, which must have this event (and channel). */
    async expect(event, channel) {
        const message = await this.next(event);
        assert.equal(message.event, event, message.text);
        if (channel !== undefined) assert.equal(message.channel, channel, message.text);
        return message;
    }

    /** The next message must be a pusher:error with this code; returns its data. */
    async error(code, text) {
        const message = await this.expect('pusher:error');
        const data = message.data;
        assert.equal(data.code, code, message.text);
        if (text !== undefined) assert.equal(data.message, text);
        return data;
    }

    /** Both messages of a refused subscription, in either order. */
    async refused(channel, code = 4009) {
        const both = [await this.next('a refusal'), await this.next('the second half of a refusal')];
        const scoped = both.find((message) => message.event === 'pusher:subscription_error');
        const error = both.find((message) => message.event === 'pusher:error');
        assert.ok(scoped, `no subscription_error among ${both.map((m) => m.text)}`);
        assert.ok(error, `no pusher:error among ${both.map((m) => m.text)}`);
        assert.equal(scoped.channel, channel);
        const data = JSON.parse(scoped.data);
        assert.equal(typeof data.error, 'string');
        assert.equal(typeof data.type, 'string');
        assert.equal(typeof data.status, 'number');
        const pusher = error.data;
        assert.equal(pusher.code, code, error.text);
        return { scoped: data, error: pusher };
    }

    /** The close frame with this code, then the end of the stream. */
    async closedWith(code) {
        const frame = await this.frame(`a close frame with ${code}`);
        assert.equal(frame.close, code, `expected close ${code}, got ${JSON.stringify(frame)}`);
        this.write(clientFrame(closePayload(code), { opcode: CLOSE }));
        const end = await this.frame('the end of the stream');
        assert.ok(end.end, JSON.stringify(end));
        return frame;
    }

    send(message) {
        this.write(clientFrame(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)));
    }

    subscribeMessage(channel, { data, auth: given, app = this.app } = {}) {
        const message = { channel };
        if (given !== undefined) message.auth = given;
        else if (/^(private|presence)-/.test(channel)) message.auth = auth(app, this.socketId, channel, data);
        if (data !== undefined) message.channel_data = data;
        return { event: 'pusher:subscribe', data: message };
    }

    /** Subscribes and returns the subscription_succeeded. channel_data: an object or its text. */
    async subscribe(channel, options = {}) {
        const data = options.data !== undefined && typeof options.data !== 'string' ? JSON.stringify(options.data) : options.data;
        // On two nodes: all that was said before is known where this client is, and this subscription elsewhere.
        const pair = this.apart ? undefined : this.daemon?.pair;
        await pair?.barrier();
        this.send(this.subscribeMessage(channel, { ...options, data }));
        const done = await this.expect('pusher_internal:subscription_succeeded', channel);
        await pair?.barrier();
        return done;
    }

    unsubscribe(channel) {
        this.send({ event: 'pusher:unsubscribe', data: { channel } });
    }

    /** A round trip through the daemon; everything that arrives before its pong must be empty or goes to `got`. */
    async sync(got = []) {
        this.send({ event: 'pusher:ping', data: {} });
        for (;;) {
            const message = await this.next('pusher:pong');
            if (message.event === 'pusher:pong') return got;
            got.push(message);
        }
    }

    async close(code = 1000) {
        this.write(clientFrame(closePayload(code), { opcode: CLOSE }));
        await deadline(this.ended, 'the daemon to hang up', DEADLINE);
    }
}

/**
 * Lets everything that was sent so far take effect: each client's messages reach the hub, and what the hub made of them
 * reaches each client. A turn may handle one input before a mailbox, hence two round trips. Returns what arrived, by client.
 */
export async function settle(ipc, ...clients) {
    const got = clients.map(() => []);
    const round = () => Promise.all(clients.map((client, i) => client.sync(got[i])));
    await round();
    await round();
    await ipc.ping();
    await ipc.ping();
    await clients[0]?.daemon?.pair?.barrier();
    await round();
    await round();
    return got;
}

/** As settle, and nothing must have arrived at anybody. */
export async function quiet(ipc, ...clients) {
    const got = await settle(ipc, ...clients);
    assert.deepEqual(got.map((messages) => messages.map((message) => message.text)), clients.map(() => []), 'nothing should have arrived');
}
