// Signatures, made with Node's own crypto so that they check the daemon's and the bridge's from outside.
import { createHash, createHmac } from 'node:crypto';
import { APP } from './daemon.mjs';

export const hmac = (secret, text) => createHmac('sha256', secret).update(text).digest('hex');
export const md5 = (text) => createHash('md5').update(text).digest('hex');

/** What /broadcasting/auth answers as `auth`. channelData is the raw text, if any. */
export function auth(app, socketId, channel, channelData) {
    return `${app.key}:${hmac(app.secret, [socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(':'))}`;
}

/** The bytes that sign an IPC hello. */
export function helloMac(secret, app, producer, ms) {
    return createHmac('sha256', secret).update(`fanfare-ipc-1\n${app}\n${producer.toString('hex')}\n${ms}`).digest();
}

/** The path of a request to the HTTP API with a signed query. `change` replaces parameters and is signed with them; undefined leaves one out. */
export function signed(method, path, { app = APP, body = '', query = {}, now = Math.floor(Date.now() / 1000), change = {}, prefix = '' } = {}) {
    const params = { auth_key: app.key, auth_timestamp: String(now), auth_version: '1.0', ...query, ...(body ? { body_md5: md5(body) } : {}), ...change };
    for (const key of Object.keys(params)) if (params[key] === undefined) delete params[key];
    const text = Object.keys(params).sort().map((key) => `${key}=${params[key]}`).join('&');
    const signature = change.auth_signature ?? hmac(app.secret, `${method}\n${path}\n${text}`);
    const encoded = Object.keys(params).map((key) => `${key}=${encodeURIComponent(params[key])}`).join('&');
    return `${prefix}${path}?${encoded}&auth_signature=${signature}`;
}
