// TLS on its own listener: certificates by name, versions, resumption, and everything else as without it.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect as tlsConnect } from 'node:tls';
import { Authority } from '../lib/certs.mjs';
import { Daemon, freePort } from '../lib/daemon.mjs';
import { deadline } from '../lib/wait.mjs';

let ca, pairs;
before(() => {
    ca = new Authority();
    pairs = [ca.issue('localhost', ['localhost']), ca.issue('other', ['other.test', 'www.other.test'], { kind: 'rsa' }), ca.issue('wild', ['*.wild.test'])];
});
after(() => ca?.remove());

/** The [tls] section for these pairs. */
const section = (port, list = pairs) => ({ listen: `127.0.0.1:${port}`, certificate: list.map((one) => one.certificate).join(', '), key: list.map((one) => one.key).join(', ') });

/** A TLS socket whose handshake is over; `trusted` and `name` say who answered. */
export async function secure(port, options = {}) {
    const socket = tlsConnect({ port, host: '127.0.0.1', ca: ca.pem, servername: 'localhost', ALPNProtocols: ['http/1.1'], ...options });
    await deadline(new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail)), 'a TLS handshake');
    return socket;
}

for (const workers of [1, 3]) {
    describe(`tls (workers=${workers})`, () => {
        let daemon, port;
        before(async () => {
            port = await freePort();
            daemon = await Daemon.start({ workers, sections: { tls: section(port) } });
        });
        after(() => daemon?.stop());

        for (const [asked, subject] of [['localhost', 'localhost'], ['other.test', 'other.test'], ['WWW.other.test', 'other.test'], ['a.wild.test', '*.wild.test']]) {
            test(`${asked} is answered with the certificate of ${subject}`, async () => {
                const socket = await secure(port, { servername: asked });
                assert.equal(socket.getPeerCertificate().subject.CN, subject);
                assert.equal(socket.alpnProtocol, 'http/1.1');
                socket.destroy();
            });
        }
    });
}
