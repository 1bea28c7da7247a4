// handshake_rate, and who the client is: by its own address, X-Forwarded-For and the PROXY protocol.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { Authority } from '../lib/certs.mjs';
import { APP, Daemon, freePort } from '../lib/daemon.mjs';
import { Proxy, haproxyTcp, missingCommand, nginxHttp, proxyHeader } from '../lib/proxy.mjs';
import { suite } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Client, Raw, handshake } from '../lib/ws.mjs';

const RATE = 4;
const PATH = `/app/${APP.key}?protocol=7`;

/** A connection from this address of our own loopback, with `first` as its first bytes. */
async function from(port, localAddress = '127.0.0.1', first) {
    const socket = createConnection({ port, host: '127.0.0.1', localAddress, noDelay: true });
    await deadline(new Promise((done, fail) => socket.once('connect', done).once('error', fail)), `a connection to ${port}`);
    const raw = new Raw(socket);
    if (first) raw.write(first);
    return raw;
}

/** Opens n connections, sends each its bytes at once, and returns the statuses of the answers and what the time took. */
async function burst(port, n, { localAddress, first, headers } = {}) {
    const raws = [];
    for (let i = 0; i < n; i++) raws.push(await from(port, localAddress));
    const began = performance.now();
    raws.forEach((raw, i) => raw.write(Buffer.concat([first?.(i) ?? Buffer.alloc(0), Buffer.from(handshake(PATH, { headers: headers?.(i) ?? {} }))])));
    const answers = await Promise.all(raws.map((raw) => raw.response()));
    const seconds = (performance.now() - began) / 1000;
    raws.forEach((raw) => raw.destroy());
    return { answers, statuses: answers.map((answer) => answer?.status), passed: answers.filter((answer) => answer?.status === 101).length, seconds };
}

/** Of one bucket: all that it holds, and not more than what has come back meanwhile. */
function oneBucket({ statuses, passed, seconds }) {
    assert.ok(passed >= RATE && passed <= RATE + seconds * RATE, `${passed} of ${statuses.length} passed in ${seconds} s: ${statuses}`);
    assert.deepEqual([...new Set(statuses)].sort(), [101, 429]);
}

const limits = { handshake_rate: RATE };
const refusedBy = async (daemon) => (await daemon.metrics()).get('handshakes_refused_total', 'reason="rate"') ?? 0;
const badProxy = async (daemon) => (await daemon.metrics()).get('bad_input_total', 'kind="proxy"') ?? 0;

suite('handshake_rate', { workers: [1, 3], sections: { limits } }, (ctx) => {
    test('a second\'s worth passes, more is 429 with Retry-After and counted, and others do not notice', async () => {
        const other = await from(ctx.daemon.port, '127.0.0.9', handshake(PATH));
        assert.equal((await other.response()).status, 101);
        const before = await refusedBy(ctx.daemon);
        const result = await burst(ctx.daemon.port, RATE + 4, { localAddress: '127.0.0.2' });
        oneBucket(result);
        const refused = result.answers.find((answer) => answer.status === 429);
        assert.equal(refused.headers['retry-after'], '1');
        assert.equal(refused.headers.connection, 'close');
        assert.match(JSON.parse(refused.body).error, /try again/);
        assert.equal((await refusedBy(ctx.daemon)) - before, result.statuses.length - result.passed);
        // Another address has its own.
        const next = await from(ctx.daemon.port, '127.0.0.3', handshake(PATH));
        assert.equal((await next.response()).status, 101);
        assert.ok(!other.closed);
        // And this one has it back.
        await until(async () => {
            const again = await from(ctx.daemon.port, '127.0.0.2', handshake(PATH));
            const { status } = await again.response();
            again.destroy();
            return status === 101;
        }, 'a handshake to pass again', 5000);
        for (const raw of [other, next]) raw.destroy();
    });

    test('handshakes that fail count as well, requests of HTTP do not', async () => {
        const raw = await from(ctx.daemon.port, '127.0.0.4');
        for (let i = 0; i < RATE * 5; i++) {
            raw.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
            assert.equal((await raw.response()).status, 200);
            raw.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
            assert.equal((await raw.response()).status, 426);
        }
        raw.destroy();
        const result = await burst(ctx.daemon.port, RATE * 2, { localAddress: '127.0.0.4', headers: (i) => (i < RATE ? { 'Sec-WebSocket-Key': null } : {}) });
        const refused = result.statuses.filter((status) => status === 429).length;
        assert.ok(refused >= RATE - Math.ceil(result.seconds * RATE) && refused <= RATE, `${result.statuses}`);
    });

    test('nobody is believed about others unless he is trusted', async () => {
        oneBucket(await burst(ctx.daemon.port, RATE * 3, { localAddress: '127.0.0.5', headers: (i) => ({ 'X-Forwarded-For': `203.0.113.${i}` }) }));
    });
});

