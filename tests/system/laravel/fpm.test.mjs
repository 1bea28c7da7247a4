// Publishing from PHP-FPM behind nginx, and clients through nginx's proxy, as in production.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Laravel, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { Client } from '../lib/ws.mjs';

const skip = missing('nginx', 'php-fpm8.2');

describe('PHP-FPM behind nginx', { skip }, () => {
    let daemon, app, ann, echo;

    before(async () => {
        daemon = await Daemon.start({ workers: 2 });
        app = await Laravel.create(daemon);
        await app.fpm();
        ann = await app.session(1);
        echo = ann.echo({ port: app.httpPort });
        await connected(echo);
    });
    afterEach(async () => {
        if (daemon.process.status) await daemon.launch();
    });
    after(async () => {
        echo?.disconnect();
        await app?.stop();
        await daemon?.stop();
    });
    const channel = (prefix = 'c') => `${prefix}.${Math.random().toString(36).slice(2)}`;
    async function listen(name, events = ['Now']) {
        const subscription = echo.private(name);
        const inbox = hear(subscription, ...events);
        await subscribed(subscription);
        return inbox;
    }

    test('requests publish, each FPM child over a connection that it keeps', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        for (let i = 0; i < 60; i++) {
            await ann.act('now', { channels: [`private:${name}`], value: i });
            assert.equal((await inbox.take()).value, i);
        }
        const accepted = (await daemon.metrics()).get('ipc_accepted_total');
        assert.ok(accepted <= 3, `${accepted} connections for 3 children`);
    });

    test('many requests at once', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        await Promise.all(Array.from({ length: 60 }, (_, i) => ann.act('now', { channels: [`private:${name}`], value: i })));
        const got = [];
        for (let i = 0; i < 60; i++) got.push((await inbox.take()).value);
        assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 60 }, (_, i) => i));
    });

    test('1,000 messages of one request, in order, through nginx', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        await ann.act('many', { channels: [`private:${name}`], count: 1000 });
        for (let i = 0; i < 1000; i++) assert.equal((await inbox.take()).value, i);
    });

    test('90 KB and unicode through nginx, byte for byte', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        for (const value of ['x'.repeat(90 * 1024), '世界\u{1f600}'.repeat(1000)]) {
            await ann.act('now', { channels: [`private:${name}`], value });
            assert.equal((await inbox.take()).value, value);
        }
    });

    test('toOthers with the socket id of a client behind nginx', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        await ann.act('others', { channels: [`private:${name}`], value: 'not me' }, { socketId: echo.socketId() });
        await ann.act('now', { channels: [`private:${name}`], value: 'me too' });
        assert.equal((await inbox.take()).value, 'me too');
    });

    test('a child that hits its memory limit within a publish: the next request works', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        for (const action of ['memory', 'memory-small', 'memory']) {
            await assert.rejects(ann.act(action, { channels: ['public:elsewhere'] }), (error) => {
                // A fatal error, and not an exception that the action itself answered with.
                assert.equal(error.status, 500, error.message);
                assert.equal(error.error, undefined, error.message);
                return true;
            });
        }
        for (let i = 0; i < 12; i++) {
            await ann.act('now', { channels: [`private:${name}`], value: i });
            assert.equal((await inbox.take()).value, i);
        }
    });

    test('kill -9 of the daemon: every child publishes again with its first request after the restart', async () => {
        const name = channel('open');
        for (let i = 0; i < 6; i++) await ann.act('now', { channels: [`private:${name}`], value: i });
        await daemon.kill();
        await assert.rejects(ann.act('now', { channels: [`private:${name}`], value: 'down' }), { status: 500, broadcast: true });
        await daemon.launch();
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe(`private-${name}`);
        await Promise.all(Array.from({ length: 12 }, (_, i) => ann.act('now', { channels: [`private:${name}`], value: i })));
        for (let i = 0; i < 12; i++) await client.expect('App\\Events\\Now');
        client.destroy();
        await connected(echo);
    });

    test('a reload that changes the secret: every child says so, and publishes again when it is right again', async () => {
        const name = channel('open');
        const inbox = await listen(name);
        const publish = (n) => Promise.all(Array.from({ length: n }, (_, i) => ann.act('now', { channels: [`private:${name}`], value: i })));
        await publish(12);
        for (let i = 0; i < 12; i++) await inbox.take();
        await daemon.reload({ 'app "app1"': { secret: 'another-secret-of-app1' } });
        for (let i = 0; i < 6; i++) {
            await assert.rejects(ann.act('now', { channels: [`private:${name}`], value: 'refused' }), (error) => {
                assert.ok(error.broadcast && /secret is wrong/.test(error.message), error.message);
                return true;
            });
        }
        await daemon.reload({ 'app "app1"': { secret: APP.secret } });
        await publish(12);
        const got = [];
        for (let i = 0; i < 12; i++) got.push((await inbox.take()).value);
        assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 12 }, (_, i) => i));
    });

    test('a killed FPM child is nobody else\'s trouble', async () => {
        const name = channel('open');
        const { pid } = await ann.get('/whoami');
        process.kill(pid, 'SIGKILL');
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe(`private-${name}`);
        // nginx may meet the dying child once.
        let answered = 0;
        for (let i = 0; i < 12; i++) answered += await ann.act('now', { channels: [`private:${name}`], value: i }).then(() => 1, (error) => (assert.equal(error.status, 502), 0));
        assert.ok(answered >= 11);
        for (let i = 0; i < answered; i++) await client.expect('App\\Events\\Now');
        client.destroy();
    });
});
