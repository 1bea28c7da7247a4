// Listens to the demo as a browser does, with laravel-echo and pusher-js, and shows what arrives.
//
//     node listen.mjs NODE_MODULES URL [-- COMMAND ARGUMENT...]
//
// Opens the page for a session, connects with Echo, subscribes to the page's private and presence channels (authorized by
// /broadcasting/auth), runs COMMAND if one is given and waits for what it broadcasts, and then asks for what each part of the
// page shows: a message posted over HTTP, orders by both of their ways, an answer in tokens, the daemon's figures. Ends with 0
// when all arrived.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, url, dash, ...command] = process.argv.slice(2);
if (!url || (dash !== undefined && dash !== '--')) {
    console.error('usage: node listen.mjs NODE_MODULES URL [-- COMMAND ARGUMENT...]');
    process.exit(2);
}
const Pusher = createRequire(`${resolve(modules)}/`)('pusher-js');
const { default: Echo } = await import(pathToFileURL(resolve(modules, 'laravel-echo/dist/echo.js')));

const started = performance.now();
const say = (text) => console.log(text);
let waitingFor = `the page ${url}`;
const fail = (reason) => {
    console.error(`listen: ${reason}`);
    process.exit(1);
};
setTimeout(() => fail(`gave up waiting for ${waitingFor}`), 120_000).unref();
// unref alone would let the process end in silence if nothing else were open.
const alive = setInterval(() => {}, 1_000);

const page = await fetch(url).catch((error) => fail(`${url}: ${error.cause?.message ?? error.message}`));
const html = await page.text();
if (!page.ok) {
    fail(`${url} answered ${page.status}:\n${html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 600)}`);
}
const settings = JSON.parse(html.match(/<script id="settings" type="application\/json">(.*?)<\/script>/s)[1]);
const token = html.match(/name="csrf-token" content="([^"]+)"/)[1];
const cookie = page.headers.getSetCookie?.().map((line) => line.split(';')[0]).join('; ')
    ?? page.headers.get('set-cookie').split(/,(?=\s*[\w-]+=)/).map((line) => line.trim().split(';')[0]).join('; ');

const post = async (path, type, body) => {
    const response = await fetch(new URL(path, url), {
        method: 'POST',
        headers: { 'Content-Type': type, Accept: 'application/json', Cookie: cookie, 'X-CSRF-TOKEN': token },
        body,
    });
    const text = await response.text();
    if (!response.ok) {
        throw new Error(`POST ${path} answered ${response.status}: ${text.slice(0, 600)}`);
    }
    return JSON.parse(text);
};

waitingFor = `a connection to ws://${settings.host}:${settings.port}`;
const echo = new Echo({
    broadcaster: 'reverb',
    Pusher,
    key: settings.key,
    wsHost: settings.host,
    wsPort: settings.port,
    wssPort: settings.port,
    forceTLS: settings.tls,
    enabledTransports: ['ws', 'wss'],
    channelAuthorization: {
        // A browser sends the session's cookie by itself.
        customHandler: ({ socketId, channelName }, callback) => {
            post('/broadcasting/auth', 'application/x-www-form-urlencoded',
                new URLSearchParams({ socket_id: socketId, channel_name: channelName }).toString())
                .then((auth) => callback(null, auth), (error) => fail(error.message));
        },
    },
});
echo.connector.pusher.connection.bind('error', (error) => console.error('listen: connection:', error?.error?.data ?? error?.type ?? error));

// A place for what arrives: until() waits for the first that matches.
const since = (then) => Math.max(0, performance.timeOrigin + performance.now() - then);
const inbox = (channel, event, note = (message) => message) => {
    const arrived = [];
    let wake = () => {};
    channel.listen(event, (message) => {
        arrived.push(note(message));
        wake();
    });
    return {
        arrived,
        subscribed: new Promise((resolve) => { channel.subscribed(resolve); }),
        async until(done) {
            while (!done(arrived)) await new Promise((resolve) => { wake = resolve; });
        },
    };
};