suite('X-Forwarded-For', { workers: [1, 3], sections: { server: { trusted_proxies: '127.0.0.1, 10.0.0.0/8, fd00::/8' }, limits } }, (ctx) => {
    const xff = (value) => ({ headers: (i) => ({ 'X-Forwarded-For': typeof value === 'function' ? value(i) : value }) });

    test('each address that a trusted proxy names has its own', async () => {
        const { statuses } = await burst(ctx.daemon.port, RATE * 3, xff((i) => `203.0.113.${i}`));
        assert.deepEqual([...new Set(statuses)], [101]);
    });
    test('one address has one, whatever it writes in front', async () => {
        oneBucket(await burst(ctx.daemon.port, RATE * 2, xff((i) => `6.6.6.${i}, 198.51.100.1`)));
        oneBucket(await burst(ctx.daemon.port, RATE * 2, xff((i) => `6.6.6.${i}, 198.51.100.2, 10.0.0.${i}, fd00::${i}`)));
        oneBucket(await burst(ctx.daemon.port, RATE * 2, xff((i) => [`6.6.6.${i}`, '198.51.100.3, 10.0.0.1'])));
    });
    test('an IPv6 client is its /64', async () => {
        oneBucket(await burst(ctx.daemon.port, RATE * 2, xff((i) => `2001:db8:0:1::${i}`)));
        const { statuses } = await burst(ctx.daemon.port, RATE * 2, xff((i) => `2001:db8:1:${i}::1`));
        assert.deepEqual([...new Set(statuses)], [101]);
    });
    test('a header that is none counts for the proxy', async () => {
        oneBucket(await burst(ctx.daemon.port, RATE * 3, xff((i) => ['unknown', '198.51.100.4, ', 'x, 10.0.0.1', ''][i % 4])));
    });
    test('from elsewhere it is not looked at', async () => {
        oneBucket(await burst(ctx.daemon.port, RATE * 2, { localAddress: '127.0.0.2', ...xff((i) => `203.0.113.${i}`) }));
    });
});

