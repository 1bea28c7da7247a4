// Webhooks as an application gets them: a real HTTP server, signatures checked with Pusher's own library.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, APP2 } from '../lib/daemon.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { suite, unique } from '../lib/suite.mjs';

const receiver = await Receiver.start();
const other = await Receiver.start();
test.after?.(() => {});

suite('webhooks', { workers: [1, 3], sections: { 'app "app1"': { webhook_url: receiver.url }, 'app "app2"': { webhook_url: other.url } } }, (ctx) => {
    test('occupied, count and vacated of a public channel', async () => {
        const channel = unique();
        const client = await ctx.open();
        await client.subscribe(channel);
        assert.deepEqual(await receiver.next(channel), { name: 'channel_occupied', channel });
        assert.deepEqual(await receiver.next(channel), { name: 'subscription_count', channel, subscription_count: 1 });
        client.unsubscribe(channel);
        assert.deepEqual(await receiver.next(channel), { name: 'channel_vacated', channel });
        assert.deepEqual(await receiver.next(channel), { name: 'subscription_count', channel, subscription_count: 0 });
        for (const request of receiver.requests) {
            assert.equal(request.method, 'POST');
            assert.equal(request.headers['content-type'], 'application/json');
            assert.equal(request.headers['x-pusher-key'], APP.key);
            assert.ok(Receiver.valid(request, APP), request.text);
            assert.ok(!Receiver.valid(request, { ...APP, secret: APP2.secret }));
        }
    });
});

test('end', async () => {
    await receiver.stop();
    await other.stop();
});
