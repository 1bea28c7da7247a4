// Headers of the PROXY protocol, version 2, and real proxies in front of the daemon.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Process, connectable, freePort } from './daemon.mjs';
import { until } from './wait.mjs';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function bytes(address) {
    if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
    const [left, right = ''] = address.split('::').map((half) => (half ? half.split(':') : []));
    const words = [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
    return Buffer.concat(words.map((word) => Buffer.from(word.padStart(4, '0'), 'hex')));
}

export function proxyHeader(source, { command = 1, version = 2, family, tlvs = Buffer.alloc(0), length } = {}) {
    const six = source !== undefined && isIPv6(source);
    const target = six ? '::1' : '127.0.0.1';
    const addresses = source === undefined ? Buffer.alloc(0) : Buffer.concat([bytes(source), bytes(target), Buffer.from([0x30, 0x39, 0x1f, 0x90])]);
    const body = Buffer.concat([addresses, tlvs]);
    const head = Buffer.from([(version << 4) | command, family ?? (source === undefined ? 0 : six ? 0x21 : 0x11), 0, 0]);
    head.writeUInt16BE(length ?? body.length, 2);
    return Buffer.concat([SIGNATURE, head, body]);
}

/** Why a real proxy cannot be tested here, or false. */
export const missingCommand = (command) => (spawnSync('sh', ['-c', `command -v ${command}`]).status === 0 ? false : `${command} is not installed`);

/** Starts a proxy; config(dir, port) is its configuration's text, args(file, dir) its command line. */
export class Proxy {
    static async start(command, args, config) {
        const proxy = new Proxy();
        proxy.dir = mkdtempSync(join(tmpdir(), 'ff-proxy-'));
        proxy.port = await freePort();
        const file = join(proxy.dir, 'proxy.conf');
        writeFileSync(file, config(proxy.dir, proxy.port));
        proxy.process = new Process(command, args(file, proxy.dir));
        await until(async () => proxy.process.status || (await connectable(proxy.port)), () => `${command} to listen\n${proxy.process.stderr}`);
        if (proxy.process.status) throw new Error(`${command} ended at once\n${proxy.process.stderr}`);
        return proxy;
    }

    async stop() {
        this.process.kill('SIGTERM');
        await this.process.exit().catch(() => this.process.kill('SIGKILL'));
        rmSync(this.dir, { recursive: true, force: true });
    }
}

export const nginxHttp = (upstream) => (dir, port) => `pid ${dir}/nginx.pid;
error_log ${dir}/nginx.log;
daemon off;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
    uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
    server {
        listen 127.0.0.1:${port};
        location / {
            proxy_pass http://127.0.0.1:${upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
    }
}
`;

export const haproxyTcp = (upstream) => (dir, port) => `global
    maxconn 200
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen fanfare
    bind 127.0.0.1:${port}
    server one 127.0.0.1:${upstream} send-proxy-v2
`;
