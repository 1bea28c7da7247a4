// A span of OpenTelemetry's SDK in a real Laravel application, and the daemon's spans below it at a collector.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Collector, attributes, named } from '../lib/collector.mjs';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Laravel, missing } from '../lib/laravel.mjs';
import { unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const skip = missing();

describe('traces of Laravel', { skip }, () => {
    let collector, daemon, app, session, worker;
    const clients = [];

    before(async () => {
        collector = await Collector.start();
        daemon = await Daemon.start({ workers: 2, sections: { trace: { endpoint: collector.url } } });
        app = await Laravel.create(daemon, {
            packages: ['open-telemetry/sdk:^1.1'],
            env: { FANFARE_ON_FAILURE: 'queue', FANFARE_TIMEOUT: '0.3' },
        });
        await app.serve();
        session = await app.session(1);
        worker = app.worker();
    });
    after(async () => {
        for (const client of clients) client.destroy();
        await app?.stop();
        await daemon?.stop();
        await collector?.stop();
    });

    async function listener(channel) {
        const client = await Client.open(daemon);
        clients.push(client);
        await client.subscribe(channel);
        return client;
    }
    /** publish, order and, with a listener, deliver of one publish on this channel, all of it below the span of the application. */
    async function below({ trace, span }, channel, { heard = true } = {}) {
        const spans = await collector.take(heard ? 3 : 2);
        const [publish] = named(spans, 'publish'), [order] = named(spans, 'order'), [deliver] = named(spans, 'deliver');
        assert.equal(deliver !== undefined, heard);
        for (const one of spans) {
            assert.equal(one.traceId, trace);
            assert.equal(one.parentSpanId, one === publish ? span : publish.spanId);
            assert.equal(attributes(one)['messaging.destination.name'], channel);
        }
        assert.equal(attributes(publish)['fanfare.app'], APP.id);
        const time = (at) => BigInt(at);
        assert.ok(time(publish.startTimeUnixNano) <= time(order.startTimeUnixNano), 'received before it is ordered');
        if (heard) assert.ok(time(order.startTimeUnixNano) <= time(deliver.startTimeUnixNano), 'ordered before it is written');
        for (const one of spans) assert.ok(time(one.startTimeUnixNano) <= time(one.endTimeUnixNano));
        return spans;
    }

    test('the span that is current in a request is the parent of the daemon\'s', async () => {
        const channel = unique();
        const client = await listener(channel);
        const said = await session.act('traced', { action: 'now', input: { channels: [channel], value: 1 } });
        await client.expect('App\\Events\\Now', channel);
        await below(said, channel);
    });

    test('one that is not sampled is none of the daemon\'s either', async () => {
        const channel = unique();
        const client = await listener(channel);
        const unsampled = await session.act('traced', { action: 'now', input: { channels: [channel], value: 1 }, sampled: false });
        await client.expect('App\\Events\\Now', channel);
        const sampled = await session.act('traced', { action: 'now', input: { channels: [channel], value: 2 } });
        await client.expect('App\\Events\\Now', channel);
        await below(sampled, channel);
        assert.ok(!JSON.stringify(collector.requests).includes(unsampled.trace));
    });

    test('without a span it is the traceparent of the request', async () => {
        const channel = unique(), trace = '0af7651916cd43dd8448eb211c80319c', span = 'b7ad6b7169203331';
        await listener(channel);
        await session.act('now', { channels: [channel], value: 1 }, { headers: { traceparent: `00-${trace}-${span}-01` } });
        await below({ trace, span }, channel);
    });

    test('an event that a worker broadcasts belongs to the trace that it was dispatched in', async () => {
        const channel = unique();
        const said = await session.act('traced', { action: 'queued', input: { channel, value: 1 } });
        await below(said, `private-${channel}`, { heard: false });
        assert.equal(worker.status, undefined);
    });

    test('so does one that could not be published at once', async () => {
        const channel = unique();
        await daemon.stop({ keep: true });
        const said = await session.act('traced', { action: 'now', input: { channels: [channel], value: 1 } });
        await daemon.launch();
        await below(said, channel, { heard: false });
        await until(async () => (await session.act('jobs', { all: true })) === 0, () => `the worker\n${worker.stderr}`);
    });
});
