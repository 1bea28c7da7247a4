// TLS on its own listener: certificates by name, versions, resumption, what is refused, and that clients notice nothing else.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { Authority } from '../lib/certs.mjs';
import { APP, Daemon, freePort, runDaemon } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { root } from '../lib/paths.mjs';
import { signed } from '../lib/sign.mjs';
import { unique } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Client, Raw, clientFrame } from '../lib/ws.mjs';

let ca, pairs;
before(() => {
    ca = new Authority();
    pairs = [
        ca.issue('localhost', ['localhost']),
        ca.issue('other', ['other.test', 'www.other.test'], { kind: 'rsa' }),
        ca.issue('wild', ['*.wild.test']),
        ca.issue('both-ec', ['both.test']),
        ca.issue('both-rsa', ['both.test'], { kind: 'rsa' }),
    ];
});
after(() => ca?.remove());

/** The [tls] section for these pairs. */
const section = (port, list = pairs) => ({ listen: `127.0.0.1:${port}`, certificate: list.map((one) => one.certificate), key: list.map((one) => one.key) });

/** A TLS socket whose handshake is over. */
async function secure(port, options = {}) {
    const socket = tlsConnect({ port, host: '127.0.0.1', ca: ca.pem, servername: 'localhost', ...options });
    await deadline(new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail)), 'a TLS handshake');
    return socket;
}

/** Everything that comes until the daemon hangs up. */
function rest(socket) {
    return deadline(new Promise((done) => {
        let text = '';
        socket.on('data', (chunk) => (text += chunk.toString('latin1')));
        socket.on('error', () => {});
        socket.once('close', () => done(text));
    }), 'the daemon to hang up');
}

/** openssl s_client, which can what Node's library no longer does; its output. */
function sClient(port, args, input = '') {
    const done = spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', ca.file, ...args], { input, timeout: 20_000 });
    return `${done.stdout}${done.stderr}`;
}

const get = (agent, port, path) =>
    deadline(new Promise((done, fail) => {
        const sent = request({ agent, host: '127.0.0.1', port, path, servername: 'localhost' }, (response) => {
            let text = '';
            response.on('data', (chunk) => (text += chunk));
            response.on('end', () => done({ status: response.statusCode, text, port: sent.socket.localPort }));
        });
        sent.once('error', fail).end();
    }), path);

