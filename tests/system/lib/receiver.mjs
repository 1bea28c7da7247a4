// An endpoint for webhooks: keeps every request, answers as it is told, and hands out the events of those it took.
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { freePort } from './daemon.mjs';
import { need } from './deps.mjs';
import { Inbox } from './wait.mjs';

const Pusher = need('pusher');

export class Receiver {
    /** answer(request, number) -> a status, or null for never. tls: {key, cert}. */
    static async start({ answer = () => 200, tls, port } = {}) {
        const receiver = new Receiver();
        receiver.answer = answer;
        receiver.requests = []; // {at, method, url, headers, text, body}
        receiver.arrived = new Inbox(); // the same, one by one
        receiver.events = new Inbox(); // of the requests answered with 2xx
        receiver.held = [];
        receiver.server = (tls ? createSecureServer : createServer)(tls ?? {}, (request, response) => receiver.#take(request, response));
        receiver.port = port ?? (await freePort());
        receiver.url = `${tls ? 'https' : 'http'}://127.0.0.1:${receiver.port}/hook`;
        await new Promise((done, fail) => receiver.server.once('error', fail).listen(receiver.port, '127.0.0.1', done));
        return receiver;
    }

    #take(request, response) {
        const chunks = [];
        request.on('error', () => {});
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const seen = { at: Date.now(), method: request.method, url: request.url, headers: request.headers, text };
            try {
                seen.body = JSON.parse(text);
            } catch (error) {
                seen.bad = error;
            }
            this.requests.push(seen);
            const status = this.answer(seen, this.requests.length);
            this.arrived.push(seen);
            if (status === null) {
                this.held.push(response);
                return;
            }
            response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {});
            response.end('taken');
            if (status >= 200 && status < 300) for (const event of seen.body.events) this.events.push(event);
        });
    }

    /** The next event, whatever it is, or the next of this channel (events of others are passed over). */
    async next(channel, what = 'a webhook event') {
        for (;;) {
            const event = await this.events.take(`${what}; requests so far: ${JSON.stringify(this.requests.map(({ text }) => text)).slice(-2000)}`);
            if (channel === undefined || event.channel === channel) return event;
        }
    }

    /** Checks a request's signature with Pusher's own library. */
    static valid({ headers, text }, app) {
        const pusher = new Pusher({ appId: app.id, key: app.key, secret: app.secret, host: '127.0.0.1' });
        return pusher.webhook({ rawBody: text, headers }).isValid();
    }

    async stop() {
        for (const response of this.held) response.destroy();
        this.server.closeAllConnections?.();
        await new Promise((done) => this.server.close(done));
    }
}
