// Connecting: what is accepted, what is refused and how, and plain HTTP on the same port.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { APP, APP2, Daemon, connectable } from '../lib/daemon.mjs';
import { until } from '../lib/wait.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { Client, Raw, clientFrame, handshake } from '../lib/ws.mjs';

/** Refused as a client must be: 101, pusher:error, a close frame with the same code, the end. */
async function refusedWith(client, code, message) {
    const response = await client.response();
    assert.equal(response?.status, 101);
    const error = await client.error(code, message);
    assert.equal(typeof error.message, 'string');
    await client.closedWith(code);
}

suite(
    'handshake',
    {
        workers: [1, 3],
        sections: {
            'app "off"': { key: 'off', secret: 's', enabled: 'no' },
            'app "small"': { key: 'small', secret: 's', max_connections: 2 },
            'app "picky"': { key: 'picky', secret: 's', allowed_origins: 'laravel.com, *.example.com, https://exact.test:8443', allow_missing_origin: 'no' },
            'app "schemes"': { key: 'schemes', secret: 's', allowed_origins: 'https://*.wild.test, http://*.wild.test:8080, ionic://localhost, http://[::1]:3000, https://port.test:443' },
            'app "lenient"': { key: 'lenient', secret: 's', allowed_origins: 'laravel.com' },
        },
    },
    (ctx) => {
        const open = (app, options) => ctx.open({ app: { key: app }, ...options });
        const dial = (app, options) => ctx.dial({ app: { key: app }, ...options });

        test('connection_established has the shape that pusher-js reads', async () => {
            const client = await ctx.dial();
            const response = await client.response();
            assert.equal(response.status, 101);
            assert.match(response.headers.upgrade, /^websocket$/i);
            assert.match(response.headers.connection, /^upgrade$/i);
            const message = await client.next();
            const data = JSON.parse(message.data);
            assert.match(data.socket_id, /^\d+\.\d+$/);
            assert.equal(message.text, JSON.stringify({ event: 'pusher:connection_established', data: JSON.stringify({ socket_id: data.socket_id, activity_timeout: 30 }) }));
        });

        test('Sec-WebSocket-Accept answers the key', async () => {
            const key = randomBytes(16).toString('base64');
            const raw = await Raw.connect(ctx.daemon.port);
            raw.write(handshake(`/app/${APP.key}`, { key }));
            const { headers } = await raw.response();
            const wanted = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
            assert.equal(headers['sec-websocket-accept'], wanted);
            assert.equal(headers['sec-websocket-protocol'], undefined);
            assert.equal(headers['sec-websocket-extensions'], undefined);
            raw.destroy();
        });

        test('socket ids are unique', async () => {
            const clients = await Promise.all(Array.from({ length: 50 }, () => open(APP.key)));
            assert.equal(new Set(clients.map((client) => client.socketId)).size, 50);
            for (const client of clients) client.destroy();
        });

        for (const protocol of ['5', '6', '7']) {
            test(`protocol ${protocol} is accepted`, async () => void (await open(APP.key, { query: `protocol=${protocol}` })));
        }
        test('an absent protocol is accepted, with and without a query', async () => {
            await open(APP.key, { query: '' });
            await open(APP.key, { query: 'client=java&version=1' });
        });
        for (const protocol of ['0', '1', '4', '8', '70', '99999999999999999999']) {
            test(`protocol ${protocol} is refused with 4007`, async () => refusedWith(await dial(APP.key, { query: `client=js&protocol=${protocol}` }), 4007));
        }
        for (const protocol of ['', 'seven', '7x', 'x7']) {
            test(`protocol "${protocol}" is refused with 4006`, async () => refusedWith(await dial(APP.key, { query: `protocol=${protocol}` }), 4006));
        }

        test('an unknown key is refused with 4001', async () => refusedWith(await dial('nobody'), 4001, 'Application does not exist'));
        test('keys are compared whole', async () => {
            await refusedWith(await dial('key'), 4001);
            await refusedWith(await dial('key11'), 4001);
            await refusedWith(await dial('KEY1'), 4001);
        });
        test('a disabled application is refused with 4003', async () => refusedWith(await dial('off'), 4003));

        test('the quota is exact, counts sockets that never subscribed, and frees again', async () => {
            const first = await open('small');
            const second = await open('small');
            await refusedWith(await dial('small'), 4004, 'Application is over connection quota');
            await open(APP.key);
            await first.close();
            const third = await open('small');
            await refusedWith(await dial('small'), 4004);
            second.destroy();
            third.destroy();
            await Promise.all([second.ended, third.ended]);
        });

        describe('origins', () => {
            for (const origin of ['http://laravel.com', 'https://laravel.com:8080', 'https://a.example.com', 'http://a.b.example.com', 'https://exact.test:8443', 'https://LARAVEL.com']) {
                test(`${origin} is accepted`, async () => void (await open('picky', { headers: { Origin: origin } })));
            }
            for (const origin of ['http://localhost', 'http://sub.laravel.com', 'http://laravel.com.evil.org', 'http://evillaravel.com', 'https://example.com', 'https://exact.test', 'http://exact.test:8443', 'null', '']) {
                test(`"${origin}" is refused`, async () => refusedWith(await dial('picky', { headers: { Origin: origin } }), 4009, 'Origin not allowed'));
            }
            for (const origin of ['https://a.wild.test', 'https://b.a.wild.test:443', 'http://a.wild.test:8080', 'ionic://localhost', 'http://[::1]:3000', 'https://port.test', 'HTTPS://PORT.test']) {
                test(`${origin} is accepted by scheme, host and port`, async () => void (await open('schemes', { headers: { Origin: origin } })));
            }
            for (const origin of ['http://a.wild.test', 'https://wild.test', 'https://a.wild.test:8080', 'https://a.wild.test.evil.org', 'https://evilwild.test', 'https://evil.org/.wild.test', 'https://evil.org@a.wild.test', 'http://localhost', 'http://[::1]', 'http://port.test', 'http://port.test:443', 'https://a.wild.test, https://evil.org', 'https://', 'a.wild.test']) {
                test(`"${origin}" is refused by scheme, host and port`, async () => refusedWith(await dial('schemes', { headers: { Origin: origin } }), 4009, 'Origin not allowed'));
            }
            test('a missing Origin is refused where the application says so', async () => refusedWith(await dial('picky'), 4009, 'Origin not allowed'));
            test('a missing Origin is accepted by default', async () => void (await open('lenient')));
            test('a wrong Origin is refused all the same', async () => refusedWith(await dial('lenient', { headers: { Origin: 'http://localhost' } }), 4009));
            test('any Origin is accepted by default', async () => void (await open(APP.key, { headers: { Origin: 'http://anything.test' } })));
        });

        test('frames glued behind the handshake are served', async () => {
            const channel = unique();
            const frames = Buffer.concat([
                clientFrame(JSON.stringify({ event: 'pusher:subscribe', data: { channel } })),
                clientFrame(JSON.stringify({ event: 'pusher:ping', data: {} })),
            ]);
            const client = await ctx.dial({ glue: frames });
            await client.established();
            await client.expect('pusher_internal:subscription_succeeded', channel);
            await client.expect('pusher:pong');
        });

        test('a handshake that arrives byte by byte is served', async () => {
            const raw = await Raw.connect(ctx.daemon.port);
            for (const byte of Buffer.from(handshake(`/app/${APP.key}`))) {
                await new Promise((done) => raw.socket.write(Buffer.from([byte]), done));
            }
            assert.equal((await raw.response()).status, 101);
            raw.destroy();
        });

        test('header names and values are read without regard to case', async () => {
            const raw = await Raw.connect(ctx.daemon.port);
            raw.write(`GET /app/${APP.key} HTTP/1.1\r\nhOST: x\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, UPGRADE\r\nsec-websocket-version: 13\r\nSEC-WEBSOCKET-KEY: ${randomBytes(16).toString('base64')}\r\n\r\n`);
            assert.equal((await raw.response()).status, 101);
            raw.destroy();
        });

        const http = async (text) => {
            const raw = await Raw.connect(ctx.daemon.port);
            raw.write(text);
            const response = await raw.response();
            raw.destroy();
            assert.ok(response, `no answer to ${JSON.stringify(text.slice(0, 80))}`);
            assert.ok('content-length' in response.headers, response.first);
            assert.equal(Buffer.byteLength(response.body), Number(response.headers['content-length']));
            return response;
        };

        test('plain HTTP on the application path is answered with 426', async () => {
            const response = await http(`GET /app/${APP.key}?protocol=7 HTTP/1.1\r\nHost: x\r\n\r\n`);
            assert.equal(response.status, 426);
        });
        test('unknown paths are answered with 404, upgrade or not', async () => {
            assert.equal((await http(handshake('/'))).status, 404);
            for (const path of ['/app', '/app/', `/app/${APP.key}/`, `/app/${APP.key}/x`, '/nothing', `/ws/app/${APP.key}`]) {
                assert.equal((await http(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)).status, 404, path);
                assert.equal((await http(handshake(path))).status, 404, `upgrade of ${path}`);
            }
        });
        test('what load balancers ask for when nobody told them otherwise is answered with 200', async () => {
            for (const first of ['GET / HTTP/1.1', 'GET / HTTP/1.0', 'GET /?x=1 HTTP/1.1', 'OPTIONS / HTTP/1.0', 'OPTIONS / HTTP/1.1', 'OPTIONS * HTTP/1.1']) {
                const response = await http(`${first}\r\n${first.endsWith('1.1') ? 'Host: x\r\n' : ''}\r\n`);
                assert.equal(response.status, 200, first);
                assert.equal(response.headers.allow, first.startsWith('OPTIONS') ? 'GET, HEAD, OPTIONS' : undefined, first);
            }
            const raw = await Raw.connect(ctx.daemon.port);
            let bytes = '';
            raw.socket.on('data', (chunk) => (bytes += chunk));
            raw.write('HEAD / HTTP/1.0\r\n\r\n');
            await raw.ended;
            assert.match(bytes, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nContent-Length: 15\r\n[^]*\r\n\r\n$/);
            assert.equal((await http('POST / HTTP/1.1\r\nHost: x\r\n\r\n')).status, 405);
            assert.equal((await http('GET * HTTP/1.1\r\nHost: x\r\n\r\n')).status, 404);
        });
        test('escapes of unreserved characters in a path mean the characters', async () => {
            const key = APP.key.replace(/./, (c) => `%${c.charCodeAt(0).toString(16)}`);
            assert.equal((await http('GET /%75p HTTP/1.1\r\nHost: x\r\n\r\n')).status, 200);
            await ctx.open({ path: `/%61pp/${key}?protocol=7` });
            assert.equal((await http('GET /up%2F HTTP/1.1\r\nHost: x\r\n\r\n')).status, 404);
        });
        test('/up is healthy', async () => {
            const response = await http('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
            assert.equal(response.status, 200);
            assert.deepEqual(JSON.parse(response.body), { health: 'OK' });
            assert.match(response.headers['content-type'], /^application\/json/);
        });

        const broken = {
            'no key': [{ 'Sec-WebSocket-Key': null }, 400],
            'a key of 15 bytes': [{ 'Sec-WebSocket-Key': randomBytes(15).toString('base64') }, 400],
            'two keys': [{ 'Sec-WebSocket-Key': [randomBytes(16).toString('base64'), randomBytes(16).toString('base64')] }, 400],
            'version 12': [{ 'Sec-WebSocket-Version': '12' }, 426],
            'no version': [{ 'Sec-WebSocket-Version': null }, [400, 426]],
            'no Connection': [{ Connection: null }, [400, 426]],
            'another Upgrade': [{ Upgrade: 'h2c' }, [400, 426]],
            'no Host': [{ Host: null }, 400],
            'two Hosts': [{ Host: ['a', 'b'] }, 400],
        };
        for (const [name, [headers, status]] of Object.entries(broken)) {
            test(`a handshake with ${name} is refused and nothing else is sent`, async () => {
                const raw = await Raw.connect(ctx.daemon.port);
                raw.write(handshake(`/app/${APP.key}`, { headers }));
                const response = await raw.response();
                assert.ok([status].flat().includes(response?.status), `${response?.first}`);
                assert.equal(Buffer.byteLength(response.body), Number(response.headers['content-length']));
                // Reverb sends a connection_established behind the refusal: here the next thing is the end or the next answer.
                raw.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
                const next = await raw.response();
                assert.ok(next === null || next.status === 200, next?.first);
                assert.deepEqual(raw.log.filter((item) => !item.end), []);
                raw.destroy();
            });
        }

        for (const [name, text, status] of [
            ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
            ['a bare LF', `GET /up HTTP/1.1\nHost: x\n\n`, 400],
            ['a space before a colon', `GET /up HTTP/1.1\r\nHost : x\r\n\r\n`, 400],
            ['HTTP/2.0', `GET /up HTTP/2.0\r\nHost: x\r\n\r\n`, [400, 505]],
            ['a head over 16 KB', `GET /up HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(17000)}\r\n\r\n`, 431],
            ['too many headers', `GET /up HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(200)}\r\n`, 431],
        ]) {
            test(`${name} is answered with an error and the end`, async () => {
                const raw = await Raw.connect(ctx.daemon.port);
                raw.write(Buffer.from(text, 'latin1'));
                const response = await raw.response();
                assert.ok([status].flat().includes(response?.status), `${response?.first}`);
                assert.equal(await raw.response(), null);
            });
        }

        test('POST is not taken for a handshake', async () => {
            const raw = await Raw.connect(ctx.daemon.port);
            raw.write(handshake(`/app/${APP.key}`).replace('GET', 'POST'));
            const response = await raw.response();
            assert.ok([404, 405].includes(response.status), response.first);
            raw.destroy();
        });

        test('HEAD /up has no body', async () => {
            const raw = await Raw.connect(ctx.daemon.port);
            raw.write('HEAD /up HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
            let bytes = '';
            raw.socket.on('data', (chunk) => (bytes += chunk));
            await raw.ended;
            assert.match(bytes, /^HTTP\/1\.1 200 /);
            assert.ok(bytes.endsWith('\r\n\r\n'), bytes);
        });
    },
);

suite('path prefix', { sections: { server: { path_prefix: '/ws' } } }, (ctx) => {
    test('the application answers below it', async () => void (await ctx.open({ path: `/ws/app/${APP.key}?protocol=7` })));
    test('without it nothing is there', async () => {
        const raw = await Raw.connect(ctx.daemon.port);
        raw.write(handshake(`/app/${APP.key}`));
        assert.equal((await raw.response()).status, 404);
        raw.destroy();
    });
    test('the root is healthy with and without it', async () => {
        for (const path of ['/', '/ws', '/ws/']) {
            for (const method of ['GET', 'OPTIONS']) assert.equal((await ctx.daemon.http(path, { method })).status, 200, `${method} ${path}`);
        }
        for (const path of ['/w', '/wsx', '/ws/x']) assert.equal((await ctx.daemon.http(path)).status, 404, path);
    });
});

for (const workers of [1, 3]) {
    suite(`node limit (workers=${workers})`, { workers, sections: { limits: { max_connections: 2 } } }, (ctx) => {
        test('one more than the node takes is refused with 4100, whatever its application', async () => {
            const first = await ctx.open();
            await ctx.open({ app: APP2 });
            await refusedWith(await ctx.dial({ app: APP2 }), 4100);
            await first.close();
            await ctx.open({ app: APP2 });
        });
    });
}

suite('what is refused before it is a client', { sections: { server: { log_level: 'debug' } } }, (ctx) => {
    test('TLS on a plain port and broken HTTP are logged with the address', async () => {
        for (const [bytes, line] of [
            ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /debug http: 127\.0\.0\.1 sent what is no HTTP: it speaks TLS \(https, wss\), and this port does not\n/],
            ['GET / HTTP/1.1\r\nHost : x\r\n\r\n', /debug http: 127\.0\.0\.1 sent what is no HTTP: Malformed header name\n/],
        ]) {
            const raw = await Raw.connect(ctx.daemon.port);
            raw.write(Buffer.from(bytes, 'latin1'));
            await raw.ended;
            await until(() => line.test(ctx.daemon.stderr), () => `${line} in\n${ctx.daemon.stderr}`);
        }
    });
});

suite('kept-alive connections', { workers: [1, 3], sections: { limits: { max_handshakes: 50, keepalive_timeout: 60 } } }, (ctx) => {
    test('count as handshakes while they wait for the next head', async () => {
        const all = [];
        let gone = 0;
        for (let i = 0; i < 100 * ctx.workers; i++) {
            const raw = await Raw.connect(ctx.daemon.port);
            raw.ended.then(() => gone++);
            raw.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
            assert.equal((await raw.response()).status, 200);
            all.push(raw);
        }
        // Workers take connections as they come, so none has more than its 50, and all may be with one of them.
        await until(() => all.length - gone <= 50 * ctx.workers, () => `${all.length - gone} of ${all.length} to be no more than ${50 * ctx.workers}`);
        const client = await ctx.open();
        await client.sync();
        for (const raw of all) raw.destroy();
    });
});

suite('slow heads', { workers: [1, 3], sections: { limits: { header_timeout: 1 } } }, (ctx) => {
    test('a head that does not come is ended, and blocks nobody', async () => {
        const slow = await Promise.all(
            Array.from({ length: 20 }, async (_, i) => {
                const raw = await Raw.connect(ctx.daemon.port);
                if (i % 2) raw.write('GET /app/key1 HTTP/1.1\r\nHost: x\r\n');
                return raw;
            }),
        );
        const client = await ctx.open();
        await client.sync();
        await Promise.all(slow.map((raw) => raw.ended));
        await client.sync();
        assert.ok(!client.closed, 'a client that finished its head stays');
        const metrics = await ctx.daemon.metrics();
        assert.ok(metrics.get('timeouts_total', 'head') >= 10, metrics.text);
    });
    test('a head that trickles is ended as well', async () => {
        const raw = await Raw.connect(ctx.daemon.port);
        const bytes = [...'GET /app/key1 HTTP/1.1\r\nHost: x\r\nX-Slow: ' + 'a'.repeat(1000)];
        const timer = setInterval(() => raw.closed || raw.write(bytes.shift() ?? 'a'), 50);
        await raw.ended.finally(() => clearInterval(timer));
    });
});
