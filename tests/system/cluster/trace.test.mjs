// A trace goes along to the other nodes: their last writes are spans of it, whether or not the node that was published to traces.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, clusterSuite } from '../lib/cluster.mjs';
import { Collector, attributes, named } from '../lib/collector.mjs';
import { Ipc, PUBLISH } from '../lib/ipc.mjs';
import { noRedis } from '../lib/redis.mjs';
import { unique } from '../lib/suite.mjs';

const TRACE = '0af7651916cd43dd8448eb211c80319c', SPAN = 'b7ad6b7169203331';
const traceparent = (flags = '01') => `00-${TRACE}-${SPAN}-${flags}`;
const collector = await Collector.start();
collector.server.unref(); // the nodes end after the tests
const node = (request) => attributes(request.body.resourceSpans[0].resource)['fanfare.node'];
/** Spans by the node that has told of them. */
const told = () => collector.requests.flatMap((request) => request.body.resourceSpans[0].scopeSpans[0].spans.map((span) => ({ ...span, node: node(request) })));

// n1 and n2 trace, n3 does not.
const each = (i) => (i < 2 ? { trace: { endpoint: collector.url } } : {});

clusterSuite('traces over nodes', { workers: [1, 2, 1], each, skip: noRedis }, (ctx) => {
    test('a publish on one node, delivered on all: one trace', async () => {
        const channel = unique();
        for (const at of [0, 1, 2]) await (await ctx.open(at)).subscribe(channel);
        await ctx.ipcs[0].request(PUBLISH, ...Ipc.message({ channel, event: 'E' }), traceparent());
        await collector.take(4);
        const spans = told().filter((span) => attributes(span)['messaging.destination.name'] === channel);
        const [publish] = named(spans, 'publish');
        assert.deepEqual([publish.node, publish.parentSpanId], ['n1', SPAN]);
        const delivers = named(spans, 'deliver').sort((a, b) => a.node.localeCompare(b.node));
        assert.deepEqual(delivers.map((span) => span.node), ['n1', 'n2']);
        for (const span of delivers) {
            assert.deepEqual([span.traceId, span.parentSpanId], [TRACE, publish.spanId]);
            assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(publish.startTimeUnixNano), 'one clock: it is this machine');
            assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
            assert.equal(attributes(span)['fanfare.app'], APP.id);
        }
    });

    test('a node that traces nothing passes the trace on; one that is not sampled stays so', async () => {
        const channel = unique();
        await (await ctx.open(1)).subscribe(channel);
        await ctx.ipcs[2].request(PUBLISH, ...Ipc.message({ channel }), traceparent('00'));
        await ctx.ipcs[2].publish({ channel });
        await ctx.ipcs[2].request(PUBLISH, ...Ipc.message({ channel }), traceparent());
        const [span] = await collector.take(1);
        assert.deepEqual([span.name, span.traceId, span.parentSpanId], ['deliver', TRACE, SPAN]);
        assert.equal(told().filter((one) => attributes(one)['messaging.destination.name'] === channel).length, 1);
    });
});
