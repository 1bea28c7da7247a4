// A worker as Octane's are, without Octane: one application, a copy of it for each request, a thousand requests.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Laravel, missing } from '../lib/laravel.mjs';
import { Client } from '../lib/ws.mjs';

const skip = missing();

describe('a worker that handles request after request', { skip }, () => {
    let daemon, app, sync, async_;

    before(async () => {
        daemon = await Daemon.start({ workers: 2, sections: { limits: { ping_interval: 600 } } });
        app = await Laravel.create(daemon);
        [sync, async_] = await Promise.all(['sync', 'async'].map((FANFARE_MODE) => app.loop({ env: { FANFARE_MODE } })));
    });
    after(async () => {
        await app?.stop();
        await daemon?.stop();
    });
    async function listener(channel) {
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe(channel);
        return { client, next: async () => JSON.parse((await client.expect('App\\Events\\Now', channel)).data).value };
    }
    const ok = (answer) => {
        assert.equal(answer.status, 200, answer.body);
        return JSON.parse(answer.body);
    };

    test('a thousand requests: each broadcast once and in its order, over one connection, and memory stays as it is', async () => {
        const accepted = async () => (await daemon.metrics()).get('ipc_accepted_total');
        const begun = await accepted();
        const run = async (worker, mode) => {
            const { client, next } = await listener(mode);
            const cookies = {};
            ok(await worker.request('/login/1', { cookies }));
            const publish = async (times) => {
                const answer = await worker.request('/act/now', { json: { channels: [mode], value: '%n' }, cookies, times });
                ok(answer);
                for (let i = 0; i < times; i++) assert.equal(await next(), i, mode);
                assert.equal(answer.kept, 0, `${mode}: copies of the application that are still there`);
                return answer;
            };
            await publish(150);
            const warm = await publish(50);
            const end = await publish(300);
            // Less than 80 bytes a request; a payload, a message or a channel would be more.
            assert.ok(end.heap - warm.heap < 24_000, `${mode}: PHP's memory grew by ${end.heap - warm.heap} bytes`);
            assert.ok(end.process - warm.process < 1_000_000, `${mode}: the process grew by ${end.process - warm.process} bytes`);
            client.destroy();
        };
        await Promise.all([run(sync, 'sync'), run(async_, 'async')]);
        assert.equal(await accepted(), begun + 2);
    });

    test('no request has another one\'s user or socket', async () => {
        for (const worker of [sync, async_]) {
            const ann = {};
            const bob = {};
            ok(await worker.request('/login/1', { cookies: ann }));
            ok(await worker.request('/login/2', { cookies: bob }));
            const { client } = await listener('others');
            const authorize = (cookies, channel_name = 'presence-room.x') =>
                worker.request('/broadcasting/auth', { json: { socket_id: client.socketId, channel_name }, cookies, headers: { 'Content-Type': 'application/json' } });
            for (let i = 0; i < 3; i++) {
                assert.equal(JSON.parse(ok(await authorize(ann)).channel_data).user_id, '1');
                assert.equal((await authorize({})).status, 403);
                assert.equal(JSON.parse(ok(await authorize(bob)).channel_data).user_id, '2');
                assert.equal((await authorize(bob, 'private-App.Models.User.1')).status, 403);
                assert.equal(ok(await worker.request('/whoami')).id, null);
                assert.equal(ok(await worker.request('/whoami', { cookies: bob })).id, 2);
            }
            // The first one leaves this client out, the second one has no such header.
            ok(await worker.request('/act/others', { json: { channels: ['others'], value: 'without' }, headers: { 'X-Socket-ID': client.socketId } }));
            ok(await worker.request('/act/others', { json: { channels: ['others'], value: 'with' } }));
            assert.equal(JSON.parse((await client.expect('App\\Events\\Now', 'others')).data).value, 'with');
            client.destroy();
        }
    });

    test('what fails belongs to its own request, and the next one is whole', async () => {
        const refused = { channels: ['not a channel'], value: 1 };
        const { client, next } = await listener('whole');
        assert.match(JSON.parse((await sync.request('/act/now', { json: refused })).body).message, /channel/);
        ok(await sync.request('/act/now', { json: { channels: ['whole'], value: 1 } }));
        assert.equal(await next(), 1);

        // Without waiting: told by the log of the request that published it, when that is over.
        const told = () => app.log().split('not a channel').length;
        const before = told();
        ok(await async_.request('/act/now', { json: refused }));
        const after_ = told();
        assert.ok(after_ > before, app.log());
        ok(await async_.request('/act/now', { json: { channels: ['whole'], value: 2 } }));
        assert.equal(await next(), 2);
        assert.equal(told(), after_);
        client.destroy();

        await daemon.kill();
        const down = await sync.request('/act/now', { json: { channels: ['whole'], value: 'down' } });
        assert.equal(JSON.parse(down.body).broadcast, true, down.body);
        assert.equal(down.kept, 0);
        await daemon.launch();
        const again = await listener('whole');
        for (const [i, worker] of [sync, async_].entries()) {
            ok(await worker.request('/act/now', { json: { channels: ['whole'], value: i } }));
            assert.equal(await again.next(), i);
        }
        again.client.destroy();
        assert.equal((await sync.end()).code, 0);
        assert.equal((await async_.end()).code, 0);
    });
});
