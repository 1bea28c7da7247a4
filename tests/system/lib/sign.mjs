// Signatures, made with Node's own crypto so that they check the daemon's and the bridge's from outside.
import { createHmac } from 'node:crypto';

export const hmac = (secret, text) => createHmac('sha256', secret).update(text).digest('hex');

/** What /broadcasting/auth answers as `auth`. channelData is the raw text, if any. */
export function auth(app, socketId, channel, channelData) {
    return `${app.key}:${hmac(app.secret, [socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(':'))}`;
}

/** The bytes that sign an IPC hello. */
export function helloMac(secret, app, producer, ms) {
    return createHmac('sha256', secret).update(`fanfare-ipc-1\n${app}\n${producer.toString('hex')}\n${ms}`).digest();
}
