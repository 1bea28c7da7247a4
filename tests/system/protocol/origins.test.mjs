// Which pages and apps may connect by their Origin, and what the log says of those who may not.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { Daemon } from '../lib/daemon.mjs';
import { suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, Raw } from '../lib/ws.mjs';

suite(
    'origins of apps, and the own one',
    {
        workers: [1, 3],
        sections: {
            'app "apps"': { key: 'apps', secret: 's', allowed_origins: 'capacitor://localhost, file://, null' },
            'app "own"': { key: 'own', secret: 's', allowed_origins: 'self' },
        },
    },
    (ctx) => {
        const refused = async (key, headers) => {
            const client = await ctx.dial({ app: { key }, headers });
            await client.error(4009, 'Origin not allowed');
            await client.closedWith(4009);
        };
        for (const origin of ['capacitor://localhost', 'file://', 'null']) {
            test(`${origin} is accepted`, async () => void (await ctx.open({ app: { key: 'apps' }, headers: { Origin: origin } })));
        }
        for (const origin of ['ionic://localhost', 'http://localhost', 'file://localhost', 'http://null', '']) {
            test(`"${origin}" is refused`, async () => refused('apps', { Origin: origin }));
        }
        test('self is the host that the client connects to', async () => {
            const at = (Host, Origin) => ({ Host, Origin });
            for (const headers of [at('ws.example', 'https://ws.example'), at('ws.example:8080', 'http://WS.example:8080'), at('[::1]:8080', 'http://[::1]:8080')]) {
                await ctx.open({ app: { key: 'own' }, headers });
            }
            for (const origin of ['https://evil.example', 'https://ws.example:8443', 'https://a.ws.example', 'capacitor://ws.example', 'http://self', 'null']) {
                await refused('own', at('ws.example', origin));
            }
        });
    },
);

describe('the log of those who are refused', () => {
    test('at debug it has them, with the address that a proxy names', async (t) => {
        const daemon = await Daemon.start({
            sections: { server: { log_level: 'debug', trusted_proxies: '127.0.0.1' }, 'app "own"': { key: 'own', secret: 's', allowed_origins: 'self' } },
        });
        t.after(() => daemon.stop());
        for (const [key, code] of [['own', 4009], ['no-such-key', 4001]]) {
            const client = await Client.dial(daemon, { app: { key }, headers: { Origin: 'https://evil.example', 'X-Forwarded-For': '192.0.2.7' } });
            await client.error(code);
            await client.closedWith(code);
        }
        const socket = connect({ host: '127.0.0.1', port: daemon.port, rejectUnauthorized: false });
        await new Promise((done) => socket.once('error', done));
        for (const line of [
            'debug handshake: refused 192.0.2.7: Origin not allowed (key own, Origin https://evil.example)\n',
            'debug handshake: refused 192.0.2.7: Application does not exist (key no-such-key, Origin https://evil.example)\n',
            'debug http: 127.0.0.1 sent what is no HTTP: it speaks TLS (https, wss), and this port does not\n',
        ]) {
            await until(() => daemon.stderr.includes(line), () => `${line}${daemon.stderr}`);
        }
    });
    test('at the usual level it has nothing of them', async (t) => {
        const daemon = await Daemon.start();
        t.after(() => daemon.stop());
        const before = daemon.stderr;
        for (let i = 0; i < 20; i++) {
            const raw = await Raw.connect(daemon.port);
            raw.write('\x16\x03\x01\x00\x05hello\r\n\r\n');
            await raw.ended;
        }
        await until(async () => (await daemon.metrics()).get('bad_input_total', 'http') === 20, 'all of them');
        assert.equal(daemon.stderr, before);
    });
});
