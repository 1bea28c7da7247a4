// Certificates for tests, made by the openssl command in a temporary directory: an authority of our own and what it signs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KEYS = {
    ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    rsa: ['-newkey', 'rsa:2048'],
};

export class Authority {
    constructor() {
        this.dir = mkdtempSync(join(tmpdir(), 'ff-ca-'));
        this.file = join(this.dir, 'ca.pem');
        this.#openssl('req', '-x509', ...KEYS.ec, '-nodes', '-keyout', join(this.dir, 'ca.key'), '-out', this.file, '-days', '2', '-subj', '/CN=Fanfare test authority',
            '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
        this.pem = readFileSync(this.file);
    }

    #openssl(...args) {
        return this.#run('openssl', ...args);
    }

    #run(command, ...args) {
        return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    }

    /** Files {certificate, key} for these names (DNS names, and 127.0.0.1 with each), in `name`.pem and .key. `at`: made at another time, "-5 days"; needs faketime. */
    issue(name, names, { kind = 'ec', days = 2, dir = this.dir, at } = {}) {
        const certificate = join(dir, `${name}.pem`), key = join(dir, `${name}.key`), request = join(dir, `${name}.csr`), extensions = join(dir, `${name}.ext`);
        this.#openssl('req', ...KEYS[kind], '-nodes', '-keyout', key, '-out', request, '-subj', `/CN=${names[0]}`);
        writeFileSync(extensions, `subjectAltName=${[...names.map((one) => `DNS:${one}`), 'IP:127.0.0.1'].join(',')}\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n`);
        this.#run(...(at ? ['faketime', at] : []), 'openssl', 'x509', '-req', '-in', request, '-CA', this.file, '-CAkey', join(this.dir, 'ca.key'), '-set_serial', String(1 + Math.floor(Math.random() * 1e9)), '-days', String(days), '-extfile', extensions, '-out', certificate);
        return { certificate, key };
    }

    /** The same key, encrypted. */
    encrypt(key) {
        const out = `${key}.encrypted`;
        this.#openssl('pkey', '-in', key, '-aes256', '-passout', 'pass:secret', '-out', out);
        return out;
    }

    remove() {
        rmSync(this.dir, { recursive: true, force: true });
    }
}
