// SIGHUP: what changes while everything runs, and what it does to whom.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { get, post } from '../lib/api.mjs';
import { Authority } from '../lib/certs.mjs';
import { APP, APP2, Daemon, freePort } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Client, Raw, clientFrame, handshake } from '../lib/ws.mjs';

const APP3 = { id: 'app3', key: 'key3', secret: 'secret-of-app3' };
const section = (app, more = {}) => ({ [`app "${app.id}"`]: { key: app.key, secret: app.secret, ...more } });
const sanitized = /[/](asan|tsan)[/]|san/.test(daemonPath);

/** Both halves of a refusal, or of an end. */
async function ends(client, code) {
    await client.error(code);
    await client.closedWith(code);
}

async function rejects(promise, reason) {
    const error = await promise.then(() => assert.fail('it was taken'), (thrown) => thrown);
    assert.equal(error.reason, reason, error.message);
}

suite('reload', { workers: [1, 3] }, (ctx) => {
    const counter = async (name, labels) => (await ctx.daemon.metrics()).get(name, labels);
    /** A client with this app that must be refused with the code. */
    const refused = async (app, code, options) => {
        const client = await ctx.dial({ app, ...options });
        assert.equal((await client.response()).status, 101);
        await ends(client, code);
    };
    let bystander, channel;
    before(async () => {
        channel = unique('presence');
        bystander = await ctx.open();
        await bystander.subscribe(channel, { data: { user_id: 'bystander' } });
    });
    /** Whoever is not concerned is where he was. */
    const undisturbed = async () => {
        assert.equal((await ctx.ipc.publish({ channel })).recipients, 1);
        await bystander.expect('E', channel);
        assert.deepEqual(await bystander.sync(), []);
    };

    test('an application is added, its key changed, and it is removed again', async () => {
        const { daemon } = ctx;
        await refused(APP3, 4001);
        assert.match(await daemon.reload(section(APP3)), /reloaded: application app3 added\n/);
        const early = await ctx.open({ app: APP3 });
        const publisher = await ctx.ipcOf(APP3);
        await early.subscribe('c');
        assert.equal((await publisher.publish({ channel: 'c' })).recipients, 1);
        await early.expect('E', 'c');
        assert.equal((await get(daemon, '/channels', { app: APP3 })).status, 200);

        assert.match(await daemon.reload(section({ ...APP3, key: 'key3b' })), /reloaded: application app3 changed: key\n/);
        await refused(APP3, 4001);
        const late = await ctx.open({ app: { ...APP3, key: 'key3b' } });
        assert.equal((await publisher.publish({ channel: 'c' })).recipients, 1, 'clients and publishers of the old key stay');
        await early.expect('E', 'c');
        assert.equal((await get(daemon, '/channels', { app: APP3 })).status, 401);
        assert.equal((await get(daemon, '/channels', { app: { ...APP3, key: 'key3b' } })).status, 200);

        const closed = await counter('reload_closed_total', 'removed');
        assert.match(await daemon.reload({ 'app "app3"': null }), /reloaded: application app3 removed\n/);
        await Promise.all([ends(early, 4001), ends(late, 4001), deadline(publisher.ended, 'the publisher to be closed')]);
        await refused({ ...APP3, key: 'key3b' }, 4001);
        assert.equal((await get(daemon, '/channels', { app: APP3 })).status, 404);
        const again = await Ipc.open(daemon.socket, APP3);
        assert.equal((await again.inbox.take('an answer'))[2], 'unknown_app');
        assert.equal((await counter('reload_closed_total', 'removed')) - closed, 2);
        assert.equal((await daemon.metrics()).get('app_connections', 'app="app3"'), undefined);
        await undisturbed();

        // And once more: it is as new.
        await daemon.reload(section(APP3));
        const back = await ctx.open({ app: APP3 });
        assert.equal((await get(daemon, '/channels', { app: APP3 })).json.channels.c, undefined);
        assert.equal(await counter('app_connections', 'app="app3"'), 1);
        await daemon.reload({ 'app "app3"': null });
        await ends(back, 4001);
        await undisturbed();
    });

    test('an application is disabled and enabled again', async () => {
        const { daemon } = ctx;
        const [client, publisher] = [await ctx.open({ app: APP2 }), await ctx.ipcOf(APP2)];
        await publisher.ping();
        await client.subscribe('c');
        assert.match(await daemon.reload({ 'app "app2"': { enabled: 'no' } }), /reloaded: application app2 disabled\n/);
        await Promise.all([ends(client, 4003), deadline(publisher.ended, 'the publisher to be closed')]);
        await refused(APP2, 4003);
        assert.equal((await post(daemon, '/events', { name: 'E', channel: 'c', data: '1' }, { app: APP2 })).status, 403);
        const told = await Ipc.open(daemon.socket, APP2);
        assert.equal((await told.inbox.take('an answer'))[2], 'app_disabled');
        assert.match(await daemon.reload({ 'app "app2"': { enabled: 'yes' } }), /reloaded: application app2 enabled\n/);
        const back = await ctx.open({ app: APP2 });
        await back.subscribe('c');
        assert.equal((await post(daemon, '/events', { name: 'E', channel: 'c', data: '1' }, { app: APP2 })).status, 200);
        await back.expect('E', 'c');
        await undisturbed();
    });

    test('a changed secret applies to new signatures, and ends the publishers that used the old one', async () => {
        const { daemon } = ctx;
        const fresh = { ...APP2, secret: 'another-secret-of-app2' };
        const [client, publisher] = [await ctx.open({ app: APP2 }), await ctx.ipcOf(APP2)];
        await client.subscribe('private-before');
        await publisher.ping();
        const lines = await daemon.reload(section(fresh));
        assert.match(lines, /reloaded: application app2 changed: secret\n/);
        assert.ok(!lines.includes(fresh.secret) && !lines.includes(APP2.secret));
        await deadline(publisher.ended, 'the publisher to be closed');
        const told = await Ipc.open(daemon.socket, APP2);
        assert.equal((await told.inbox.take('an answer'))[2], 'unauthorized');
        client.send(client.subscribeMessage('private-after'));
        await client.refused('private-after');
        client.app = fresh;
        await client.subscribe('private-after');
        const next = await ctx.ipcOf(fresh);
        assert.equal((await next.publish({ channel: 'private-before' })).recipients, 1, 'what was subscribed stays');
        await client.expect('E', 'private-before');
        assert.equal((await get(daemon, '/channels', { app: APP2 })).status, 401);
        assert.equal((await get(daemon, '/channels', { app: fresh })).status, 200);
        await daemon.reload(section(APP2));
        await deadline(next.ended, 'the publisher to be closed');
        await undisturbed();
    });

    test('what a publisher had sent is answered, and nothing is delivered twice', async () => {
        const { daemon } = ctx;
        const fresh = { ...APP2, secret: 'another-secret-of-app2' };
        const name = unique();
        const client = await ctx.open({ app: APP2 });
        await client.subscribe(name);
        const publisher = await Ipc.open(daemon.socket, APP2);
        const answers = Array.from({ length: 500 }, (_, i) => publisher.publish({ channel: name, data: String(i) }).then(() => i, () => null));
        await daemon.reload(section(fresh));
        const taken = (await Promise.all(answers)).filter((i) => i !== null);
        await deadline(publisher.ended, 'the publisher to be closed');
        // What was not answered comes again, under the same numbers: here all of it.
        const again = await Ipc.open(daemon.socket, fresh, { producer: publisher.producer });
        const receipts = await Promise.all(Array.from({ length: 500 }, (_, i) => again.publish({ channel: name, data: String(i) })));
        for (const i of taken) assert.ok(receipts[i].duplicate, `${i} was answered before`);
        for (let i = 0; i < 500; i++) assert.equal((await client.expect('E', name)).data, String(i));
        assert.deepEqual(await client.sync(), []);
        again.close();
        await daemon.reload(section(APP2));
    });

    test('more clients than can go at once are closed a few at a time', async () => {
        const { daemon } = ctx;
        await daemon.reload({ ...section(APP3), server: { drain_period: 1 } });
        const many = await Promise.all(Array.from({ length: 130 * ctx.workers }, () => ctx.open({ app: APP3 })));
        await daemon.reload({ 'app "app3"': null });
        assert.ok((await counter('app_connections', 'app="app3"')) > 0, 'some are still there');
        await Promise.all(many.map((client) => ends(client, 4001)));
        await daemon.reload({ server: { drain_period: 5 } });
        await undisturbed();
    });

    test('limits of the process', async () => {
        const { daemon } = ctx;
        const client = await ctx.open();
        const large = (bytes) => ({ event: 'pusher:ping', data: { pad: 'x'.repeat(bytes) } });
        client.send(large(9000));
        await client.expect('pusher:pong');
        assert.match(await daemon.reload({ limits: { max_message_size: 4000, max_event_name: 7, activity_timeout: 17 } }), /reloaded: \[limits\] max_message_size; \[limits\] max_event_name; \[limits\] activity_timeout\n/);
        await rejects(ctx.ipc.publish({ channel, event: 'longer-than-7' }), 'invalid_event');
        assert.equal((await post(daemon, '/events', { name: 'longer-than-7', channel: 'c', data: '1' })).status, 400);
        client.send(large(5000));
        await client.closedWith(1009);
        const told = await ctx.dial();
        assert.equal(JSON.parse((await told.established()).data).activity_timeout, 17);
        await daemon.reload({ limits: { max_message_size: '200K', max_event_name: 200, activity_timeout: 30 } });
        told.send(large(150_000));
        await told.expect('pusher:pong');
        told.destroy();
        await undisturbed();
    });

    test('a message of which a part has come is judged by the new limit', async () => {
        const client = await ctx.open();
        const frame = clientFrame(JSON.stringify({ event: 'pusher:ping', data: { pad: 'x'.repeat(150_000) } }));
        client.write(frame.subarray(0, 100_000));
        await ctx.daemon.reload({ limits: { max_message_size: 1000 } });
        client.write(frame.subarray(100_000));
        await client.closedWith(1009);
        await ctx.daemon.reload({ limits: { max_message_size: '10K' } });
    });

    test('ping_interval: a silent client is pinged earlier', async () => {
        const client = await ctx.open();
        await ctx.daemon.reload({ limits: { ping_interval: 1 } });
        await client.expect('pusher:ping');
        client.send({ event: 'pusher:pong', data: {} });
        await ctx.daemon.reload({ limits: { ping_interval: 40 } });
        client.destroy();
        for (const message of await bystander.sync()) assert.equal(message.event, 'pusher:ping');
    });

    test('a lowered quota concerns those who come', async () => {
        const { daemon } = ctx;
        const app = { id: 'quota', key: 'quota', secret: 'secret-of-quota' };
        const there = (n) => until(async () => (await counter('app_connections', 'app="quota"')) === n, `${n} clients to be there`);
        await daemon.reload(section(app));
        const clients = await Promise.all([1, 2, 3].map(() => ctx.open({ app })));
        await daemon.reload(section(app, { max_connections: 2 }));
        await refused(app, 4004);
        for (const client of clients) await client.sync();
        await clients[0].close();
        await there(2);
        await refused(app, 4004);
        await clients[1].close();
        await there(1);
        const next = await ctx.open({ app });
        await refused(app, 4004);
        await daemon.reload({ ...section(app, { max_connections: 0 }), limits: { max_connections: 1 } });
        await refused(app, 4100);
        await daemon.reload({ limits: { max_connections: 0 } });
        await (await ctx.open({ app })).close();
        await daemon.reload({ 'app "quota"': null });
        for (const client of [clients[2], next]) await ends(client, 4001);
        await undisturbed();
    });

    test('switches of an application: client events, the cache, who is let in', async () => {
        const { daemon } = ctx;
        const name = unique('private');
        const [one, two] = [await ctx.open(), await ctx.open()];
        for (const client of [one, two]) await client.subscribe(name);
        const whisper = { event: 'client-x', channel: name, data: {} };
        await daemon.reload({ 'app "app1"': { client_events: 'none', cache_ttl: 3600, allowed_origins: 'shop.example', allow_missing_origin: 'yes' } });
        one.send(whisper);
        await one.error(4301);
        const allowed = await ctx.open({ headers: { Origin: 'https://shop.example' } });
        await refused(APP, 4009, { headers: { Origin: 'https://elsewhere.example' } });
        const cache = unique('cache');
        await ctx.ipc.publish({ channel: cache, data: '1' });
        await daemon.reload({ 'app "app1"': { client_events: 'members', cache_max: 1, allowed_origins: '*' } });
        one.send(whisper);
        await two.expect('client-x', name);
        await allowed.subscribe(cache);
        await allowed.expect('pusher:cache_miss', cache);
        await daemon.reload({ 'app "app1"': { cache_max: '64M' } });
        await ctx.ipc.publish({ channel: cache, data: '2' });
        await allowed.expect('E', cache);
        for (const client of [one, two, allowed]) await client.close();
    });

    test('log_level, path_prefix, compression and trusted proxies', async () => {
        const { daemon } = ctx;
        const offers = { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } };
        const answer = async (path, headers) => {
            const raw = await Raw.connect(daemon.port);
            raw.write(handshake(path, headers));
            const response = await raw.response();
            raw.destroy();
            return response;
        };
        assert.equal((await answer('/app/key1?protocol=7', offers)).headers['sec-websocket-extensions'], undefined);
        await daemon.reload({ server: { permessage_deflate: 'yes', path_prefix: '/ws', trusted_proxies: '127.0.0.1' }, limits: { handshake_rate: 1 } });
        assert.equal((await answer('/app/key1?protocol=7')).status, 404);
        const named = (address) => ({ headers: { ...offers.headers, 'X-Forwarded-For': address } });
        for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
            const response = await answer('/ws/app/key1?protocol=7', named(address));
            assert.equal(response.status, 101, 'each address has a rate of its own');
            assert.match(response.headers['sec-websocket-extensions'], /permessage-deflate/);
        }
        await daemon.reload({ server: { permessage_deflate: 'no', path_prefix: '', trusted_proxies: '' } });
        const statuses = [];
        for (const address of ['203.0.113.4', '203.0.113.5', '203.0.113.6', '203.0.113.7']) statuses.push((await answer('/app/key1?protocol=7', named(address))).status);
        assert.ok(statuses.includes(429), `nobody is believed any more: ${statuses}`);
        await daemon.reload({ limits: { handshake_rate: 0 } });

        assert.match(await daemon.reload({ server: { log_level: 'error' } }), /reloaded: \[server\] log_level\n/);
        const before = daemon.stderr.length;
        await (await ctx.ipcOf(APP)).ping();
        const lines = await daemon.reload({ server: { log_level: 'info', log_format: 'json' } });
        assert.ok(!daemon.stderr.slice(before).includes('connected'), daemon.stderr.slice(before));
        assert.match(lines, /reloaded: \[server\] log_level; \[server\] log_format"/);
        await (await ctx.ipcOf(APP)).ping();
        await until(() => daemon.stderr.slice(before).includes('connected'), 'the line of a publisher');
        await daemon.reload({ server: { log_format: 'text' } });
        await undisturbed();
    });

    test('what cannot change is named, and is as it was', async () => {
        const { daemon } = ctx;
        const port = await freePort(), adminPort = await freePort();
        const lines = await daemon.reload({
            server: { listen: `127.0.0.1:${port}`, workers: 2, drain_period: 4 },
            ipc: { socket: join(daemon.dir, 'other.sock'), mode: '0600' },
            admin: { listen: `127.0.0.1:${adminPort}` },
            tls: {},
        });
        for (const key of ['[server] listen', '[server] workers', '[ipc] socket', '[ipc] mode', '[admin] listen']) assert.ok(lines.includes(`warn config: ${key} changes only with a restart and is as it was\n`), lines);
        assert.match(lines, /reloaded: \[server\] drain_period\n/);
        await undisturbed();
        assert.equal(await counter('workers'), ctx.workers);
        assert.ok(/is as it was/.test(await daemon.reload()), 'it is said as long as it is so');
        const quiet = await daemon.reload({
            server: { listen: `127.0.0.1:${daemon.port}`, workers: ctx.workers, drain_period: 5 },
            ipc: { socket: daemon.socket, mode: '0660' },
            admin: { listen: `127.0.0.1:${daemon.adminPort}` },
            tls: null,
        });
        assert.ok(!/is as it was/.test(quiet), quiet);
    });

    test('a broken file changes nothing, and the log says what is wrong', async () => {
        const { daemon } = ctx;
        const good = readFileSync(daemon.config, 'utf8');
        const [failed, fine] = [await counter('config_reloads_total', 'failed'), await counter('config_reloads_total', 'ok')];
        const broken = good.replace('[app "app2"]', '[limits]\nmax_batch = many\nping_intervall = 3\n\n[app "app2"]').replace(`secret = ${APP.secret}`, 'secret =');
        const at = (text) => broken.split('\n').findIndex((line) => line.includes(text)) + 1;
        const lines = await daemon.reload(broken, { fails: true });
        for (const line of [at('max_batch'), at('ping_intervall'), at('secret =')]) assert.ok(lines.includes(`error config: ${daemon.config}:${line}: `), lines);
        assert.match(lines, /error config: reload failed, nothing changed\n$/);
        await undisturbed();
        await (await ctx.open({ app: APP2 })).close();

        rmSync(daemon.config);
        daemon.process.kill('SIGHUP');
        await until(async () => (await counter('config_reloads_total', 'failed')) === failed + 2, 'the second failure');
        await undisturbed();
        assert.match(await daemon.reload(good), /reloaded: nothing has changed\n/);
        assert.equal(await counter('config_reloads_total', 'ok'), fine + 1);
    });

    test('messages flow during 50 reloads, each once and in order', async () => {
        const { daemon } = ctx;
        const name = unique('private');
        const [listener, speaker, publisher] = [await ctx.open(), await ctx.open(), await Ipc.open(daemon.socket, APP)];
        await listener.subscribe(name);
        await speaker.subscribe(name);
        await daemon.reload({ 'app "app1"': { client_event_rate: 0 } });
        let over = false, published = 0, said = 0;
        const publish = (async () => {
            while (!over) assert.ok((await publisher.publish({ channel: name, data: String(published++) })).recipients === 2);
        })();
        const speak = (async () => {
            while (!over) {
                speaker.send({ event: 'client-n', channel: name, data: String(said++) });
                await speaker.sync();
            }
        })();
        const own = Promise.all([publish, speak]).catch((error) => (over = error));
        for (let i = 0; i < 50 && !over; i++) {
            const app = { id: `n${i % 5}`, key: `n${i}`, secret: `secret-of-n${i}` };
            await daemon.reload({ ...section(app), 'app "app2"': { enabled: i % 2 ? 'yes' : 'no' }, limits: { output_soft: `${200 + i}K` } });
            const client = await ctx.open({ app });
            client.destroy();
        }
        if (over) throw over;
        over = true;
        await own;
        let heard = 0, whispered = 0;
        while (heard < published || whispered < said) {
            const message = await listener.next();
            if (message.event === 'E') assert.equal(message.data, String(heard++));
            else assert.equal(message.data, String(whispered++));
        }
        assert.ok(published > 50 && said > 50, `${published}, ${said}`);
        publisher.close();
        await daemon.reload({ ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`app "n${i}"`, null])), 'app "app2"': { enabled: 'yes' }, limits: { output_soft: '256K' } });
        await undisturbed();
    });

    test('200 reloads leave nothing behind', async () => {
        const { daemon } = ctx;
        const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))[1]);
        const good = readFileSync(daemon.config, 'utf8');
        const ok = () => counter('config_reloads_total', 'ok');
        // As fast as they are taken; the kernel makes one signal of those that wait.
        const many = async (n) => {
            for (let i = 0; i < n; i++) {
                const before = await ok();
                writeFileSync(daemon.config, `${good}\n[app "x"]\nkey = x${i}\nsecret = secret-of-x\n`);
                daemon.process.kill('SIGHUP');
                await until(async () => (await ok()) > before, 'a reload');
            }
        };
        await many(100);
        const warm = rss();
        await many(100);
        assert.equal(await counter('config_generations'), 1);
        if (!sanitized) assert.ok(rss() - warm < 1000, `${warm} KB grew to ${rss()} KB`);
        await daemon.reload(good);
        await undisturbed();
    });

    test('signals that come while one is under way are not lost', async () => {
        const { daemon } = ctx;
        const good = readFileSync(daemon.config, 'utf8');
        for (let i = 0; i < 20; i++) daemon.process.kill('SIGHUP');
        writeFileSync(daemon.config, `${good}\n[app "y"]\nkey = y\nsecret = secret-of-y\n`);
        daemon.process.kill('SIGHUP');
        const client = await until(async () => Client.open(daemon, { app: { key: 'y' } }).catch(() => null), 'the last configuration');
        client.destroy();
        await daemon.reload(good);
        assert.equal(await counter('config_generations'), 1);
        await undisturbed();
    });
});

