// The files of packaging/ for HAProxy, nginx and Caddy as they are shipped, but for addresses and certificates: TLS in front of two
// nodes, pusher-js through wss, the client's address, and a node that drains.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { Authority } from '../lib/certs.mjs';
import { APP, Daemon, freePort, overTls, twoNodes } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { root } from '../lib/paths.mjs';
import { Proxy, missingCommand } from '../lib/proxy.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Raw, handshake } from '../lib/ws.mjs';

const NAME = 'ws.example.com';
const CLIENTS = 10;
const shipped = (file) => readFileSync(join(root, 'packaging', file), 'utf8');

/** Replaces what has to be there: a file that has changed is not to pass by being left alone. */
function replaced(text, pairs) {
    for (const [from, to] of pairs) {
        assert.ok(text.includes(from), `the file no longer has ${from}`);
        text = text.replaceAll(from, to);
    }
    return text;
}

const nodes = ({ port, health }) => [['10.0.0.11:8080', `127.0.0.11:${port}`], ['10.0.0.12:8080', `127.0.0.12:${port}`], ...(health ? [['9601', `${health}`]] : [])];

const proxies = {
    haproxy: {
        server: { proxy_protocol: 'yes' },
        missing: missingCommand('haproxy'),
        start: (config) => Proxy.start('haproxy', (file) => ['-db', '-f', file], config),
        config: ({ ports, pair }) => (dir, listen) => {
            writeFileSync(join(dir, 'pair.pem'), readFileSync(pair.certificate, 'utf8') + readFileSync(pair.key, 'utf8'));
            const plain = ports.plain;
            return `global\n    maxconn 500\ndefaults\n    log global\n${replaced(shipped('haproxy/fanfare.cfg'), [
                ...nodes(ports),
                ['bind :443 ssl crt /etc/haproxy/certs/ws.example.com.pem', `bind 127.0.0.1:${listen} ssl crt ${dir}/pair.pem`],
                ['bind :80', `bind 127.0.0.1:${plain}`],
            ])}`;
        },
    },
    nginx: {
        server: {},
        missing: missingCommand('nginx'),
        start: (config) => Proxy.start('nginx', (file, dir) => ['-p', dir, '-c', file], config),
        config: ({ ports, pair }) => (dir, listen) => {
            const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join(' ');
            return `pid ${dir}/nginx.pid;\nerror_log ${dir}/nginx.log;\ndaemon off;\nevents {}\nhttp { access_log off; ${temporary}\n${replaced(shipped('nginx/cluster.conf'), [
                ...nodes({ port: ports.port }),
                ['    listen 80;\n', ''],
                ['#   listen 443 ssl http2;', `    listen 127.0.0.1:${listen} ssl http2;`],
                ['#   ssl_certificate     /etc/letsencrypt/live/ws.example.com/fullchain.pem;', `    ssl_certificate ${pair.certificate};`],
                ['#   ssl_certificate_key /etc/letsencrypt/live/ws.example.com/privkey.pem;', `    ssl_certificate_key ${pair.key};`],
            ])}\n}\n`;
        },
    },
    caddy: {
        server: {},
        missing: missingCommand('caddy'),
        start: (config) => Proxy.start('caddy', (file) => ['run', '--adapter', 'caddyfile', '--config', file], config),
        config: ({ ports, pair }) => (dir, listen) =>
            replaced(shipped('caddy/Caddyfile'), [
                ...nodes(ports),
                ['\n{\n', '\n{\n\tadmin off\n\tauto_https off\n\tstorage file_system ' + dir + '\n'],
                [`\n${NAME} {\n`, `\nhttps://${NAME}:${listen} {\n\ttls ${pair.certificate} ${pair.key}\n`],
            ]),
    },
};

/** pusher-js in a process of its own, which trusts our authority and finds the name here. It writes what happens, an array a line. */
const browser = (file) => {
    writeFileSync(
        file,
        `const dns = require('node:dns');
dns.lookup = (host, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4));
const Pusher = require(${JSON.stringify(join(root, 'out/node/node_modules/pusher-js'))});
const say = (...words) => console.log(JSON.stringify(words));
for (let i = 0; i < ${CLIENTS}; i++) {
    const pusher = new Pusher(process.argv[2], { cluster: '', wsHost: '${NAME}', wssPort: Number(process.argv[3]), forceTLS: true, enabledTransports: ['ws', 'wss'] });
    const channel = pusher.subscribe('orders');
    channel.bind('pusher:subscription_succeeded', () => say('subscribed', i));
    channel.bind('E', (data) => say('E', i, data));
    pusher.connection.bind('error', ({ error }) => say('error', i, error?.data?.code ?? error?.type ?? String(error)));
}
`,
    );
    return file;
};

const skipAll = (overTls || twoNodes) && 'has two nodes and TLS of its own';

