// Events that Laravel queues, published at once (FANFARE_DIRECT), from requests and commands, with a worker for the rest.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Daemon } from '../lib/daemon.mjs';
import { Laravel, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { until } from '../lib/wait.mjs';

const skip = missing();

describe('events published without a queue', { skip }, () => {
    let daemon, app, php, ann, bob, worker;
    const echoes = [];

    before(async () => {
        daemon = await Daemon.start();
        app = await Laravel.create(daemon, { env: { FANFARE_DIRECT: 'true' } });
        await app.serve();
        php = await app.repl();
        ann = await app.session(1);
        bob = await app.session(2);
        worker = app.worker();
    });
    afterEach(async () => {
        for (const echo of echoes.splice(0)) echo.disconnect();
        if (daemon.process.status) await daemon.launch();
    });
    after(async () => {
        await app?.stop();
        await daemon?.stop();
    });

    const name = () => `open.${Math.random().toString(36).slice(2)}`;
    async function listener(channel, session = ann, listen = (echo) => echo.private(channel)) {
        const echo = session.echo();
        echoes.push(echo);
        await connected(echo);
        const subscription = listen(echo);
        const inbox = hear(subscription, '.changed', 'Now', '.AnonymousEvent');
        await subscribed(subscription);
        return { echo, inbox, subscription };
    }
    /** What came until a last event, in its order. */
    async function all(inbox, channel) {
        await php.act('now', { channels: [`private:${channel}`], value: 'last' });
        const got = [];
        for (;;) {
            const { event, data } = await inbox.take(() => `the last event after ${JSON.stringify(got)}`);
            if (event === 'Now' && data.value === 'last') return got;
            got.push(data);
        }
    }
    /** The worker rests and tells what it is asked for when the test is over. */
    async function withoutWorker(run) {
        worker.kill('SIGTERM');
        await worker.exit();
        try {
            await run(() => (worker = app.worker()));
        } finally {
            if (worker.status) worker = app.worker();
        }
    }
    const emptied = () => until(async () => (await php.act('jobs', { all: true })) === 0, () => `the worker\n${worker.stdout}${worker.stderr}\n${app.log()}`);

    test('the process that dispatches an event publishes it, on a channel that is encrypted, too', async () => {
        for (const encrypted of [false, true]) {
            const channel = name();
            const { inbox } = await listener(channel, ann, (echo) => (encrypted ? echo.encryptedPrivate(channel) : echo.private(channel)));
            await php.act('changed', { channel, value: 'ü', encrypted });
            assert.deepEqual((await inbox.take('the event')).data, { value: 'ü', pid: php.process.pid });
        }
        assert.equal(await php.act('jobs'), 0);
    });

    test('toOthers leaves out who caused it', async () => {
        const channel = name();
        const own = await listener(channel);
        const other = await listener(channel, bob);
        await ann.act('changed-others', { channel, value: 1 }, { socketId: own.echo.socketId() });
        assert.equal((await other.inbox.take('the event for others')).data.value, 1);
        assert.deepEqual(await all(own.inbox, channel), []);
    });

    test('anonymous events, notifications and models', async () => {
        await withoutWorker(async (start) => {
            const channel = name();
            const { inbox } = await listener(channel);
            await ann.act('anonymous', { type: 'private', channel, value: 'anonymous', queued: true });
            assert.equal((await inbox.take('the anonymous event')).data.value, 'anonymous');

            const user = await listener('App.Models.User.1', ann);
            const models = hear(user.subscription, '.PostCreated');
            await ann.act('create', { user: 1, title: 'direct' });
            assert.equal((await models.take('the model')).model.title, 'direct');

            // The notification itself is queued here, what it broadcasts is not again: one job.
            const notified = new Promise((done) => user.subscription.notification(done));
            await ann.act('notify', { user: 1, order: 7 });
            assert.equal(await php.act('jobs'), 1);
            start();
            assert.equal((await notified).order, 7);
            await emptied();
        });
    });

    test('keeps the queue where the event asks for it', async () => {
        const channel = name();
        const { inbox } = await listener(channel);
        const cases = {
            'a queue': { set: { queue: 'default' } },
            'a connection': { set: { connection: 'database' } },
            'a delay': { set: { delay: 1 } },
            unique: { kind: 'unique' },
            'an attribute': { kind: 'attribute' },
            'another driver': { via: ['fanfare', 'log'] },
        };
        for (const [what, input] of Object.entries(cases)) {
            await php.act('changed', { channel, value: what, ...input });
            assert.deepEqual((await inbox.take(`the event with ${what}`)).data, { value: what, pid: worker.pid }, 'sent by the worker');
            // SQLite has one writer, and Laravel's worker does not wait for its turn.
            await emptied();
        }
    });

    test('after the commit where the event asks for it, never after a rollback', async () => {
        const channel = name();
        const { inbox } = await listener(channel);
        const run = (input) => php.act('changed-in-transaction', { channel, ...input });
        const values = (got) => got.map(({ value }) => value);

        assert.equal(await run({ value: 'after', set: { afterCommit: true } }), 'committed');
        assert.deepEqual(values(await all(inbox, channel)), ['within', 'after']);
        assert.equal(await run({ value: 'after', set: { afterCommit: true }, fail: true }), 'rolled back');
        assert.deepEqual(values(await all(inbox, channel)), ['within']);
        assert.equal(await run({ value: 'at once', fail: true }), 'rolled back');
        assert.deepEqual(values(await all(inbox, channel)), ['at once', 'within']);
    });

    test('what it throws, and what the daemon refuses, comes to whoever dispatched it', async () => {
        const channel = name();
        const thrown = await php.try('changed', { channel, value: 'throw' });
        assert.equal(thrown.message, 'nothing to broadcast with');
        const refused = await php.try('changed', { channel, value: 'huge' });
        assert.equal(refused.broadcast, true, JSON.stringify(refused));
        assert.match(refused.previous, /RejectedException|PayloadException/);
        assert.equal(await php.act('jobs'), 0);
    });

    test('without a daemon it falls back to the queue, and arrives once', async () => {
        await withoutWorker(async (start) => {
            const channel = name();
            await php.act('changed', { channel, value: 'before' });
            await daemon.kill();
            const began = performance.now();
            await php.act('changed', { channel, value: 'fell back' });
            const ms = performance.now() - began;
            assert.ok(ms < 1500, `waited ${ms} ms for a daemon that is away`);
            assert.equal(await php.act('jobs'), 1);
            await daemon.launch();
            const { inbox } = await listener(channel);
            start();
            await emptied();
            assert.deepEqual(await all(inbox, channel), [{ value: 'fell back', pid: php.process.pid }], 'as it was dispatched, once');
        });
    });

    test('a daemon that does not answer in time: it falls back to the queue, and arrives once', async () => {
        await withoutWorker(async (start) => {
            const channel = name();
            const { inbox } = await listener(channel);
            await php.act('changed', { channel, value: 'before' });
            assert.equal((await inbox.take('the first event')).data.value, 'before');
            let ms;
            daemon.process.kill('SIGSTOP');
            try {
                const began = performance.now();
                await php.act('changed', { channel, value: 'slow' });
                ms = performance.now() - began;
                assert.equal(await php.act('jobs'), 1);
            } finally {
                daemon.process.kill('SIGCONT');
            }
            // fanfare.timeout would be 2 s.
            assert.ok(ms >= 240 && ms < 1900, `waited ${ms} ms`);
            start();
            await emptied();
            assert.deepEqual((await all(inbox, channel)).map(({ value }) => value), ['slow']);
        });
    });
});