for (const workers of [1, 3]) {
    describe(`certificates (workers=${workers})`, () => {
        let ca, daemon, port, pair;
        before(async () => {
            ca = new Authority();
            port = await freePort();
            pair = ca.issue('served', ['first.test']);
            daemon = await Daemon.start({ workers, sections: { tls: { listen: `127.0.0.1:${port}`, certificate: pair.certificate, key: pair.key } } });
        });
        after(async () => {
            await daemon?.stop();
            ca?.remove();
        });
        const subject = async () => {
            const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false });
            await deadline(once(socket, 'secureConnect'), 'a TLS handshake');
            const { CN } = socket.getPeerCertificate().subject;
            socket.destroy();
            return CN;
        };
        const serve = (other) => {
            copyFileSync(other.certificate, pair.certificate);
            copyFileSync(other.key, pair.key);
        };

        test('new ones are served, and nobody is dropped', async () => {
            const client = await Client.open({ port, app: APP, secure: { ca: ca.pem, servername: 'first.test' } });
            await client.subscribe('c');
            serve(ca.issue('second', ['second.test']));
            await daemon.reload();
            assert.equal(await subject(), 'second.test');
            const ipc = await Ipc.open(daemon.socket, APP);
            assert.equal((await ipc.publish({ channel: 'c' })).recipients, 1);
            await client.expect('E', 'c');
            ipc.close();
            await client.close();
        });
        test('one that does not match its key changes nothing', async () => {
            serve({ certificate: ca.issue('third', ['third.test']).certificate, key: ca.issue('fourth', ['fourth.test']).key });
            const lines = await daemon.reload({ 'app "app2"': null }, { fails: true });
            assert.match(lines, /does not belong to the certificate/);
            assert.equal(await subject(), 'second.test');
            const client = await Client.open(daemon, { app: APP2 });
            await client.close();
        });
    });
}

