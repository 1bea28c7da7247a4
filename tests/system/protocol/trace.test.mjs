// What a publisher says of its trace: in the log, and as spans that a collector gets by OTLP over HTTP.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { post } from '../lib/api.mjs';
import { Authority } from '../lib/certs.mjs';
import { Collector, attributes, named } from '../lib/collector.mjs';
import { APP, Daemon, freePort } from '../lib/daemon.mjs';
import { BATCH, CLUSTER_PUBLISH, Ipc, PUBLISH } from '../lib/ipc.mjs';
import { unique } from '../lib/suite.mjs';
import { Inbox, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const TRACE = '0af7651916cd43dd8448eb211c80319c', SPAN = 'b7ad6b7169203331';
const PARENT = `00-${TRACE}-${SPAN}-01`;

async function start(t, { endpoint, trace = {}, ...options }) {
    const daemon = await Daemon.start({ ...options, sections: { ...options.sections, ...(endpoint && { trace: { endpoint, ...trace } }) } });
    t.after(() => daemon.stop());
    const ipc = await Ipc.open(daemon.socket, APP);
    t.after(() => ipc.socket.destroy());
    return { daemon, ipc };
}

/** What a publish of the channel to `n` workers' subscribers left behind. */
function assertSpans(spans, { channel, id, door, parent, recipients, delivers, since }) {
    const [publish] = named(spans, 'publish'), [order] = named(spans, 'order');
    const deliver = named(spans, 'deliver');
    assert.equal(deliver.length, delivers);
    assert.equal(publish.parentSpanId, parent);
    assert.deepEqual([order.parentSpanId, ...deliver.map((span) => span.parentSpanId)], Array(1 + delivers).fill(publish.spanId));
    assert.equal(new Set(spans.map((span) => span.spanId)).size, spans.length);
    const now = BigInt(Date.now() + 1) * 1_000_000n, then = BigInt(since) * 1_000_000n;
    for (const span of spans) {
        assert.equal(span.traceId, publish.traceId);
        assert.match(span.spanId, /^[0-9a-f]{16}$/);
        assert.ok(BigInt(span.startTimeUnixNano) >= then && BigInt(span.endTimeUnixNano) <= now, 'the times are of this test');
        assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
        assert.equal(attributes(span)['messaging.system'], 'fanfare');
        assert.equal(attributes(span)['messaging.destination.name'], channel);
        assert.equal(attributes(span)['fanfare.app'], APP.id);
        assert.equal(attributes(span)['fanfare.event'], 'E');
    }
    assert.ok(BigInt(order.startTimeUnixNano) >= BigInt(publish.startTimeUnixNano));
    const said = attributes(publish);
    assert.equal(said['fanfare.door'], door);
    assert.equal(said['fanfare.channels'], 1);
    assert.equal(said['fanfare.recipients'], recipients);
    if (id) assert.equal(said['messaging.message.id'], id);
    assert.equal(deliver.reduce((sum, span) => sum + attributes(span)['fanfare.recipients'], 0), recipients);
    assert.equal(new Set(deliver.map((span) => attributes(span)['fanfare.worker'])).size, delivers);
}

for (const workers of [1, 3]) {
    describe(`traces (workers=${workers})`, () => {
        test('a publish over IPC and over HTTP, with its publisher as the parent', async (t) => {
            const collector = await Collector.start(t);
            const { daemon, ipc } = await start(t, { workers, endpoint: collector.url, trace: { service: 'node-1' } });
            const channel = unique(), since = Date.now();
            const client = await Client.open(daemon);
            t.after(() => client.destroy());
            await client.subscribe(channel);
            const receipt = Ipc.receipt(await ipc.request(PUBLISH, ...Ipc.message({ channel }), PARENT));
            const spans = await collector.take(3);
            assert.equal(named(spans, 'publish')[0].traceId, TRACE);
            assertSpans(spans, { channel, id: receipt.id, door: 'ipc', parent: SPAN, recipients: 1, delivers: 1, since });
            const [request] = collector.requests;
            assert.deepEqual([request.method, request.url, request.headers['content-type']], ['POST', '/v1/traces', 'application/json']);
            const resource = attributes(request.body.resourceSpans[0].resource);
            assert.equal(resource['service.name'], 'node-1');
            assert.equal(resource['process.pid'], daemon.pid);
            assert.match(resource['service.instance.id'], /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
            assert.match(resource['service.version'], /^\d+\.\d+\.\d+/);

            const { status } = await post(daemon, '/events', { name: 'E', channel, data: '{}' }, { headers: { traceparent: PARENT } });
            assert.equal(status, 200);
            assertSpans(await collector.take(3), { channel, door: 'http', parent: SPAN, recipients: 1, delivers: 1, since });

            // Nobody is there: nothing is delivered.
            const nobody = unique();
            await ipc.request(BATCH, [[...Ipc.message({ channel: nobody }), PARENT]]);
            assertSpans(await collector.take(2), { channel: nobody, door: 'ipc', parent: SPAN, recipients: 0, delivers: 0, since });
            await ipc.request(CLUSTER_PUBLISH, 1000, ...Ipc.message({ channel: nobody }), PARENT);
            assertSpans(await collector.take(2), { channel: nobody, door: 'ipc', parent: SPAN, recipients: 0, delivers: 0, since });
        });

        test('without a traceparent as [trace] sample says; what is not sampled, or no traceparent, is not exported', async (t) => {
            const collector = await Collector.start(t);
            const { daemon, ipc } = await start(t, { workers, endpoint: `${collector.url}/own/path`, trace: { sample: 1 } });
            const channel = unique(), since = Date.now();
            await ipc.request(PUBLISH, ...Ipc.message({ channel }), `00-${TRACE}-${SPAN}-00`);
            await ipc.publish({ channel });
            assertSpans(await collector.take(2), { channel, door: 'ipc', recipients: 0, delivers: 0, since });
            assert.equal(collector.requests[0].url, '/own/path');
            // Each is as good as none, and no reason to refuse the publish.
            const bad = [PARENT.toUpperCase(), 'x'.repeat(300), '', 7, [PARENT], null, `${PARENT}-`];
            for (const one of bad) Ipc.receipt(await ipc.request(PUBLISH, ...Ipc.message({ channel }), one));
            const spans = await collector.take(2 * bad.length);
            assert.ok(spans.every((span) => span.traceId !== TRACE));
            assert.equal(new Set(spans.map((span) => span.traceId)).size, bad.length);
            const metrics = await daemon.metrics();
            assert.equal(metrics.get('traceparent_invalid_total'), 4); // those that are text
        });
    });
}

test('a collector that is away, or slow, costs dropped spans and nothing else; the first batch arrives when it is back', async (t) => {
    const port = await freePort();
    const { daemon, ipc } = await start(t, { endpoint: `http://127.0.0.1:${port}` });
    const client = await Client.open(daemon);
    t.after(() => client.destroy());
    const channel = unique();
    await client.subscribe(channel);
    for (let i = 0; i < 20; i++) {
        await ipc.request(BATCH, Array.from({ length: 100 }, () => [...Ipc.message({ channel }), PARENT]));
    }
    for (let i = 0; i < 2000; i++) await client.next(); // all of them were delivered
    const metrics = await daemon.metrics();
    const dropped = metrics.get('trace_spans_dropped_total', 'queue');
    assert.ok(dropped >= 6000 - 4096 - 256 && dropped <= 6000, `dropped: ${dropped}`);
    assert.equal(metrics.get('trace_spans_exported_total'), 0);
    await until(() => /the collector at http:.* takes no spans/.test(daemon.stderr), 'the warning');
    const collector = await Collector.start(t, { port, answer: (n) => (n === 1 ? 503 : 200) });
    await collector.take(6000 - dropped);
    await until(async () => (await daemon.metrics()).get('trace_spans_exported_total') === 6000 - dropped, 'the figures');
    assert.match(daemon.stderr, /takes spans again/);
    assert.equal(daemon.stderr.match(/takes no spans/g).length, 1);
});

test('a hosted collector: https by its own CA, headers that nobody else is told, Retry-After, and spans that it does not keep', async (t) => {
    const authority = new Authority();
    t.after(() => authority.remove());
    const { certificate, key } = authority.issue('collector', ['localhost']);
    const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
    const answers = [{ status: 429, headers: { 'retry-after': '2' } }, { status: 200, body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too \\u0007 old"}}' }];
    const collector = await Collector.start(t, { tls, answer: (n) => answers[n - 1] ?? 200 });
    const trace = { ca_file: authority.file, headers: ['Authorization: Bearer hunter2-token', 'x-scope-orgid=tenant hunter2'] };
    const { daemon, ipc } = await start(t, { endpoint: collector.url, trace, sections: { server: { log_level: 'debug' } } });
    await ipc.request(PUBLISH, ...Ipc.message({ channel: unique() }), PARENT);
    await collector.take(2);
    const [first, second] = collector.requests;
    assert.deepEqual([first.headers.authorization, first.headers['x-scope-orgid']], ['Bearer hunter2-token', 'tenant hunter2']);
    assert.deepEqual(second.body, first.body, 'the same batch again');
    assert.ok(second.at - first.at >= 1900, `Retry-After is obeyed: ${second.at - first.at} ms`);
    await until(async () => (await daemon.metrics()).get('trace_spans_dropped_total', 'collector') === 1, 'the span that was not kept');
    assert.equal((await daemon.metrics()).get('trace_spans_exported_total'), 1);
    assert.match(daemon.stderr, /has not kept 1 of 2 spans: too \\u0007 old/);
    assert.doesNotMatch(daemon.stderr, /hunter2/);

    // Another authority's certificate is not taken.
    const stranger = await start(t, { endpoint: collector.url });
    await stranger.ipc.request(PUBLISH, ...Ipc.message({ channel: unique() }), PARENT);
    await until(() => /takes no spans: .*certificate/i.test(stranger.daemon.stderr), () => `the refusal\n${stranger.daemon.stderr}`);
});

test('an end gives the collector what is left, and waits for none that does not answer', async (t) => {
    const collector = await Collector.start(t);
    const one = await start(t, { endpoint: collector.url });
    await one.ipc.request(PUBLISH, ...Ipc.message({ channel: unique() }), PARENT);
    await one.daemon.stop();
    await collector.take(2);
    const never = await Collector.start(t, { answer: () => null });
    const two = await start(t, { endpoint: never.url });
    await two.ipc.request(PUBLISH, ...Ipc.message({ channel: unique() }), PARENT);
    await until(() => never.requests.length > 0, 'the request');
    const began = Date.now();
    await two.daemon.stop();
    assert.ok(Date.now() - began < 5000);
});

test('without [trace] it is only logged: at level debug, and with log_messages', async (t) => {
    const { daemon, ipc } = await start(t, { sections: { server: { log_level: 'debug', log_messages: 'yes' } } });
    const channel = unique();
    const { id } = Ipc.receipt(await ipc.request(PUBLISH, ...Ipc.message({ channel }), PARENT));
    await until(() => daemon.stderr.includes(`trace: message ${id} of application app1: traceparent ${PARENT}`), 'the line');
    assert.match(daemon.stderr, new RegExp(`publishes E to ${channel} \\(traceparent ${PARENT}\\): {}`));
});