describe('proxies as packaging/ has them', { skip: skipAll, concurrency: true }, () => {
    let ca, pair;
    before(() => {
        ca = new Authority();
        pair = ca.issue('front', [NAME]);
    });
    after(() => ca?.remove());

    for (const [name, { server, missing, start, config }] of Object.entries(proxies)) {
        test(name, { skip: missing }, async (t) => {
            const ports = { port: await freePort(), health: await freePort(), plain: await freePort() };
            const daemons = [];
            t.after(() => Promise.all(daemons.map((daemon) => daemon.stop({ check: false }))));
            for (const address of ['127.0.0.11', '127.0.0.12']) {
                daemons.push(
                    await Daemon.start({
                        sections: {
                            server: { listen: `${address}:${ports.port}`, trusted_proxies: '127.0.0.1', log_messages: 'yes', drain_delay: 3, drain_period: 1, ...server },
                            admin: { listen: `${address}:${ports.health}` },
                        },
                    }),
                );
            }
            const proxy = await start(config({ ports, pair }));
            t.after(() => proxy.stop());

            const open = async (localAddress = '127.0.0.1', headers = {}) => {
                const socket = tlsConnect({ port: proxy.port, host: '127.0.0.1', localAddress, servername: NAME, ca: ca.pem, ALPNProtocols: ['http/1.1'] });
                await deadline(new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail)), `TLS to ${name}`);
                const raw = new Raw(socket);
                raw.write(handshake(`/app/${APP.key}?protocol=7`, { host: NAME, headers }));
                return raw;
            };
            const log = () => daemons.map((daemon) => daemon.stderr).join('');
            // Health checks of the proxy have to have passed, where it makes any.
            await until(async () => {
                const raw = await open();
                const answer = await raw.response();
                raw.destroy();
                return answer?.status === 101;
            }, () => `a handshake through ${name}\n${proxy.process.stderr}`);

            // Who the client is: its own address, and not what it makes up.
            const raw = await open('127.0.7.7', { 'X-Forwarded-For': '6.6.6.6' });
            assert.equal((await raw.response()).status, 101);
            await until(() => log().includes('opened by 127.0.7.7'), () => `the client's address in the log\n${log()}`);
            assert.doesNotMatch(log(), /6\.6\.6\.6/);
            raw.destroy();

            // What is the operator's stays inside: nothing of the admin listener, by no way of writing it.
            for (const path of ['/console/', '/metrics', '/stats', '/health/ready', '/api/status', '/app/../metrics', '/app/%2e%2e/console/', '//metrics']) {
                const socket = tlsConnect({ port: proxy.port, host: '127.0.0.1', servername: NAME, ca: ca.pem, ALPNProtocols: ['http/1.1'] });
                await deadline(new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail)), `TLS to ${name}`);
                const asked = new Raw(socket);
                asked.write(`GET ${path} HTTP/1.1\r\nHost: ${NAME}\r\nConnection: close\r\n\r\n`);
                const { status } = (await asked.response()) ?? {};
                asked.destroy();
                assert.ok(status >= 300 && status < 500, `${path} through ${name} is answered ${status}`);
            }

            const child = spawn(process.execPath, [browser(join(proxy.dir, 'pusher.cjs')), APP.key, String(proxy.port)], {
                env: { ...process.env, NODE_EXTRA_CA_CERTS: ca.file },
                stdio: ['ignore', 'pipe', 'inherit'],
            });
            t.after(() => child.kill());
            const seen = [];
            createInterface({ input: child.stdout }).on('line', (line) => seen.push(JSON.parse(line)));
            const who = (kind) => new Set(seen.filter((words) => words[0] === kind).map((words) => words[1]));
            await until(() => who('subscribed').size === CLIENTS, () => `${CLIENTS} clients to subscribe: ${JSON.stringify(seen)}`, 60_000);

            // Nothing is sticky: they are spread over both, and what either has to say arrives.
            const spread = daemons.map((daemon) => [...daemon.stderr.matchAll(/subscribes to orders/g)].length);
            assert.ok(Math.min(...spread) >= 3, `spread over the nodes: ${spread}`);
            for (const daemon of daemons) {
                const ipc = await Ipc.open(daemon.socket, APP);
                await ipc.publish({ channel: 'orders', event: 'E', data: { from: 'both' } });
                ipc.close();
            }
            await until(() => who('E').size === CLIENTS, 'each to hear its node');
            assert.equal(seen.filter(([kind]) => kind === 'error').length, 0, JSON.stringify(seen));

            // The first node drains. Whoever comes meanwhile gets in, and whoever was there is on the other one afterwards.
            seen.length = 0;
            let draining = true;
            const stopped = daemons[0].stop({ keep: true }).finally(() => (draining = false));
            const came = { in: 0, refused: [] };
            // At least so many, however slow the machine is: who comes right afterwards is not to be refused either.
            while (draining || came.in <= 10) {
                const one = await open();
                const answer = await one.response();
                if (answer?.status === 101) came.in++;
                else came.refused.push(answer?.status ?? 'hung up');
                one.destroy();
                await new Promise((done) => setTimeout(done, 20));
            }
            await stopped;
            assert.deepEqual(came.refused, [], `of ${came.in + came.refused.length} clients that came during the drain`);
            const ipc = await Ipc.open(daemons[1].socket, APP);
            t.after(() => ipc.close());
            await until(async () => {
                await ipc.publish({ channel: 'orders', event: 'E', data: { from: 'the other' } });
                return who('E').size === CLIENTS;
            }, () => `everybody to be on the other node: ${JSON.stringify(seen)}`);
            assert.deepEqual([...who('error')].length <= spread[0], true, 'only those that were closed saw an error');
        });
    }
});