for (const workers of [1, 3]) {
    describe(`tls (workers=${workers})`, () => {
        let daemon, port, ipc, target;
        const open = new Set();
        before(async () => {
            port = await freePort();
            daemon = await Daemon.start({ workers, sections: { server: { log_level: 'debug' }, tls: section(port), limits: { header_timeout: 2, output_hard: '300K', output_soft: '200K' } } });
            ipc = await Ipc.open(daemon.socket, APP);
            target = { port, app: APP, secure: { ca: ca.pem, servername: 'localhost' } };
        });
        after(async () => {
            for (const client of open) client.destroy();
            ipc?.close();
            await daemon?.stop();
        });
        const client = async (options) => {
            const one = await Client.open(target, { app: APP, ...options });
            open.add(one);
            return one;
        };
        const failed = async (reason) => (await daemon.metrics()).get('tls_failed_total', `reason="${reason}"`);
        /** Runs `cause`, after which one more handshake must have failed for this reason. */
        async function counted(reason, cause) {
            const before = await failed(reason);
            await cause();
            await until(async () => (await failed(reason)) > before, `tls_failed_total{reason="${reason}"}`);
        }

        for (const [asked, subject] of [
            ['localhost', 'localhost'],
            ['other.test', 'other.test'],
            ['WWW.other.test', 'other.test'],
            ['a.wild.test', '*.wild.test'],
            ['a.b.wild.test', 'localhost'],
            ['wild.test', 'localhost'],
            ['unknown.test', 'localhost'],
            ['.', 'localhost'],
            [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(60)}`, 'localhost'],
            ['', 'localhost'],
        ]) {
            test(`${asked.slice(0, 20) || 'no name'} is answered with the certificate of ${subject}`, async () => {
                const socket = await secure(port, { servername: asked, checkServerIdentity: () => undefined });
                assert.equal(socket.getPeerCertificate().subject.CN, subject);
                assert.ok(socket.authorized);
                socket.destroy();
            });
        }

        test('a name with an RSA and an ECDSA certificate: what the client can', () => {
            const common = ['-servername', 'both.test', '-tls1_2'];
            assert.match(sClient(port, [...common, '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256']), /Server public key is 2048 bit/);
            assert.match(sClient(port, [...common, '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256']), /Server public key is 256 bit/);
        });

        test('ALPN: http/1.1 is chosen, none is fine, another protocol alone is refused', async () => {
            for (const [offered, chosen] of [[['h2', 'http/1.1'], 'http/1.1'], [['http/1.0'], 'http/1.0'], [undefined, false]]) {
                const socket = await secure(port, { ALPNProtocols: offered });
                assert.equal(socket.alpnProtocol, chosen);
                socket.destroy();
            }
            await counted('unsupported', () => assert.rejects(secure(port, { ALPNProtocols: ['h2', 'ftp'] }), /no application protocol/i));
        });

        test('TLS 1.2 and 1.3 are spoken, 1.1 and what is weak in 1.2 are refused', async () => {
            for (const version of ['TLSv1.2', 'TLSv1.3']) {
                const socket = await secure(port, { minVersion: version, maxVersion: version });
                assert.equal(socket.getProtocol(), version);
                socket.destroy();
            }
            await counted('unsupported', () => assert.match(sClient(port, ['-tls1_1', '-cipher', 'ALL@SECLEVEL=0']), /alert protocol version/));
            for (const cipher of ['ECDHE-ECDSA-AES128-SHA', 'AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256']) {
                await counted('unsupported', () => assert.match(sClient(port, ['-tls1_2', '-cipher', `${cipher}@SECLEVEL=0`]), /handshake failure/));
            }
        });

        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            test(`${version}: a session is resumed, on whatever worker`, async () => {
                const options = { minVersion: version, maxVersion: version };
                const first = await secure(port, options);
                // In TLS 1.2 the ticket is part of the handshake, in TLS 1.3 it follows.
                const session = version === 'TLSv1.2' ? first.getSession() : await deadline(new Promise((done) => first.once('session', done)), 'a ticket');
                first.destroy();
                for (let i = 0; i < 4; i++) {
                    const again = await secure(port, { ...options, session });
                    assert.ok(again.isSessionReused());
                    const text = rest(again);
                    again.write('GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
                    assert.match(await text, /\{"health":"OK"\}$/);
                }
                assert.ok((await daemon.metrics()).get('tls_resumed_total') >= 4);
                // A ticket that nobody made is a full handshake, no error.
                const forged = Buffer.from(session);
                forged[forged.length >> 1] ^= 0xff;
                const socket = await secure(port, { ...options, session: forged }).catch(() => null);
                socket?.destroy();
                (await secure(port, options)).destroy();
            });
        }

        test('renegotiation is refused', () => {
            assert.match(sClient(port, ['-tls1_2'], 'R\n'), /no renegotiation|RENEGOTIATING[\s\S]*(error|closed)/i);
        });

        test('a change of keys by the peer in the middle of a connection', async () => {
            const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3'], { stdio: ['pipe', 'pipe', 'pipe'] });
            let text = '';
            child.stdout.on('data', (chunk) => (text += chunk));
            child.stderr.on('data', (chunk) => (text += chunk));
            await until(() => /Verif/.test(text), 'the handshake');
            child.stdin.write('K\n');
            await until(() => /KEYUPDATE/.test(text), 'the change of keys');
            child.stdin.write('GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
            await until(() => text.includes('{"health":"OK"}'), () => `an answer; so far\n${text}`);
            child.kill();
        });

        test('one connection serves many requests of the HTTP API', async () => {
            const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ca.pem });
            const answers = [];
            for (let i = 0; i < 5; i++) answers.push(await get(agent, port, signed('GET', `/apps/${APP.id}/channels`)));
            agent.destroy();
            assert.deepEqual(answers.map(({ status, text }) => [status, text]), Array(5).fill([200, '{"channels":{}}']));
            assert.equal(new Set(answers.map((one) => one.port)).size, 1);
        });

        test('the SDK for Node publishes through it', async () => {
            const Pusher = need('pusher');
            const channel = unique();
            const listener = await client();
            await listener.subscribe(channel);
            const agent = new Agent({ ca: ca.pem });
            const sdk = new Pusher({ appId: APP.id, key: APP.key, secret: APP.secret, host: 'localhost', port, useTLS: true, agent });
            const response = await sdk.trigger(channel, 'E', { a: 'ü' });
            assert.equal(response.status, 200);
            assert.equal((await listener.expect('E', channel)).data, '{"a":"ü"}');
            agent.destroy();
        });

        test('curl trusts it and gets an answer', () => {
            const done = spawnSync('curl', ['-sS', '--cacert', ca.file, '--resolve', `a.wild.test:${port}:127.0.0.1`, `https://a.wild.test:${port}/up`], { timeout: 20_000 });
            assert.equal(`${done.stdout}${done.stderr}`, '{"health":"OK"}');
        });

        test('pusher-js over wss', async () => {
            const script = join(ca.dir, `pusher-${port}.cjs`);
            writeFileSync(script, `const Pusher = require(${JSON.stringify(join(root, 'out/node/node_modules/pusher-js'))});
                const pusher = new Pusher(process.argv[2], { cluster: '', wsHost: 'localhost', wssPort: Number(process.argv[3]), forceTLS: true, enabledTransports: ['ws', 'wss'] });
                pusher.connection.bind('error', (error) => console.log('error', JSON.stringify(error)));
                const channel = pusher.subscribe('wss');
                channel.bind('pusher:subscription_succeeded', () => console.log('subscribed'));
                channel.bind('E', (data) => { console.log(JSON.stringify(data)); pusher.disconnect(); });`);
            const child = spawn(process.execPath, [script, APP.key, String(port)], { env: { ...process.env, NODE_EXTRA_CA_CERTS: ca.file }, stdio: ['ignore', 'pipe', 'inherit'] });
            let text = '';
            child.stdout.on('data', (chunk) => (text += chunk));
            const ended = new Promise((done) => child.once('close', done));
            await until(() => text.includes('subscribed'), () => `pusher-js to subscribe; ${text}`);
            await ipc.publish({ channel: 'wss', data: { big: 'x'.repeat(50_000) } });
            await deadline(ended, 'pusher-js to end');
            assert.equal(text, `subscribed\n{"big":"${'x'.repeat(50_000)}"}\n`);
        });

        test('large messages, both ways, in records of any size', async () => {
            const [one, two] = [await client(), await client()];
            const channel = unique('private');
            await one.subscribe(channel);
            await two.subscribe(channel);
            const data = JSON.stringify({ big: 'y'.repeat(100_000) });
            await ipc.publish({ channel, data: JSON.parse(data) });
            for (const each of [one, two]) assert.equal((await each.expect('E', channel)).data, data);
            const whisper = { event: 'client-w', channel, data: { t: 'z'.repeat(9000) } };
            one.write(clientFrame(JSON.stringify(whisper)));
            assert.deepEqual(JSON.parse((await two.expect('client-w', channel)).data), whisper.data);
            // A record a byte.
            one.socket.setMaxSendFragment(512);
            const frame = clientFrame(JSON.stringify({ ...whisper, data: { t: 'q'.repeat(2000) } }));
            for (const byte of frame) await new Promise((done) => one.socket.write(Buffer.from([byte]), done));
            assert.equal(JSON.parse((await two.expect('client-w', channel)).data).t.length, 2000);
            // And in the largest number of small records that one write makes.
            one.write(clientFrame(JSON.stringify(whisper)));
            assert.deepEqual(JSON.parse((await two.expect('client-w', channel)).data), whisper.data);
        });

        test('a message behind the handshake in one record with it', async () => {
            const glued = await Client.dial(target, { app: APP, glue: clientFrame('{"event":"pusher:ping","data":{}}') });
            open.add(glued);
            await glued.established();
            await glued.expect('pusher:pong');
        });

        test('a client that does not read is closed at output_hard, and others are served', async () => {
            const [slow, quick] = [await client(), await client()];
            const channel = unique();
            await slow.subscribe(channel);
            await quick.subscribe(channel);
            slow.socket.pause();
            slow.plain.pause();
            const closed = async () => (await daemon.metrics()).get('slow_consumers_total', 'output_hard');
            const before = await closed();
            await until(async () => {
                await ipc.publish({ channel, data: { big: 'x'.repeat(90_000) } });
                await quick.expect('E', channel);
                return (await closed()) > before;
            }, 'the slow consumer to be closed', 60_000);
        });

        test('a handshake that does not go on is timed out', async () => {
            const timeouts = async () => (await daemon.metrics()).get('timeouts_total', 'kind="head"');
            const before = await timeouts();
            const silent = createConnection(port, '127.0.0.1'), half = createConnection(port, '127.0.0.1');
            half.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]));
            await Promise.all([rest(silent), rest(half)]);
            assert.ok((await timeouts()) >= before + 2);
        });

        test('bytes that are no TLS are refused and counted', async () => {
            for (const bytes of [Buffer.alloc(100), Buffer.from('hello there, who are you?\r\n\r\n'), Buffer.from([0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00])]) {
                await counted('malformed', async () => {
                    const socket = createConnection(port, '127.0.0.1');
                    socket.end(bytes);
                    await rest(socket);
                });
            }
            await counted('ended', async () => {
                const socket = createConnection(port, '127.0.0.1');
                socket.end(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]));
                await rest(socket);
            });
            assert.match(daemon.stderr, /debug tls: a handshake failed: /);
        });

        test('who does not trust the certificate is counted', async () => {
            await counted('rejected', () => assert.rejects(secure(port, { ca: undefined, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).then(() => sClient(port, ['-verify_return_error', '-no-CAfile', '-no-CApath', '-CAfile', pairs[1].certificate])));
        });

        test('plain HTTP on the TLS port is answered in plain text, TLS on the plain port with 400', async () => {
            await counted('http', async () => {
                const raw = await Raw.connect(port);
                raw.write('GET /app/key1 HTTP/1.1\r\nHost: a\r\n\r\n');
                const response = await raw.response();
                assert.equal(response.status, 400);
                assert.match(JSON.parse(response.body).error, /TLS/);
                await raw.ended;
            });
            const socket = tlsConnect({ port: daemon.port, host: '127.0.0.1', rejectUnauthorized: false });
            await assert.rejects(new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail)), /wrong version number|packet length/);
            const hello = await Raw.connect(daemon.port);
            hello.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00]));
            assert.equal((await hello.response()).status, 400);
            hello.destroy();
        });

        test('both listeners serve the same channels', async () => {
            const channel = unique();
            const plain = await Client.open(daemon, { app: APP });
            open.add(plain);
            const ciphered = await client();
            for (const one of [plain, ciphered]) await one.subscribe(channel);
            await ipc.publish({ channel, data: { n: 1 } });
            for (const one of [plain, ciphered]) assert.equal((await one.expect('E', channel)).data, '{"n":1}');
        });

        test('the header of the PROXY protocol comes before the handshake', async (t) => {
            const behind = await freePort();
            const proxied = await Daemon.start({ workers, sections: { server: { trusted_proxies: '127.0.0.1', proxy_protocol: 'yes' }, tls: section(behind) } });
            t.after(() => proxied.stop());
            const plain = createConnection(behind, '127.0.0.1');
            const header = Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'), Buffer.from([192, 0, 2, 1, 127, 0, 0, 1, 0, 80, 1, 187])]);
            for (const byte of header) await new Promise((done) => plain.write(Buffer.from([byte]), done));
            const socket = tlsConnect({ socket: plain, ca: ca.pem, servername: 'localhost' });
            const text = rest(socket);
            socket.write('GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
            assert.match(await text, /\{"health":"OK"\}$/);
        });

        test('a goodbye is answered with a goodbye', async () => {
            const socket = await secure(port);
            const text = rest(socket);
            let clean = false;
            socket.once('end', () => (clean = true));
            socket.write('GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
            assert.match(await text, /\{"health":"OK"\}$/);
            assert.ok(clean);
            // Node takes a missing goodbye for one, openssl does not.
            const told = sClient(port, ['-ign_eof'], 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
            assert.match(told, /\{"health":"OK"\}/);
            assert.doesNotMatch(told, /unexpected eof/);
            const asked = await secure(port);
            const answer = rest(asked);
            asked.end('GET /up HTTP/1.1\r\nHost: a\r\n\r\n'); // our end comes right behind the request
            assert.match(await answer, /\{"health":"OK"\}$/);
        });

        test('1,000 connections at once', async () => {
            // Fifty handshakes in one slow process may take longer than the tests above leave for one.
            await daemon.reload({ limits: { header_timeout: 60 } });
            const channel = unique();
            const many = [];
            for (let i = 0; i < 20; i++) many.push(...(await Promise.all(Array.from({ length: 50 }, () => client()))));
            await Promise.all(many.map((one) => one.subscribe(channel)));
            await ipc.publish({ channel, data: { n: 7 } });
            for (const one of many) assert.equal((await one.expect('E', channel)).data, '{"n":7}');
            for (const one of many) {
                one.destroy();
                open.delete(one);
            }
        });
    });
}