const feed = inbox(echo.private('feed'), 'MessagePosted', (message) => {
    say(`  arrived: ${message.author}: "${message.text}", ${since(message.sent_at).toFixed(1)} ms after broadcast()`);
    return message;
});
const orders = inbox(echo.private('orders'), 'OrderPlaced', (order) => ({ ...order, delay: since(order.dispatched_at) }));
const tokens = inbox(echo.private('tokens'), 'TokenWritten');
const reports = inbox(echo.private(settings.daemon), 'DaemonReported');
const told = inbox(echo.private('told'), 'DaemonTold', (heard) => ({ ...heard, delay: since(heard.happened_at) }));
for (const [name, box] of Object.entries({ feed, orders, tokens, [settings.daemon]: reports, told })) {
    waitingFor = `the subscription to private-${name}`;
    await box.subscribed;
}
say(`  connected to port ${settings.port} and subscribed to five private channels as ${settings.user.name}, socket ${echo.socketId()}`);
waitingFor = 'the members of presence-room';
const members = await new Promise((resolve) => { echo.join('room').here(resolve); });
say(`  joined presence-room: ${members.map((member) => member.name).join(', ')}`);

if (command.length > 0) {
    waitingFor = `what ${command.join(' ')} broadcasts`;
    const before = settings.messages.at(-1)?.id ?? 0;
    await new Promise((resolve) => {
        const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        child.stdout.on('data', (data) => { output += data; });
        child.stderr.on('data', (data) => { output += data; });
        child.on('error', (error) => fail(`${command[0]}: ${error.message}`));
        child.on('close', (code) => (code === 0 ? resolve() : fail(`${command.join(' ')} ended with ${code}:\n${output}`)));
    });
    await feed.until((messages) => messages.some((message) => message.id > before && message.author === 'artisan'));
}

waitingFor = 'the message posted over HTTP';
const ref = `listen-${process.pid}`;
const json = (path, body) => post(path, 'application/json', JSON.stringify(body)).catch((error) => fail(error.message));
await json('/messages', { text: 'Hello from an HTTP request', ref });
await feed.until((messages) => messages.some((message) => message.ref === ref));

waitingFor = 'five orders, direct and through the queue';
const ORDERS = 5;
const by = (way) => orders.arrived.filter((order) => order.by === way);
await json('/orders', { count: ORDERS });
await orders.until(() => by('direct').length >= ORDERS && by('queued').length >= ORDERS);
const median = (way) => by(way).map((order) => order.delay).sort((a, b) => a - b)[ORDERS >> 1].toFixed(1);
say(`  ${ORDERS} orders arrived: direct ${median('direct')} ms after broadcast(), through the queue ${median('queued')} ms`);

waitingFor = 'the tokens of an answer';
const TOKENS = 500;
const { answer } = await json('/tokens', { tokens: TOKENS, rate: 1000 });
const written = () => tokens.arrived.filter((token) => token.answer === answer);
await tokens.until(() => written().length >= TOKENS);
const wrong = written().findIndex((token, index) => token.number !== index);
if (wrong !== -1) fail(`token ${wrong} of ${TOKENS} was number ${written()[wrong].number}`);
say(`  ${TOKENS} tokens arrived, each once and in order`);

waitingFor = 'what the daemon tells PHP';
await told.until((all) => all.some(({ text }) => text === `${settings.user.name} came to presence-room`));
say(`  heard by PHP: ${told.arrived.at(-1).text}, back here ${told.arrived.at(-1).delay.toFixed(1)} ms after it happened`);

waitingFor = 'the figures of the daemon';
await reports.until((all) => all.some((report) => report.connections > 0 && report.messages !== null));
const report = reports.arrived.at(-1);
say(`  the daemon reports: ${report.connections} connection${report.connections === 1 ? '' : 's'}, ${report.channels} channels, ${Math.round(report.messages)} messages a second`);

say(`  all arrived within ${((performance.now() - started) / 1000).toFixed(1)} s`);
clearInterval(alive);
echo.disconnect();