describe('PROXY protocol', () => {
    let ca, pair;
    before(() => {
        ca = new Authority();
        pair = ca.issue('localhost', ['localhost']);
    });
    after(() => ca?.remove());

    for (const workers of [1, 3]) {
        describe(`workers=${workers}`, () => {
            let daemon, tlsPort;
            before(async () => {
                tlsPort = await freePort();
                daemon = await Daemon.start({
                    workers,
                    sections: {
                        server: { trusted_proxies: '127.0.0.1', proxy_protocol: 'yes' },
                        limits: { ...limits, header_timeout: 1 },
                        tls: { listen: `127.0.0.1:${tlsPort}`, certificate: pair.certificate, key: pair.key },
                    },
                });
            });
            after(() => daemon?.stop());

            /** The daemon hangs up without a word, and counts it. */
            async function closed(bytes, { port = daemon.port, end = false } = {}) {
                const counted = await badProxy(daemon);
                const raw = await from(port, '127.0.0.1', bytes);
                if (end) raw.socket.end();
                await deadline(raw.ended, 'the daemon to hang up');
                assert.equal(await raw.responses.take(), null);
                return (await badProxy(daemon)) - counted;
            }

            test('the address in the header is the client', async () => {
                const { statuses } = await burst(daemon.port, RATE * 3, { first: (i) => proxyHeader(`203.0.113.${i}`) });
                assert.deepEqual([...new Set(statuses)], [101]);
                oneBucket(await burst(daemon.port, RATE * 2, { first: () => proxyHeader('198.51.100.1') }));
                oneBucket(await burst(daemon.port, RATE * 2, { first: (i) => proxyHeader(`2001:db8:0:1::${i}`) }));
                oneBucket(await burst(daemon.port, RATE * 2, { first: () => proxyHeader('198.51.100.2'), headers: (i) => ({ 'X-Forwarded-For': `203.0.113.${i}` }) }));
            });

            test('a proxy behind the proxy is believed about its X-Forwarded-For', async () => {
                const first = () => proxyHeader('127.0.0.1');
                const { statuses } = await burst(daemon.port, RATE * 3, { first, headers: (i) => ({ 'X-Forwarded-For': `203.0.113.${100 + i}` }) });
                assert.deepEqual([...new Set(statuses)], [101]);
                oneBucket(await burst(daemon.port, RATE * 2, { first, headers: () => ({ 'X-Forwarded-For': '198.51.100.9' }) }));
            });

            test('a proxy that speaks for itself, or for nobody known, is the client itself', async () => {
                oneBucket(await burst(daemon.port, RATE * 3, { first: (i) => [proxyHeader(undefined, { command: 0 }), proxyHeader('203.0.113.1', { command: 0 }), proxyHeader(undefined)][i % 3] }));
            });

            test('TLVs are skipped, up to the longest header', async () => {
                for (const size of [0, 3, 100, 536 - 12]) {
                    const raw = await from(daemon.port, '127.0.0.1', Buffer.concat([proxyHeader(`192.0.2.${size % 200}`, { tlvs: Buffer.alloc(size, 4) }), Buffer.from(handshake(PATH))]));
                    assert.equal((await raw.response())?.status, 101, `${size} bytes`);
                    raw.destroy();
                }
            });

            test('a header and a head that come byte by byte are served, and what follows', async () => {
                const raw = await from(daemon.port);
                for (const byte of Buffer.concat([proxyHeader('192.0.2.201'), Buffer.from('GET /up HTTP/1.1\r\nHost: x\r\n\r\n')])) {
                    await new Promise((done) => raw.socket.write(Buffer.from([byte]), done));
                }
                assert.equal((await raw.response()).status, 200);
                raw.write(handshake(PATH));
                assert.equal((await raw.response()).status, 101);
                Object.setPrototypeOf(raw, Client.prototype);
                raw.app = APP;
                await raw.expect('pusher:connection_established');
                await raw.sync();
                raw.destroy();
            });

            for (const [name, bytes] of Object.entries({
                'no header': () => Buffer.from(handshake(PATH)),
                'version 1': () => Buffer.from(`PROXY TCP4 203.0.113.1 127.0.0.1 1 2\r\n${handshake(PATH)}`),
                'another version': () => proxyHeader('203.0.113.1', { version: 3 }),
                'another command': () => proxyHeader('203.0.113.1', { command: 2 }),
                UDP: () => proxyHeader('203.0.113.1', { family: 0x12 }),
                'a length below the addresses': () => proxyHeader('203.0.113.1', { length: 11 }),
                'a header of one byte too many': () => proxyHeader('203.0.113.1', { tlvs: Buffer.alloc(536 - 12 + 1) }),
                'the longest length there is': () => proxyHeader('203.0.113.1', { length: 65535 }),
            })) {
                test(`${name}: closed and counted`, async () => assert.equal(await closed(bytes()), 1));
            }

            test('an incomplete header ends with header_timeout, or with the peer', async () => {
                const timeouts = async () => (await daemon.metrics()).get('timeouts_total', 'kind="head"') ?? 0;
                const before = await timeouts();
                assert.equal(await closed(proxyHeader('203.0.113.1').subarray(0, 20)), 0);
                assert.equal((await timeouts()) - before, 1);
                assert.equal(await closed(proxyHeader('203.0.113.1').subarray(0, 20), { end: true }), 0);
                assert.equal(await closed(Buffer.alloc(0), { end: true }), 0);
            });

            test('from elsewhere: served without a header, and a header is a bad request', async () => {
                const plain = await from(daemon.port, '127.0.0.2', handshake(PATH));
                assert.equal((await plain.response()).status, 101);
                plain.destroy();
                const raw = await from(daemon.port, '127.0.0.2', Buffer.concat([proxyHeader('203.0.113.1'), Buffer.from(handshake(PATH))]));
                assert.equal((await raw.response()).status, 400);
                raw.destroy();
            });

            test('in front of TLS, with the ClientHello in the same packet or later', async () => {
                for (const glued of [true, false]) {
                    const socket = createConnection({ port: tlsPort, host: '127.0.0.1', noDelay: true });
                    await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
                    const header = proxyHeader(`192.0.2.${glued ? 210 : 211}`);
                    if (glued) {
                        socket.cork();
                        socket.write(header);
                    } else await new Promise((done) => socket.write(header, done));
                    const secure = tlsConnect({ socket, ca: ca.pem, servername: 'localhost' });
                    if (glued) setImmediate(() => socket.uncork());
                    await deadline(new Promise((done, fail) => secure.once('secureConnect', done).once('error', fail)), 'a TLS handshake');
                    const raw = new Raw(secure);
                    raw.write(handshake(PATH));
                    assert.equal((await raw.response()).status, 101);
                    raw.destroy();
                }
                assert.equal(await closed(Buffer.from('160301', 'hex'), { port: tlsPort }), 1);
            });

            test('haproxy with send-proxy-v2 in front of both', { skip: missingCommand('haproxy') }, async () => {
                for (const upstream of [daemon.port, tlsPort]) {
                    const proxy = await Proxy.start('haproxy', (file) => ['-db', '-f', file], haproxyTcp(upstream));
                    try {
                        const open = async (localAddress) => {
                            const options = { port: proxy.port, host: '127.0.0.1', localAddress };
                            const socket = upstream === tlsPort ? tlsConnect({ ...options, ca: ca.pem, servername: 'localhost' }) : createConnection(options);
                            await deadline(new Promise((done, fail) => socket.once(upstream === tlsPort ? 'secureConnect' : 'connect', done).once('error', fail)), 'a connection');
                            return new Raw(socket);
                        };
                        for (const [localAddress, n] of [[`127.0.1.${upstream === tlsPort ? 1 : 2}`, RATE * 2], [`127.0.1.${upstream === tlsPort ? 3 : 4}`, 1]]) {
                            const raws = [];
                            for (let i = 0; i < n; i++) raws.push(await open(localAddress));
                            const began = performance.now();
                            for (const raw of raws) raw.write(handshake(PATH));
                            const statuses = (await Promise.all(raws.map((raw) => raw.response()))).map((answer) => answer?.status);
                            for (const raw of raws) raw.destroy();
                            const passed = statuses.filter((status) => status === 101).length;
                            if (n > 1) oneBucket({ statuses, passed, seconds: (performance.now() - began) / 1000 });
                            else assert.deepEqual(statuses, [101]);
                        }
                    } finally {
                        await proxy.stop();
                    }
                }
            });
        });
    }
});

suite('nginx in front', { workers: [1, 3], sections: { server: { trusted_proxies: '127.0.0.1' }, limits } }, (ctx) => {
    test('its clients are told apart by $proxy_add_x_forwarded_for', { skip: missingCommand('nginx') }, async () => {
        const proxy = await Proxy.start('nginx', (file, dir) => ['-p', dir, '-c', file], nginxHttp(ctx.daemon.port));
        try {
            const spoofed = { headers: (i) => ({ 'X-Forwarded-For': `6.6.6.${i}` }) };
            oneBucket(await burst(proxy.port, RATE * 2, { localAddress: '127.0.1.5', ...spoofed }));
            const { statuses } = await burst(proxy.port, RATE, { localAddress: '127.0.1.6', ...spoofed });
            assert.deepEqual([...new Set(statuses)], [101]);
        } finally {
            await proxy.stop();
        }
    });
});
