// Whole suites once more with every client on TLS: a protocol must not notice what stands between it and its socket.
import { after } from 'node:test';
import { Authority } from './certs.mjs';

/** Runs these files of the protocol group, which must not have been imported yet, nor anything of lib. */
export async function overTls(...files) {
    const ca = new Authority();
    after(() => ca.remove());
    ca.issue('server', ['localhost']);
    process.env.FANFARE_TEST_TLS = ca.dir;
    for (const file of files) await import(`../protocol/${file}.test.mjs`);
}
