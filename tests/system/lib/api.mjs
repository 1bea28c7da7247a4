// One request to the HTTP API, signed as the SDKs sign it.
import { request } from 'node:http';
import { APP } from './daemon.mjs';
import { signed } from './sign.mjs';
import { deadline } from './wait.mjs';

/** Sends `target` as it is. -> {status, headers, body, json} */
export function send(daemon, method, target, { body, headers = {} } = {}) {
    const answer = new Promise((done, fail) => {
        const out = request({ host: '127.0.0.1', port: (daemon.twin ?? daemon).port, method, path: target, agent: false, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }), ...headers } }, (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk) => (text += chunk));
            response.on('error', fail);
            response.on('end', () => {
                let json;
                try {
                    json = JSON.parse(text);
                } catch {
                    json = undefined;
                }
                done({ status: response.statusCode, headers: response.headers, body: text, json });
            });
        });
        out.on('error', fail);
        out.end(body);
    });
    return deadline(answer, `the answer to ${method} ${target}`);
}

const path = (app, rest) => `/apps/${app.id}${rest}`;

/** GET /apps/{id}{rest}, signed. */
export const get = (daemon, rest, { app = APP, ...options } = {}) => send(daemon, 'GET', signed('GET', path(app, rest), { app, ...options }));

/** POST /apps/{id}{rest}, signed. body: a text, or a value that becomes one. */
export function post(daemon, rest, value, { app = APP, headers, ...options } = {}) {
    const body = typeof value === 'string' ? value : JSON.stringify(value);
    return send(daemon, 'POST', signed('POST', path(app, rest), { app, body, ...options }), { body, headers });
}
