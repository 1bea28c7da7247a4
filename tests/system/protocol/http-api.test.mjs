// The HTTP API: with the official SDK of Node as the caller, and by raw bytes where an SDK would be too polite.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { need } from '../lib/deps.mjs';
import { APP, APP2, Daemon } from '../lib/daemon.mjs';
import { hmac, md5, signed } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { deadline, steady, until } from '../lib/wait.mjs';
import { settle } from '../lib/ws.mjs';

const sections = { server: { log_level: 'debug' }, 'app "off"': { key: 'off', secret: 'secret-of-off', enabled: 'no' } };

/** One keep-alive connection: ask(bytes) writes and returns the next response. */
class Http {
    static async open(port) {
        const http = new Http();
        http.rest = Buffer.alloc(0);
        http.waiting = [];
        http.ready = [];
        http.socket = connect({ port, host: '127.0.0.1' });
        http.socket.on('error', () => {});
        http.ended = new Promise((done) => http.socket.on('close', done));
        http.socket.on('data', (chunk) => {
            http.rest = Buffer.concat([http.rest, chunk]);
            http.parse();
        });
        await deadline(new Promise((done) => http.socket.once('connect', done)), 'a connection');
        return http;
    }

    parse() {
        for (;;) {
            const at = this.rest.indexOf('\r\n\r\n');
            if (at < 0) return;
            const [first, ...lines] = this.rest.subarray(0, at).toString('latin1').split('\r\n');
            const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
            const status = Number(first.split(' ')[1]);
            const length = status === 100 || this.headOnly ? 0 : Number(headers['content-length']);
            if (this.rest.length < at + 4 + length) return;
            const body = this.rest.subarray(at + 4, at + 4 + length).toString();
            this.rest = this.rest.subarray(at + 4 + length);
            const response = { status, headers, body, json: body ? JSON.parse(body) : undefined };
            const waiter = this.waiting.shift();
            if (waiter) waiter(response);
            else this.ready.push(response);
        }
    }

    next() {
        const response = this.ready.length ? Promise.resolve(this.ready.shift()) : new Promise((resolve) => this.waiting.push(resolve));
        return deadline(response, 'a response');
    }

    ask(text) {
        this.socket.write(text);
        return this.next();
    }

    close() {
        this.socket.destroy();
    }
}

