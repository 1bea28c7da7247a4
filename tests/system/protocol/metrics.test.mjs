// The counters move with what happens, on any number of workers.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { suite, unique } from '../lib/suite.mjs';
import { auth } from '../lib/sign.mjs';
import { APP } from '../lib/daemon.mjs';
import { settle } from '../lib/ws.mjs';
import { until } from '../lib/wait.mjs';

suite('metrics', { workers: [1, 3] }, (ctx) => {
    async function moves(counters, action) {
        const before = await ctx.daemon.metrics();
        await action();
        const wanted = (metrics) => counters.every(([name, labels, by]) => (metrics.get(name, labels) ?? 0) - (before.get(name, labels) ?? 0) === by);
        let last;
        await until(async () => wanted((last = await ctx.daemon.metrics())), () => `${JSON.stringify(counters)}, seen ${JSON.stringify(counters.map(([name, labels]) => (last.get(name, labels) ?? 0) - (before.get(name, labels) ?? 0)))}`, 5000);
    }

    test('it is the Prometheus text format', async () => {
        const { text } = await ctx.daemon.metrics();
        const seen = new Set();
        let current;
        for (const line of text.trim().split('\n')) {
            const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
            if (type) {
                assert.ok(!seen.has(type[1]), `${type[1]} is declared twice`);
                seen.add((current = type[1]));
                continue;
            }
            if (line.startsWith('# HELP ')) continue;
            const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? \S+$/.exec(line);
            assert.ok(sample, line);
            assert.ok(sample[1].startsWith(current), `${sample[1]} stands with its TYPE`);
        }
        assert.ok(seen.size > 10);
        assert.ok(text.endsWith('\n'));
    });
    test('connections', async () => {
        const clients = [];
        await moves([['connections_opened_total', null, 5]], async () => {
            for (let i = 0; i < 5; i++) clients.push(await ctx.open());
        });
        await moves([['connections_closed_total', null, 5]], async () => {
            for (const client of clients) await client.close();
        });
    });
    test('subscriptions', async () => {
        const client = await ctx.open();
        await moves([['subscriptions_total', null, 2], ['subscriptions_refused_total', null, 1]], async () => {
            await client.subscribe(unique());
            await client.subscribe(unique('presence'), { data: { user_id: '1' } });
            client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: auth(APP, '1.1', 'private-x') } });
            await client.refused('private-x');
        });
    });
    test('publishes, duplicates, messages', async () => {
        const channel = unique('private');
        const [a, b] = [await ctx.open(), await ctx.open()];
        await a.subscribe(channel);
        await b.subscribe(channel);
        const key = unique();
        await settle(ctx.ipc, a, b);
        await moves([['published_total', 'door="ipc"', 1], ['publish_duplicates_total', null, 1], ['messages_sent_total', null, 2]], async () => {
            await ctx.ipc.publish({ channel, key });
            await ctx.ipc.publish({ channel, key });
            await a.expect('E');
            await b.expect('E');
        });
        await moves([['published_total', 'door="client"', 1], ['messages_received_total', null, 1], ['messages_sent_total', null, 1]], async () => {
            a.send({ event: 'client-x', channel, data: {} });
            await b.expect('client-x');
        });
    });
    test('bad messages, refused whispers, refused handshakes', async () => {
        const client = await ctx.open();
        await moves([['bad_input_total', 'message', 1]], async () => {
            client.send('x');
            await client.error(4200);
        });
        await moves([['client_events_refused_total', null, 1]], async () => {
            client.send({ event: 'client-x', channel: 'private-x', data: {} });
            await client.error(4009);
        });
        await moves([['handshakes_refused_total', 'reason="app"', 1]], async () => {
            const unknown = await ctx.dial({ app: { key: 'nobody' } });
            await unknown.response();
            await unknown.error(4001);
            await unknown.closedWith(4001);
        });
        await moves([['handshakes_refused_total', 'reason="protocol"', 1]], async () => {
            const old = await ctx.dial({ query: 'protocol=4' });
            await old.response();
            await old.error(4007);
            await old.closedWith(4007);
        });
    });
    test('how long deliveries and the answers to PHP take', async () => {
        const client = await ctx.open();
        const channel = unique();
        await client.subscribe(channel);
        await moves([['publish_delivery_seconds_count', 'app="app1"', 3], ['ipc_answer_seconds_count', 'app="app1"', 3]], async () => {
            for (let i = 0; i < 3; i++) await ctx.ipc.publish({ channel });
        });
        assert.ok((await ctx.daemon.metrics()).get('turn_seconds_count') > 0);
    });
    test('the number of open connections is there', async () => {
        const { text } = await ctx.daemon.metrics();
        assert.match(text, /^fanfare_connections(\{[^}]*\})? \d+$/m);
    });
});