test('SIGTERM tells clients on TLS to reconnect', async (t) => {
    const port = await freePort();
    const daemon = await Daemon.start({ workers: 3, sections: { server: { drain_period: 0 }, tls: section(port) } });
    t.after(() => daemon.stop());
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.open({ port, secure: { ca: ca.pem, servername: 'localhost' } }, { app: APP })));
    const half = createConnection(port, '127.0.0.1');
    const idle = await secure(port);
    const ends = [rest(half), rest(idle)];
    const stopped = daemon.stop();
    await Promise.all(clients.map((one) => one.closedWith(4200)));
    await Promise.all([...ends, stopped]);
    for (const one of clients) assert.ok(!Object.hasOwn(one, 'error'), one.error);
});

for (const workers of [1, 3]) {
    test(`SIGHUP: new connections get new certificates, the others go on (workers=${workers})`, async (t) => {
        const port = await freePort();
        const before = ca.issue(`hup-${workers}`, ['localhost']), renewed = ca.issue(`hup-${workers}-new`, ['localhost'], { kind: 'rsa' });
        const daemon = await Daemon.start({ workers, sections: { tls: section(port, [before]) } });
        t.after(() => daemon.stop());
        const client = await Client.open({ port, secure: { ca: ca.pem, servername: 'localhost' } }, { app: APP });
        const old = await secure(port);
        const session = await deadline(new Promise((done) => old.once('session', done)), 'a ticket');
        const half = createConnection(port, '127.0.0.1');
        await deadline(new Promise((done) => half.once('connect', done)), 'a connection');
        const kind = async () => {
            const socket = await secure(port);
            const { asn1Curve } = socket.getPeerCertificate();
            socket.destroy();
            return asn1Curve ? 'ec' : 'rsa';
        };
        assert.equal(await kind(), 'ec');

        // Half of a renewal: the key does not fit yet.
        copyFileSync(renewed.certificate, before.certificate);
        daemon.process.kill('SIGHUP');
        await until(() => /error \w+: .*the key .* does not belong to the certificate/.test(daemon.stderr), 'a refusal in the log');
        assert.equal(await kind(), 'ec');

        copyFileSync(renewed.key, before.key);
        daemon.process.kill('SIGHUP');
        await until(async () => (await kind()) === 'rsa', 'the new certificate');
        // Those from before: an open client, a ticket, and a handshake that had not begun.
        assert.deepEqual(await client.sync(), []);
        const again = await secure(port, { session });
        assert.ok(again.isSessionReused());
        const late = tlsConnect({ socket: half, ca: ca.pem, servername: 'localhost' });
        const text = rest(late);
        late.write('GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        assert.match(await text, /\{"health":"OK"\}$/);
        for (const one of [client, old, again]) one.destroy();
    });
}

describe('certificates that cannot be used', () => {
    /** What --check-config and a start say; both must end with this status. */
    async function refused(list, pattern, { status = 1 } = {}) {
        const port = await freePort();
        const config = join(ca.dir, `check-${port}.conf`);
        const tls = section(port, list);
        writeFileSync(config, `[server]\nlisten = 127.0.0.1:${await freePort()}\n[ipc]\nsocket = ${join(ca.dir, `${port}.sock`)}\n[admin]\nlisten =\n[tls]\nlisten = ${tls.listen}\n${tls.certificate.map((one) => `certificate = ${one}\n`).join('')}${tls.key.map((one) => `key = ${one}\n`).join('')}[app "a"]\nkey = k\nsecret = long-enough\n`, { mode: 0o600 });
        const checked = await runDaemon(['--config', config, '--check-config']);
        assert.match(checked.stderr, pattern);
        assert.equal(checked.code, status, checked.stderr);
        if (status !== 0) {
            const started = await runDaemon(['--config', config]);
            assert.match(started.stderr, pattern);
            assert.equal(started.code, status);
        }
        return checked.stderr;
    }
    const write = (name, text) => {
        const file = join(ca.dir, name);
        writeFileSync(file, text, { mode: 0o600 });
        return file;
    };

    test('a port that somebody else holds: the message names the key that sets it', async () => {
        for (const workers of [1, 3]) {
            const server = createServer();
            await new Promise((done) => server.listen(0, '127.0.0.1', done));
            const { port } = server.address();
            try {
                await assert.rejects(Daemon.start({ workers, sections: { tls: section(port) } }), new RegExp(`127\\.0\\.0\\.1:${port}: .*in use.*\\(\\[tls\\] listen, FANFARE_TLS_LISTEN\\)`, 'i'));
            } finally {
                server.close();
            }
        }
    });
    test('a key of another certificate', () => refused([{ certificate: pairs[0].certificate, key: pairs[2].key }], new RegExp(`error.*: the key ${pairs[2].key} does not belong to the certificate ${pairs[0].certificate}: .*same order`)));
    test('files that are not there, all of them named', async () => {
        const text = await refused([pairs[0], { certificate: '/nonexistent/c.pem', key: '/nonexistent/k.pem' }], /cannot read the certificate \/nonexistent\/c.pem: No such file or directory: correct \[tls\] certificate/);
        assert.match(text, /cannot read the key \/nonexistent\/k.pem: No such file/);
    });
    test('a file that must not be read', { skip: process.getuid() === 0 ? 'root reads everything' : false }, async () => {
        const key = join(ca.dir, 'locked.key');
        copyFileSync(pairs[0].key, key);
        chmodSync(key, 0);
        await refused([{ ...pairs[0], key }], /cannot read the key .*locked.key: Permission denied: let the user \S+ read it/);
    });
    test('a directory and a device', async () => {
        await refused([{ ...pairs[0], certificate: ca.dir }], /is a directory, not a PEM file/);
        await refused([{ ...pairs[0], key: '/dev/zero' }], /is a pipe or a device, not a PEM file/);
    });
    test('an encrypted key', () => refused([{ ...pairs[0], key: ca.encrypt(pairs[0].key) }], /the key .*localhost.key.encrypted is encrypted, .*openssl pkey -in/));
    test('certificate and key mixed up', async () => {
        const text = await refused([{ certificate: pairs[0].key, key: pairs[0].certificate }], /holds no PEM certificate but a private key/);
        assert.match(text, /holds no PEM private key but a certificate/);
    });
    test('files without any PEM, empty, damaged', async () => {
        await refused([{ ...pairs[0], certificate: write('text.pem', 'hello\n') }], /text.pem holds no PEM certificate: \[tls\] certificate needs/);
        await refused([{ ...pairs[0], key: write('empty.key', '') }], /empty.key holds no PEM private key/);
        await refused([{ ...pairs[0], certificate: write('damaged.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') }], /damaged.pem: its certificate is damaged/);
        await refused([{ ...pairs[0], key: write('damaged.key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n') }], /damaged.key: the private key is damaged/);
    });
    test('a key that everybody can read is a warning', async () => {
        const key = join(ca.dir, 'open.key');
        copyFileSync(pairs[0].key, key);
        chmodSync(key, 0o644);
        await refused([{ ...pairs[0], key }], /warning: everybody can read the key .*open.key: chmod o-r it/, { status: 0 });
    });
    test('one that has expired, and one that is not valid yet, are warnings', { skip: spawnSync('faketime', ['--version']).error ? 'faketime is not installed' : false }, async () => {
        const expired = ca.issue('expired', ['old.test'], { days: 1, at: '-5 days' });
        const early = ca.issue('early', ['new.test'], { days: 1, at: '+5 days' });
        const text = await refused([expired, early], /warning: the certificate .*expired.pem expired at \d{4}-\d\d-\d\d .* UTC and clients will refuse it: renew it/, { status: 0 });
        assert.match(text, /warning: the certificate .*early.pem is valid only from \d{4}-\d\d-\d\d .* on/);
    });
});

describe('testssl.sh', () => {
    const command = ['testssl', 'testssl.sh'].find((name) => !spawnSync(name, ['--version']).error);
    /** What depends on our certificates and their authority, or on the site behind the name, is no matter of defaults. */
    const ofTheSite = /^(cert_|DNS_CAArecord|OCSP|HSTS|scanTime|engine_problem|.*_hint$)/;

    test('finds nothing to say against the defaults', { skip: command ? false : 'testssl.sh is not installed' }, async () => {
        const port = await freePort();
        const daemon = await Daemon.start({ sections: { tls: section(port) } });
        const out = join(ca.dir, 'testssl.json');
        const child = spawn(command, ['--quiet', '--color', '0', '--warnings', 'off', '--add-ca', ca.file, '--jsonfile', out, '-p', '-s', '-f', '-P', '-S', '-h', '-U', '--ip', 'one', `localhost:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
        let text = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
        try {
            await deadline(new Promise((done) => child.once('close', done)), () => `testssl.sh to end\n${text}`, 200_000);
        } finally {
            child.kill();
            await daemon.stop();
        }
        const findings = JSON.parse(readFileSync(out, 'utf8'));
        assert.ok(findings.length > 60, text);
        for (const id of ['TLS1_2', 'TLS1_3', 'heartbleed', 'ROBOT', 'secure_renego', 'LUCKY13', 'cipher_order']) assert.ok(findings.some((one) => one.id === id), `${id} was not looked at\n${text}`);
        // WARN: a check that could not be made.
        assert.deepEqual(findings.filter((one) => !['OK', 'INFO', 'WARN'].includes(one.severity) && !ofTheSite.test(one.id)), []);
    });
});