const get = (target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
const post = (target, body, headers = '') => `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

suite('HTTP API', { workers: [1, 3], sections }, (ctx) => {
    const open = new Set();
    const http = async () => {
        const connection = await Http.open(ctx.daemon.port);
        open.add(connection);
        return connection;
    };
    after(() => open.forEach((connection) => connection.close()));
    const sdk = (options = {}) =>
        new (need('pusher'))({ appId: APP.id, key: APP.key, secret: APP.secret, useTLS: false, host: '127.0.0.1', port: String(ctx.daemon.port), ...options });
    const events = `/apps/${APP.id}/events`;
    const trigger = async (value, options = {}) => {
        const body = typeof value === 'string' ? value : JSON.stringify(value);
        const connection = await http();
        const response = await connection.ask(post(signed('POST', options.path ?? events, { body, ...options }), body));
        connection.close();
        return response;
    };
    const read = async (path, options = {}) => {
        const connection = await http();
        const response = await connection.ask(get(signed('GET', path, options)));
        connection.close();
        return response;
    };

    // ---- the official SDK ----

    test('the SDK triggers, with and without a socket to leave out', async () => {
        const channels = [unique(), unique()];
        const [a, b] = [await ctx.open(), await ctx.open()];
        for (const client of [a, b]) for (const channel of channels) await client.subscribe(channel);
        const response = await sdk().trigger(channels, 'E', { text: 'é "quoted"' }, { socket_id: a.socketId });
        assert.equal(response.status, 200);
        for (const channel of channels) {
            assert.deepEqual({ ...(await b.expect('E', channel)) }, { event: 'E', data: '{"text":"é \\"quoted\\""}', channel });
        }
        assert.deepEqual(await settle(ctx.ipc, a), [[]]);
    });

    test('the SDK triggers a batch', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const response = await sdk().triggerBatch([{ channel, name: 'A', data: '1' }, { channel, name: 'B', data: { x: 1 } }]);
        assert.deepEqual(await response.json(), {});
        await client.expect('A', channel);
        assert.equal((await client.expect('B', channel)).data, '{"x":1}');
    });

    test('the SDK sends to a user and ends their connections', async () => {
        const id = unique('u');
        const client = await ctx.open();
        const user_data = JSON.stringify({ id });
        client.send({ event: 'pusher:signin', data: { auth: `${APP.key}:${hmac(APP.secret, `${client.socketId}::user::${user_data}`)}`, user_data } });
        await client.expect('pusher:signin_success');
        await sdk().sendToUser(id, 'hello', { x: 1 });
        assert.equal((await client.expect('hello', `#server-to-user-${id}`)).data, '{"x":1}');
        assert.equal((await sdk().terminateUserConnections(id)).status, 200);
        await client.error(4009);
        await client.closedWith(4009);
    });

    test('terminate ends those known by presence as well, and nobody else', async () => {
        const [channel, id] = [unique('presence'), unique('u')];
        const [one, two, other] = [await ctx.open(), await ctx.open(), await ctx.open()];
        await one.subscribe(channel, { data: { user_id: id } });
        await two.subscribe(channel, { data: { user_id: id } });
        await other.subscribe(channel, { data: { user_id: 'other' } });
        await one.expect('pusher_internal:member_added');
        await two.expect('pusher_internal:member_added');
        await sdk().terminateUserConnections(id);
        for (const client of [one, two]) {
            await client.error(4009);
            await client.closedWith(4009);
        }
        await other.expect('pusher_internal:member_removed', channel);
        assert.deepEqual(await settle(ctx.ipc, other), [[]]);
    });

    test('the SDK asks for channels, a channel and its users', async () => {
        const prefix = unique('presence');
        const [channel, plain] = [`${prefix}-room`, unique('plain')];
        const [a, b] = [await ctx.open(), await ctx.open()];
        await a.subscribe(channel, { data: { user_id: 1 } });
        await b.subscribe(channel, { data: { user_id: 'two' } });
        await b.subscribe(plain);
        const list = await sdk().get({ path: '/channels', params: { filter_by_prefix: prefix, info: 'user_count' } });
        assert.deepEqual(await list.json(), { channels: { [channel]: { user_count: 2 } } });
        const one = await sdk().get({ path: `/channels/${channel}`, params: { info: 'user_count,subscription_count' } });
        assert.deepEqual(await one.json(), { occupied: true, user_count: 2 });
        const other = await sdk().get({ path: `/channels/${plain}`, params: { info: 'user_count,subscription_count' } });
        assert.deepEqual(await other.json(), { occupied: true, subscription_count: 1 });
        const users = await sdk().get({ path: `/channels/${channel}/users` });
        assert.deepEqual(await users.json(), { users: [{ id: '1' }, { id: 'two' }] });
    });

    test('the signature of the SDK for a channel is accepted', async () => {
        const channel = unique('private');
        const client = await ctx.open();
        await client.subscribe(channel, { auth: sdk().authorizeChannel(client.socketId, channel).auth });
    });

    // ---- shapes ----

    test('no channels are an object, not a list', async () => {
        const response = await read(`/apps/${APP.id}/channels`, { query: { filter_by_prefix: 'nothing-is-called-so' } });
        assert.equal(response.body, '{"channels":{}}');
        assert.equal(response.headers['content-type'], 'application/json');
    });

    test('an unknown channel is not occupied, its users are none', async () => {
        assert.equal((await read(`/apps/${APP.id}/channels/${unique()}`, { query: { info: 'subscription_count' } })).body, '{"occupied":false}');
        assert.equal((await read(`/apps/${APP.id}/channels/${unique('presence')}/users`)).body, '{"users":[]}');
        assert.equal((await read(`/apps/${APP.id}/channels/${unique()}/users`)).status, 400);
    });

    test('info comes back with a trigger and with a batch', async () => {
        const [channel, presence] = [unique(), unique('presence')];
        const client = await ctx.open();
        await client.subscribe(channel);
        await client.subscribe(presence, { data: { user_id: '1' } });
        const one = await trigger({ name: 'E', data: '1', channels: [channel, presence], info: 'subscription_count,user_count' });
        assert.deepEqual(one.json, { channels: { [channel]: { subscription_count: 1 }, [presence]: { user_count: 1 } } });
        const path = `/apps/${APP.id}/batch_events`;
        const batch = await trigger({ batch: [{ name: 'E', data: '1', channel, info: 'subscription_count' }, { name: 'E', data: '1', channel }] }, { path });
        assert.deepEqual(batch.json, { batch: [{ subscription_count: 1 }, {}] });
    });

    test('info=cache gives the cached event', async () => {
        const channel = unique('cache');
        await trigger({ name: 'E', data: '{"é":1}', channel });
        const response = await read(`/apps/${APP.id}/channels/${channel}`, { query: { info: 'cache' } });
        assert.equal(response.json.cache.data, '{"é":1}');
        assert.ok(response.json.cache.ttl > 1700 && response.json.cache.ttl <= 1800);
    });

    test('connections are counted, subscribed or not', async () => {
        const count = async () => (await read(`/apps/${APP2.id}/connections`, { app: APP2 })).json.connections;
        const before = await steady(count);
        await ctx.open({ app: APP2 });
        const idle = await ctx.open({ app: APP2 });
        assert.equal(await count(), before + 2);
        await idle.close();
        await until(async () => (await count()) === before + 1, 'the connection to be gone');
    });

    test('data passes byte for byte, an object as its text, a channel named twice once', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const data = '{ "a" : 1.0, "b":"\\u00e9 \u{1f600} \\/" }';
        const other = unique();
        const { body } = await trigger({ name: 'E', data, channels: [channel, other, channel, other], info: 'subscription_count' });
        assert.equal(body, `{"channels":{"${channel}":{"subscription_count":1},"${other}":{}}}`);
        assert.equal((await client.expect('E')).data, data);
        await trigger(`{"name":"O","data":{"x" : 1.0},"channel":"${channel}"}`);
        assert.equal((await client.expect('O')).data, '{"x" : 1.0}');
        assert.deepEqual(await settle(ctx.ipc, client), [[]]);
    });

    test('90 KB pass', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const data = JSON.stringify('é'.repeat(45_000));
        assert.equal((await trigger({ name: 'E', data, channel })).status, 200);
        assert.equal((await client.expect('E')).data, data);
    });

    // ---- refusals ----

    for (const [what, status, value] of [
        ['no JSON', 400, '{'],
        ['an empty name of a channel', 400, { name: 'E', data: '1', channel: '' }],
        ['a bad name of a channel', 400, { name: 'E', data: '1', channel: 'a b' }],
        ['a long name of a channel', 400, { name: 'E', data: '1', channel: 'a'.repeat(201) }],
        ['a long name of an event', 400, { name: 'E'.repeat(201), data: '1', channel: 'a' }],
        ['a reserved name of an event', 400, { name: 'pusher:error', data: '1', channel: 'a' }],
        ['101 channels', 400, { name: 'E', data: '1', channels: Array.from({ length: 101 }, (_, i) => `c${i}`) }],
        ['no name', 422, { data: '1', channel: 'a' }],
        ['no data', 422, { name: 'E', channel: 'a' }],
        ['data that is a number', 422, { name: 'E', data: 5, channel: 'a' }],
        ['no channel', 422, { name: 'E', data: '1' }],
        ['no channels in the list', 422, { name: 'E', data: '1', channels: [] }],
        ['a channel that is no string', 422, { name: 'E', data: '1', channels: [1] }],
        ['a socket id that is a number', 422, { name: 'E', data: '1', channel: 'a', socket_id: 1.2 }],
        ['info that is a number', 422, { name: 'E', data: '1', channel: 'a', info: 1 }],
        ['a list instead of an object', 422, []],
        ['data over max_event_size', 413, { name: 'E', data: 'x'.repeat(102_401), channel: 'a' }],
    ]) {
        test(`${what}: ${status}`, async () => {
            const response = await trigger(value);
            assert.equal(response.status, status, response.body);
            assert.equal(typeof response.json.error, 'string');
        });
    }

    test('a refusal is JSON whatever the names are', async () => {
        for (const name of ['"', '\\', 'a\nb', '\u0000\u001f', 'é "\\" \u2028', '\u{1f600}']) {
            for (const value of [{ name: 'E', data: '1', channel: name }, { name: `pusher:${name}`, data: '1', channel: 'a' }, { name: '', data: '1', channel: name }]) {
                const response = await trigger(value);
                assert.equal(response.status, 400, response.body);
                assert.deepEqual(Object.keys(response.json), ['error']);
            }
            const response = await read(`/apps/${APP.id}/channels/${encodeURIComponent(name)}`);
            assert.equal(response.status, 400, response.body);
            assert.equal(typeof response.json.error, 'string');
        }
        assert.equal((await trigger({ name: 'E', data: '1', channel: 'a\n"b' })).json.error, 'channel name "a\n"b" is invalid: letters, digits and _-=@,.; only');
    });

    test('a socket id that is none leaves nobody out', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        for (const socket_id of ['x', '', '1', '1.', '.1', '1.2.3', '-1.2', `${client.socketId} `, null]) {
            assert.equal((await trigger({ name: 'E', data: '1', channel, socket_id })).status, 200, socket_id);
            await client.expect('E', channel);
        }
        assert.equal((await trigger({ batch: [{ name: 'B', data: '1', channel, socket_id: 'undefined' }] }, { path: `/apps/${APP.id}/batch_events` })).status, 200);
        await client.expect('B', channel);
    });

    test('a batch is refused whole', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const path = `/apps/${APP.id}/batch_events`;
        assert.equal((await trigger({ batch: [{ name: 'E', data: '1', channel }, { name: 'E', data: '1', channel: 'a b' }] }, { path })).status, 400);
        assert.equal((await trigger({ batch: Array.from({ length: 101 }, () => ({ name: 'E', data: '1', channel })) }, { path })).status, 400);
        assert.equal((await trigger({ batch: {} }, { path })).status, 422);
        assert.equal((await trigger({}, { path })).status, 422);
        assert.deepEqual(await settle(ctx.ipc, client), [[]]);
    });

    const body = JSON.stringify({ name: 'E', data: '1', channel: 'a' });
    const now = Math.floor(Date.now() / 1000);
    const wrong = 'auth_signature is not the HMAC-SHA256 of method, path and parameters with the secret of this application';
    const away = (then) => new RegExp(`^auth_timestamp ${then} is more than 600 seconds away from the time here, ${String(now).slice(0, -4)}\\d{4}$`);
    for (const [what, options, why] of [
        ['a wrong signature', { change: { auth_signature: 'a'.repeat(64) } }, wrong],
        ['a short signature', { change: { auth_signature: 'ab' } }, wrong],
        ['no key', { change: { auth_key: undefined } }, 'auth_key is missing'],
        ['the key of another application', { change: { auth_key: APP2.key } }, 'auth_key is not the key of this application'],
        ['the secret of another application', { app: { ...APP, secret: APP2.secret } }, wrong],
        ['an old timestamp', { now: now - 700 }, away(now - 700)],
        ['a timestamp to come', { now: now + 700 }, away(now + 700)],
        ['a timestamp in milliseconds', { change: { auth_timestamp: `${now}000` } }, /^auth_timestamp is no number of seconds; it must be the Unix time in seconds, here it is \d+$/],
        ['no timestamp', { change: { auth_timestamp: undefined } }, /^auth_timestamp is missing; it must be the Unix time in seconds, here it is \d+$/],
        ['a timestamp that is none', { change: { auth_timestamp: 'x' } }, /^auth_timestamp is no number of seconds; it must be the Unix time in seconds, here it is \d+$/],
        ['no version', { change: { auth_version: undefined } }, 'auth_version is missing; it must be 1.0'],
        ['another version', { change: { auth_version: '2.0' } }, 'auth_version is another one; it must be 1.0'],
        ['the md5 of another body', { change: { body_md5: md5('x') } }, 'body_md5 is not the MD5 of the body'],
        ['an md5 that is too long', { change: { body_md5: `${md5(body)}00` } }, 'body_md5 is not the MD5 of the body'],
        ['no md5', { change: { body_md5: undefined } }, 'body_md5 is missing'],
        ['too many parameters', { query: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, '1'])) }, 'The query has too many parameters, or a broken escape'],
    ]) {
        test(`${what}: 401, and says so`, async () => {
            const response = await trigger(body, options);
            assert.equal(response.status, 401);
            assert.match(response.json.error, why instanceof RegExp ? why : new RegExp(`^${why}$`));
            await until(() => ctx.daemon.stderr.includes(`debug api: refused a request from 127.0.0.1: ${response.json.error}\n`), () => `the log to say so\n${ctx.daemon.stderr}`);
        });
    }

    test('no signature at all: 401', async () => {
        const connection = await http();
        assert.equal((await connection.ask(post(events, body))).status, 401);
    });

    /** The signature of these very texts, whatever is sent. */
    const signedAs = (method, path, query, sentPath, sentQuery = query) => `${sentPath}?${sentQuery}&auth_signature=${hmac(APP.secret, `${method}\n${path}\n${query}`)}`;
    const auth = (then = Math.floor(Date.now() / 1000)) => `auth_key=${APP.key}&auth_timestamp=${then}&auth_version=1.0`;

    test('names of parameters are signed in lower case, and in the order of that', async () => {
        const channel = unique();
        await (await ctx.open()).subscribe(channel);
        const connection = await http();
        const query = `${auth()}&filter_by_prefix=${channel}&info=subscription_count`;
        const sent = query.replace('info=', 'INFO=').replace('filter_by_prefix', 'Filter_By_Prefix').replace('auth_version', 'AUTH_Version');
        const response = await connection.ask(get(signedAs('GET', `/apps/${APP.id}/channels`, query, `/apps/${APP.id}/channels`, sent.split('&').reverse().join('&'))));
        assert.deepEqual(response.json, { channels: { [channel]: { subscription_count: 1 } } });
    });

    test('escapes in a path mean the characters, in the route and in the signature of either spelling', async () => {
        const channel = unique('presence');
        await (await ctx.open()).subscribe(channel, { data: { user_id: 'a b' } });
        const plain = `/apps/${APP.id}/channels/${channel}/users`;
        const escaped = plain.replaceAll('-', '%2D').replace('users', '%75se%72s').replace('apps', 'app%73');
        const connection = await http();
        for (const [as, sent] of [[plain, plain], [plain, escaped], [escaped, escaped], [plain, plain.replaceAll('-', '%2d')]]) {
            const response = await connection.ask(get(signedAs('GET', as, auth(), sent)));
            assert.deepEqual(response.json, { users: [{ id: 'a b' }] }, `${sent} signed as ${as}`);
        }
        const user = `/apps/${APP.id}/users/a b-c/terminate_connections`;
        for (const [as, sent] of [[user, user.replace(' ', '%20')], [user, user.replace(' ', '%20').replace('-', '%2D')], [user.replace(' ', '%20'), user.replace(' ', '%20').replace('-', '%2D')], [user.replace(' ', '%20').replace('-', '%2D'), user.replace(' ', '%20').replace('-', '%2D')]]) {
            assert.equal((await connection.ask(post(signedAs('POST', as, auth(), sent), ''))).status, 200, `${sent} signed as ${as}`);
        }
        assert.equal((await connection.ask(get(signedAs('GET', plain, auth(), `/apps/${APP.id}/channels%2F${channel}/users`)))).status, 404);
    });

    test('unknown paths and applications: 404; a disabled one: 403; the wrong method: 405', async () => {
        for (const path of ['/apps', '/apps/', `/apps/${APP.id}`, `/apps/${APP.id}/`, `/apps/${APP.id}/nothing`, `/apps/${APP.id}/channels/a/nothing`, `/apps/${APP.id}/channels/a/users/x`, `/apps/${APP.id}/users/1/nothing`, '/apps/nobody/channels']) {
            assert.equal((await read(path)).status, 404, path);
        }
        const off = { id: 'off', key: 'off', secret: 'secret-of-off' };
        assert.equal((await read('/apps/off/channels', { app: off })).status, 403);
        const wrong = await read(events);
        assert.equal(wrong.status, 405);
        assert.equal(wrong.headers.allow, 'POST');
        const connection = await http();
        assert.equal((await connection.ask(post(signed('POST', `/apps/${APP.id}/channels`, { body: '{}' }), '{}'))).headers.allow, 'GET, HEAD');
    });

    test('applications do not see each other', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        assert.equal((await read(`/apps/${APP2.id}/channels/${channel}`, { app: APP2 })).body, '{"occupied":false}');
        await trigger({ name: 'E', data: '1', channel }, { path: `/apps/${APP2.id}/events`, app: APP2 });
        assert.deepEqual(await settle(ctx.ipc, client), [[]]);
    });

    // ---- HTTP itself ----

    test('one connection serves many, pipelined ones in order', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const connection = await http();
        let bytes = '';
        for (let i = 0; i < 50; i++) {
            const text = JSON.stringify({ name: `E${i}`, data: '1', channel });
            bytes += post(signed('POST', events, { body: text }), text);
            if (i % 10 === 0) bytes += get(signed('GET', `/apps/${APP.id}/channels/${channel}`));
        }
        connection.socket.write(bytes);
        for (let i = 0; i < 50; i++) {
            assert.equal((await connection.next()).body, '{}');
            if (i % 10 === 0) assert.equal((await connection.next()).body, '{"occupied":true}');
            await client.expect(`E${i}`, channel);
        }
    });

    test('a body in pieces, in chunks, and after 100 Continue', async () => {
        const text = JSON.stringify({ name: 'E', data: '1', channel: unique() });
        const target = signed('POST', events, { body: text });
        const connection = await http();
        const whole = post(target, text);
        for (const byte of whole) connection.socket.write(byte);
        assert.equal((await connection.next()).status, 200);
        const chunks = [text.slice(0, 5), text.slice(5)].map((part) => `${part.length.toString(16)};x=y\r\n${part}\r\n`).join('');
        const chunked = `POST ${target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\nTrailer: x\r\n\r\n`;
        const cut = chunked.length - 20;
        for (const part of [chunked.slice(0, cut), chunked.slice(cut, -3), chunked.slice(-3)]) connection.socket.write(part);
        assert.equal((await connection.next()).status, 200);
        const expecting = `POST ${target} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${text.length}\r\n\r\n`;
        const first = await connection.ask(expecting);
        assert.equal(first.status, 100, first.body);
        assert.equal((await connection.ask(text)).status, 200);
        assert.equal((await connection.ask(get('/up'))).body, '{"health":"OK"}');
    });

    test('HEAD has the length and no body', async () => {
        const connection = await http();
        connection.headOnly = true;
        const response = await connection.ask(`HEAD ${signed('HEAD', `/apps/${APP.id}/connections`)} HTTP/1.1\r\nHost: x\r\n\r\n`);
        assert.equal(response.status, 200);
        assert.ok(Number(response.headers['content-length']) > 10);
        const second = await connection.ask(`HEAD /up HTTP/1.1\r\nHost: x\r\n\r\n`);
        assert.equal(second.headers['content-length'], '15');
    });

    test('smuggling is refused: two lengths, a length with chunks, bad chunks', async () => {
        const text = body;
        const target = signed('POST', events, { body: text });
        for (const [head, rest] of [
            [`Content-Length: ${text.length}\r\nContent-Length: ${text.length}`, text],
            [`Content-Length: ${text.length}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n`],
            ['Transfer-Encoding: chunked', `zz\r\n${text}\r\n0\r\n\r\n`],
            ['Transfer-Encoding: chunked', `${text.length.toString(16)} x\r\n${text}\r\n0\r\n\r\n`],
            ['Transfer-Encoding: chunked', `${text.length.toString(16)} \r\n${text}\r\n0\r\n\r\n`],
            ['Transfer-Encoding: chunked', `${text.length.toString(16)},\r\n${text}\r\n0\r\n\r\n`],
            ['Transfer-Encoding: chunked', `${text.length.toString(16)}\n${text}\r\n0\r\n\r\n`],
            ['Transfer-Encoding: gzip, chunked', '0\r\n\r\n'],
            ['Content-Length: +5', text],
        ]) {
            const connection = await http();
            const response = await connection.ask(`POST ${target} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${rest}`);
            assert.ok([400, 501].includes(response.status), `${head}: ${response.status}`);
            await deadline(connection.ended, 'the connection to end');
        }
    });

    test('a body in very many chunks is put together', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        const data = Array.from({ length: 100_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
        const text = JSON.stringify({ name: 'E', data, channel });
        const connection = await http();
        connection.socket.write(`POST ${signed('POST', events, { body: text })} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
        for (let i = 0; i < text.length; i += 999) connection.socket.write([...text.slice(i, i + 999)].map((byte) => `1\r\n${byte}\r\n`).join(''));
        connection.socket.write('0\r\n\r\n');
        assert.equal((await connection.next()).status, 200);
        assert.equal((await client.expect('E', channel)).data, data);
    });

    test('a body that grows too large in chunks is refused', async () => {
        const connection = await http();
        connection.socket.write(`POST ${signed('POST', events, { body })} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
        for (let i = 0; i < 16; i++) connection.socket.write(`100000\r\n${'x'.repeat(0x100000)}\r\n`);
        // No more than is thrown away behind an answer: else the connection is reset, and the answer may be lost with it.
        connection.socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
        assert.equal((await connection.next()).status, 413);
    });

    test('a connection that ends in its body leaves nothing behind', async () => {
        const before = (await ctx.daemon.metrics()).get('http_requests_total') ?? 0;
        for (let i = 0; i < 20; i++) {
            const connection = await http();
            connection.socket.write(post(signed('POST', events, { body }), body).slice(0, -1));
            await deadline(new Promise((done) => connection.socket.end(done)), 'the end');
            await deadline(connection.ended, 'the connection to end');
        }
        assert.equal((await ctx.daemon.metrics()).get('http_requests_total') ?? 0, before);
    });

    test('a body that is far too large is refused before it comes', async () => {
        const connection = await http();
        const target = signed('POST', events, { body });
        const response = await connection.ask(`POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n`);
        assert.equal(response.status, 413);
    });
});

suite('HTTP API with a path prefix', { sections: { server: { path_prefix: '/ws' } } }, (ctx) => {
    test('SDKs that sign without the prefix, and callers that sign with it, are both right', async () => {
        for (const target of [signed('GET', `/apps/${APP.id}/channels`, { prefix: '/ws' }), signed('GET', `/ws/apps/${APP.id}/channels`)]) {
            const connection = await Http.open(ctx.daemon.port);
            assert.equal((await connection.ask(get(target))).status, 200);
            assert.equal((await connection.ask(get(signed('GET', `/apps/${APP.id}/channels`)))).status, 404);
            connection.close();
        }
    });
});
