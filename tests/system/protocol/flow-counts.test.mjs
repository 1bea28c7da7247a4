// Counts and members in numbers: told seldom, told once, and bounded.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { long } from '../lib/paths.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { clientFrame } from '../lib/ws.mjs';

suite('counts and members in numbers', { workers: [1, 3], sections: { limits: { max_channels_per_connection: 0 }, 'app "app1"': { subscription_count: 'yes' } } }, (ctx) => {
    test('subscription_count is told once a second and channel, with the latest value', async () => {
        const channel = unique();
        const watcher = await ctx.open();
        await watcher.subscribe(channel);
        await watcher.expect('pusher_internal:subscription_count', channel);
        const flipping = await ctx.open();
        const start = Date.now();
        for (let i = 0; i < 100; i++) {
            flipping.send(flipping.subscribeMessage(channel));
            flipping.unsubscribe(channel);
        }
        await flipping.sync();
        flipping.send(flipping.subscribeMessage(channel));
        await flipping.sync();
        let counts = 0, last;
        while (last !== 2) {
            last = JSON.parse((await watcher.expect('pusher_internal:subscription_count', channel)).data).subscription_count;
            counts++;
        }
        const seconds = (Date.now() - start) / 1000;
        assert.ok(counts <= Math.floor(seconds) + 2, `${counts} counts in ${seconds} s`);
    });

    test('a cache channel has its count', async () => {
        const channel = unique('cache');
        const client = await ctx.open();
        await client.subscribe(channel);
        await client.expect('pusher:cache_miss', channel);
        assert.equal(JSON.parse((await client.expect('pusher_internal:subscription_count', channel)).data).subscription_count, 1);
    });

    test('the 32,769th subscription of a connection is refused and counted', long, async () => {
        const client = await ctx.open();
        const before = (await ctx.daemon.metrics()).get('limits_reached_total', 'max_channels_per_connection') ?? 0;
        const name = (i) => `n-${i}`;
        let succeeded = 0, refused;
        for (let i = 0; i < 32_769; ) {
            const chunk = [];
            for (let n = 0; n < 512 && i < 32_769; n++) chunk.push(clientFrame(JSON.stringify({ event: 'pusher:subscribe', data: { channel: name(i++) } })));
            client.write(Buffer.concat(chunk));
            while (succeeded < i && !refused) {
                const message = await client.next();
                if (message.event === 'pusher_internal:subscription_succeeded') succeeded++;
                else if (message.event === 'pusher:subscription_error') refused = message;
                else assert.equal(message.event, 'pusher_internal:subscription_count');
            }
        }
        assert.equal(succeeded, 32_768);
        assert.equal(refused.channel, name(32_768));
        assert.match(refused.data, /LimitReached/);
        assert.equal((await ctx.daemon.metrics()).get('limits_reached_total', 'max_channels_per_connection'), before + 1);
        client.destroy();
    });

    test('those who join together find each other in the list, and are told of nobody twice', async () => {
        const channel = unique('presence');
        const clients = await Promise.all(Array.from({ length: 40 }, () => ctx.open()));
        clients.forEach((client, i) => client.send(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: `u${i}` }) })));
        const known = await Promise.all(clients.map(async (client) => {
            const list = JSON.parse((await client.expect('pusher_internal:subscription_succeeded', channel)).data).presence;
            assert.equal(list.count, list.ids.length);
            return new Set(list.ids);
        }));
        await Promise.all(clients.map(async (client, i) => {
            while (known[i].size < clients.length) {
                const { user_id: id } = JSON.parse((await client.expect('pusher_internal:member_added', channel)).data);
                assert.ok(!known[i].has(id), `${id} twice`);
                known[i].add(id);
            }
        }));
        const got = [];
        for (const client of clients) await client.sync(got);
        assert.deepEqual(got, []);
        // A tab that is opened while another of the same user is closed: nobody hears of either.
        const tab = await ctx.open();
        tab.send(tab.subscribeMessage(channel, { data: JSON.stringify({ user_id: 'u0' }) }));
        await tab.expect('pusher_internal:subscription_succeeded', channel);
        await clients[0].close();
        await ctx.ipc.ping();
        await clients[1].sync(got);
        assert.deepEqual(got, []);
    });
});