describe('reload, when there is little to it', () => {
    /** Without a file; everything from the environment. */
    const bare = async (t, env = {}) => {
        const dir = mkdtempSync(join(tmpdir(), 'ffr-'));
        t.after(() => rmSync(dir, { recursive: true, force: true }));
        const port = await freePort(), adminPort = await freePort();
        return Daemon.start({ file: false, dir, port, adminPort, env: { FANFARE_SERVER_LISTEN: `127.0.0.1:${port}`, FANFARE_SOCKET: join(dir, 'f.sock'), FANFARE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`, ...env } });
    };
    const hup = async (daemon, line) => {
        daemon.process.kill('SIGHUP');
        await until(() => line.test(daemon.stderr), () => `${line}\n${daemon.stderr}`);
    };
    test('a development server says that there is nothing', async (t) => {
        const daemon = await bare(t);
        await hup(daemon, /warn config: SIGHUP: a development server has no configuration to reload\n/);
        await daemon.stop();
    });
    test('an application from the environment is as it was', async (t) => {
        const daemon = await bare(t, { FANFARE_APP_ID: 'e', FANFARE_APP_KEY: 'ekey', FANFARE_APP_SECRET: 'a-long-secret' });
        const client = await Client.open(daemon, { app: { key: 'ekey' } });
        await hup(daemon, /info config: reloaded: nothing has changed\n/);
        await client.sync();
        client.destroy();
        await daemon.stop();
    });
    test('while shutting down it is ignored, and said', async () => {
        const daemon = await Daemon.start({ sections: { server: { drain_delay: 2 } } });
        daemon.process.kill('SIGTERM');
        await until(async () => (await daemon.metrics()).get('draining') === 1, 'the drain');
        await hup(daemon, /warn config: SIGHUP: shutting down, nothing is reloaded\n/);
        assert.equal((await daemon.process.exit()).code, 0);
        daemon.stopped = true;
        await daemon.stop();
    });
    test('clients still to be closed by a reload when the shutdown begins', async () => {
        const daemon = await Daemon.start({ workers: 3, sections: { server: { drain_period: 3600 } } });
        const clients = [];
        while (clients.length < 600) clients.push(...(await Promise.all(Array.from({ length: 50 }, () => Client.open(daemon, { app: APP2 })))));
        await daemon.reload({ 'app "app2"': null });
        assert.ok((await daemon.metrics()).get('connections') > 500);
        await daemon.reload({ server: { drain_period: 1 } });
        daemon.process.kill('SIGTERM');
        assert.equal((await daemon.process.exit()).code, 0);
        for (const client of clients) client.destroy();
        daemon.stopped = true;
        await daemon.stop();
    });
});
