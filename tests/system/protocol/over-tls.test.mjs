// Whole suites once more with every client on TLS: a protocol must not notice what stands between it and its socket.
import { after } from 'node:test';
import { Authority } from '../lib/certs.mjs';

const ca = new Authority();
after(() => ca.remove());
ca.issue('server', ['localhost']);
process.env.FANFARE_TEST_TLS = ca.dir;
for (const file of ['frames', 'messages', 'presence', 'order', 'slow', 'leaks']) await import(`./${file}.test.mjs`);
