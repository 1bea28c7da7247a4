// What an OpenTelemetry collector is for a test: it takes spans by OTLP over HTTP, and answers as it is told.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { freePort } from './daemon.mjs';
import { Inbox } from './wait.mjs';

export class Collector {
    /**
     * answer(number) -> a status, {status, headers, body}, or null for never. tls: {cert, key}, texts.
     * requests: {method, url, headers, body, at}; spans: those of requests that were answered with 200, one by one.
     */
    static async start(t, { answer = () => 200, port, tls } = {}) {
        const collector = new Collector();
        collector.requests = [];
        collector.spans = new Inbox();
        const handle = (request, response) => {
            const chunks = [];
            request.on('error', () => {});
            request.on('data', (chunk) => chunks.push(chunk));
            request.on('end', () => {
                const body = JSON.parse(Buffer.concat(chunks).toString());
                collector.requests.push({ method: request.method, url: request.url, headers: request.headers, body, at: Date.now() });
                const said = answer(collector.requests.length);
                if (said === null) return;
                const { status, headers = {}, body: text = '{}' } = typeof said === 'number' ? { status: said } : said;
                response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
                if (status === 200) for (const span of body.resourceSpans[0].scopeSpans[0].spans) collector.spans.push(span);
            });
        };
        collector.server = tls ? createTlsServer(tls, handle) : createServer(handle);
        collector.scheme = tls ? 'https' : 'http';
        collector.port = port ?? (await freePort());
        await new Promise((done, fail) => collector.server.once('error', fail).listen(collector.port, '127.0.0.1', done));
        t?.after(() => collector.stop());
        return collector;
    }

    get url() {
        return `${this.scheme}://127.0.0.1:${this.port}`;
    }

    async take(n) {
        const spans = [];
        while (spans.length < n) spans.push(await this.spans.take('a span'));
        return spans;
    }

    stop() {
        this.server.closeAllConnections();
        return new Promise((done) => this.server.close(done));
    }
}

export const attributes = (span) => Object.fromEntries(span.attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
export const named = (spans, name) => spans.filter((span) => span.name === name);
