// php artisan fanfare:listen: what happens in the daemon arrives in a listener of the application.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Laravel, missing } from '../lib/laravel.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const skip = missing();

describe('php artisan fanfare:listen', { skip }, () => {
    let daemon, app, log;
    const clients = [];
    const workers = [];

    before(async () => {
        daemon = await Daemon.start();
        app = await Laravel.create(daemon);
        log = join(app.dir, 'storage/logs/events.log');
    });
    afterEach(async () => {
        for (const client of clients.splice(0)) client.destroy();
        for (const worker of workers.splice(0)) {
            worker.kill('SIGKILL');
            await worker.exit();
        }
        if (daemon.process.status) await daemon.launch();
    });
    after(async () => {
        await app?.stop();
        await daemon?.stop();
    });

    let groups = 0;
    const name = (prefix = 'c') => `${prefix}-${Math.random().toString(36).slice(2)}`;
    /** A group of the test's own, so that nothing waits for it from the one before. */
    const group = () => `g${process.pid}.${++groups}`;
    const events = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []);
    const of = (channel) => events().filter((event) => event.channel === channel);
    const happened = (channel, event = 'ChannelOccupied', least = 1) => until(() => of(channel).filter((line) => line.event === event).length >= least && of(channel),
        () => `${event} of ${channel}; got ${JSON.stringify(events().slice(-10))}\n${workers.map((worker) => worker.stdout + worker.stderr).join('\n')}`);

    function start(...args) {
        const worker = app.run('artisan', 'fanfare:listen', '--backoff=0', ...args);
        workers.push(worker);
        return worker;
    }
    const said = (worker, text) => until(() => {
        if (worker.stdout.includes(text)) return true;
        if (worker.status) throw new Error('it ended');
        return false;
    }, () => `"${text}" of the worker (${JSON.stringify(worker.status)})\n${worker.stdout}${worker.stderr}`);
    async function worker(...args) {
        const started = start(...args);
        await said(started, 'Listening to');
        return started;
    }
    async function client() {
        const opened = await Client.open(daemon, { app: APP });
        clients.push(opened);
        return opened;
    }

    test('each kind of event arrives, with what belongs to it', async () => {
        await worker(`--group=${group()}`);
        const ann = await client();
        const room = name('presence');
        await ann.subscribe(room, { data: { user_id: '7', user_info: { name: 'Ann' } } });
        ann.send({ event: 'client-typing', channel: room, data: { text: 'ü' } });
        await ann.subscribe(name('cache'));
        await happened(room, 'ClientEventReceived');
        ann.destroy();
        await happened(room, 'ChannelVacated');
        await until(() => events().some(({ event, socketId }) => event === 'ConnectionClosed' && socketId === ann.socketId), 'the end of the connection');

        const mine = events().filter(({ channel, socketId }) => channel === room || socketId === ann.socketId);
        assert.deepEqual(mine.filter(({ channel }) => channel).map(({ event }) => event),
            ['ChannelOccupied', 'MemberAdded', 'ClientEventReceived', 'MemberRemoved', 'ChannelVacated'], 'in their order');
        assert.deepEqual(mine.filter(({ channel }) => !channel).map(({ event }) => event), ['ConnectionOpened', 'ConnectionClosed']);
        const [typing] = mine.filter(({ event }) => event === 'ClientEventReceived');
        assert.deepEqual([typing.connection, typing.data, typing.userId, typing.socketId, typing.attempt], ['fanfare', '{"text":"ü"}', '7', ann.socketId, 1]);
        assert.ok(Math.abs(typing.time - Date.now() / 1000) < 60, `the time is ${typing.time}`);
        const added = mine.find(({ event }) => event === 'MemberAdded');
        assert.deepEqual([added.userId, added.info], ['7', { name: 'Ann' }]);
        assert.equal(mine.at(-1).event, 'ConnectionClosed', 'the end of a connection is told when all is told that it causes');
        assert.ok(events().some(({ event }) => event === 'CacheMissed'));
    });

    test('a listener that throws gets the event again, and is rid of it in the end', async () => {
        const listening = await worker(`--group=${group()}`, '--types=channel_occupied', '--tries=3');
        const ann = await client();
        const bad = name('throws');
        await ann.subscribe(bad);
        await happened(bad, 'ChannelOccupied', 3);
        const good = name();
        await ann.subscribe(good);
        await happened(good);
        assert.deepEqual(of(bad).map(({ attempt }) => attempt), [1, 2, 3]);
        assert.equal(new Set(of(bad).map(({ id }) => id)).size, 1, 'it is one event');
        await until(() => app.log().includes(`was dropped after 3 attempts: no use for ${bad}`), () => `the log\n${app.log()}`);
        assert.equal(listening.stdout.match(/FAIL/g).length, 3);
        await until(() => new RegExp(`ChannelOccupied ${good} \\.+ \\S+ DONE`).test(listening.stdout), () => listening.stdout);
    });

    test('two workers of a group share the events', async () => {
        const common = group();
        const both = await Promise.all([1, 2].map(() => worker(`--group=${common}`, '--types=channel_occupied')));
        const ann = await client();
        const channels = Array.from({ length: 60 }, () => name());
        for (const channel of channels) await ann.subscribe(channel);
        for (const channel of channels) await happened(channel);
        const got = events().filter(({ channel }) => channels.includes(channel));
        assert.equal(got.length, channels.length, 'each once');
        assert.deepEqual(new Set(got.map(({ pid }) => pid)), new Set(both.map(({ pid }) => pid)), 'by both');
    });

    test('SIGTERM ends it after the event in hand, and the next worker goes on', async () => {
        const common = group();
        const first = await worker(`--group=${common}`, '--types=channel_occupied');
        const ann = await client();
        const slow = name('slow'), next = name();
        await ann.subscribe(slow);
        await ann.subscribe(next);
        await happened(slow);
        first.kill('SIGTERM');
        assert.deepEqual(await first.exit(), { code: 0, signal: null });
        assert.equal(of(slow).at(-1).event, 'done', 'the event in hand was finished');
        assert.equal(of(next).length, 0);
        await worker(`--group=${common}`, '--types=channel_occupied');
        await happened(next);
        assert.equal(of(slow).length, 2, 'not once more');
    });

    test('a worker that is killed leaves its event to another one', async () => {
        const common = group();
        const first = await worker(`--group=${common}`, '--types=channel_occupied');
        const ann = await client();
        const fatal = name('kills');
        await ann.subscribe(fatal);
        assert.equal((await first.exit()).signal, 'SIGKILL');
        const second = await worker(`--group=${common}`, '--types=channel_occupied');
        assert.equal((await second.exit()).signal, 'SIGKILL');
        assert.deepEqual(of(fatal).map(({ attempt }) => attempt), [1, 2]);
    });

    test('a listener that hangs ends its process', async () => {
        const common = group();
        const first = await worker(`--group=${common}`, '--types=channel_occupied', '--timeout=1');
        const ann = await client();
        const stuck = name('hangs');
        await ann.subscribe(stuck);
        assert.equal((await first.exit()).signal, 'SIGKILL');
        const second = await worker(`--group=${common}`, '--types=channel_occupied', '--timeout=1', '--tries=2');
        assert.equal((await second.exit()).signal, 'SIGKILL');
        assert.match(app.log(), /took longer than 1 seconds/);
        // That was the last attempt: it is not told a third time.
        await worker(`--group=${common}`, '--types=channel_occupied');
        const good = name();
        await ann.subscribe(good);
        await happened(good);
        assert.deepEqual(of(stuck).map(({ attempt }) => attempt), [1, 2]);
    });

    test('queue:restart, --max-events and --max-time end it', async () => {
        const restarted = await worker(`--group=${group()}`);
        const counted = await worker(`--group=${group()}`, '--types=channel_occupied', '--max-events=1');
        const timed = await worker(`--group=${group()}`, '--max-time=1');
        const ann = await client();
        await ann.subscribe(name());
        assert.equal((await counted.exit()).code, 0);
        assert.equal((await timed.exit()).code, 0);
        assert.equal(restarted.status, undefined);
        await app.artisan('queue:restart');
        assert.equal((await restarted.exit()).code, 0);
    });

    test('a restart of the daemon: it goes on, and says that events were lost', async () => {
        rmSync(log, { force: true });
        const listening = await worker(`--group=${group()}`, '--types=channel_occupied', '--snapshot', { env: { FANFARE_TIMEOUT: '0.3' } });
        await until(() => events().some(({ event }) => event === 'SnapshotTaken'), 'the snapshot');
        const before = name();
        await (await client()).subscribe(before);
        await happened(before);
        await daemon.kill();
        await said(listening, 'trying again');
        // Away for much longer than that: it says so once.
        await delay(3000);
        assert.equal(listening.stdout.match(/trying again/g).length, 1, listening.stdout);
        assert.equal(listening.status, undefined);
        await daemon.launch();
        await until(() => events().some(({ event, count }) => event === 'EventsLost' && count === null), () => `that events were lost\n${listening.stdout}`);
        const behind = name();
        await (await client()).subscribe(behind);
        await happened(behind);
        assert.equal(listening.status, undefined);
        assert.deepEqual(events().map(({ event }) => event), ['SnapshotTaken', 'ChannelOccupied', 'EventsLost', 'SnapshotTaken', 'ChannelOccupied']);
    });

    test('a snapshot says what is there', async () => {
        rmSync(log, { force: true });
        const ann = await client();
        const room = name('presence');
        await ann.subscribe(room, { data: { user_id: '7', user_info: { name: 'Ann' } } });
        await worker(`--group=${group()}`, '--types=user_online', '--snapshot');
        const [{ event, channels, members }] = await until(() => events().length && events(), 'the snapshot');
        assert.equal(event, 'SnapshotTaken');
        assert.equal(channels[room], 1);
        assert.deepEqual(members[room], [{ id: '7', info: { name: 'Ann' } }]);
    });

    test('it waits for a daemon that is not there yet, and not for one that refuses it', async () => {
        await daemon.kill();
        const early = start(`--group=${group()}`, '--types=channel_occupied');
        await said(early, 'trying again');
        await daemon.launch();
        await said(early, 'Listening to');

        const refused = start(`--group=${group()}`, '--types=channel_occupied', '--connection=stranger');
        assert.equal((await refused.exit()).code, 2);
        const wrong = app.run('artisan', 'fanfare:listen', '--types=channel_occupied', { env: { FANFARE_APP_SECRET: 'another' } });
        workers.push(wrong);
        assert.equal((await wrong.exit()).code, 1);
        assert.match(wrong.stdout, /secret|unauthorized|authenticat/i);
    });

    test('a thousand channels at once', async () => {
        const listening = await worker(`--group=${group()}`, '--types=channel_occupied');
        const ann = await client();
        const prefix = name('many');
        for (let i = 0; i < 900; i++) ann.send(ann.subscribeMessage(`${prefix}-${i}`));
        await until(() => events().filter(({ channel }) => channel?.startsWith(prefix)).length >= 900, 'all of them');
        const got = events().filter(({ channel }) => channel?.startsWith(prefix));
        assert.equal(got.length, 900);
        assert.equal(new Set(got.map(({ channel }) => channel)).size, 900);
        assert.equal(listening.status, undefined);
    });
});
