// What packaging/prometheus and packaging/grafana ask for is there: Debian's Prometheus scrapes a single node, two that are joined
// by Redis, and one with a thousand applications, while traffic of every kind goes through them.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { get, post } from '../lib/api.mjs';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Nodes } from '../lib/cluster.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { Listener } from '../lib/listener.mjs';
import { daemonPath, root } from '../lib/paths.mjs';
import { noPrometheus, packaging, Prometheus, promtool, queries, rules, selectors } from '../lib/prometheus.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { noRedis, Redis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const dashboard = JSON.parse(readFileSync(packaging('grafana/fanfare.json'), 'utf8'));
const RULES = ['prometheus/alerts.yml', 'prometheus/recording.yml'];
/** Series that are there only from the first event on: one for each node that lost something. */
const LATER = /^fanfare_bus_lost(_control)?_total/;

describe('files', { skip: noPrometheus }, () => {
    test('promtool finds no fault in the rules, the example and its tests', () => {
        promtool(['check', 'config', packaging('prometheus/prometheus.yml')]);
        promtool(['check', 'rules', ...RULES.map(packaging)]);
        promtool(['test', 'rules', join(root, 'tests/system/cluster/prometheus-rules.yml')]);
    });
    test('each alert is tested, and says what happens, what to do, and where more of it stands', () => {
        const text = readFileSync(packaging('prometheus/alerts.yml'), 'utf8');
        const tested = readFileSync(join(root, 'tests/system/cluster/prometheus-rules.yml'), 'utf8');
        const blocks = text.split(/^ {6}- alert: /m).slice(1);
        assert.equal(blocks.length, rules('prometheus/alerts.yml').length);
        for (const block of blocks) {
            const name = block.split('\n')[0];
            for (const key of ['summary', 'description', 'action', 'runbook']) assert.match(block, new RegExp(`^ {10}${key}: \\S`, 'm'), `${name} has ${key}`);
            assert.match(block, /severity: (critical|warning|info)/, name);
            assert.ok(tested.includes(`alertname="${name}"`), `${name} is tested`);
            const [, file, anchor] = /runbook: (docs\/[\w-]+\.md)(?:#(\S+))?/.exec(block);
            const headings = [...readFileSync(join(root, file), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, one]) => one.toLowerCase().replaceAll(/[^\w\s-]/g, '').replaceAll(' ', '-'));
            assert.ok(!anchor || headings.includes(anchor), `${name}: ${file} has #${anchor}`);
        }
        for (const { name } of rules('prometheus/recording.yml')) assert.ok(tested.includes(name), `${name} is tested`);
    });
    test('the dashboard has what Grafana wants, and a word on when to worry on every panel', () => {
        const panels = dashboard.panels.filter(({ type }) => type !== 'row');
        assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
        for (const { title, description, targets, datasource, gridPos } of panels) {
            assert.ok(description?.length > 20, `${title} has a description`);
            assert.ok(targets.length > 0 && new Set(targets.map(({ refId }) => refId)).size === targets.length, title);
            assert.deepEqual(datasource, { type: 'prometheus', uid: '${datasource}' }, title);
            assert.ok(gridPos.x + gridPos.w <= 24, title);
        }
        for (const one of panels) for (const other of panels) {
            const [a, b] = [one.gridPos, other.gridPos];
            assert.ok(one === other || a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y, `${one.title} and ${other.title} do not overlap`);
        }
        assert.deepEqual(dashboard.templating.list.map(({ name }) => name), ['datasource', 'job', 'instance', 'app']);
    });
    test('every metric is on the dashboard or in an alert, and pages and files name none that is not there', () => {
        const printed = spawnSync(daemonPath, ['--print-metrics'], { encoding: 'utf8' }).stdout;
        const known = new Map([...printed.matchAll(/^\| `(\w+)` \((\w+)\)/gm)].map(([, name, type]) => [name, type]));
        const shown = [...queries(dashboard), ...RULES.flatMap(rules)].map(({ expr }) => expr).join('\n');
        const asked = new Set(shown.match(/\b(fanfare|process)_\w+/g));
        for (const [name, type] of known) {
            if (!/_virtual_memory|^process_threads|messages_compressed_total|connections_closed/.test(name)) assert.ok(asked.has(name) || (type === 'histogram' && asked.has(`${name}_bucket`)), `${name} is shown somewhere`);
        }
        const all = (folder) => readdirSync(join(root, folder), { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? all(join(folder, one.name)) : [join(folder, one.name)]));
        const files = [...all('docs'), ...all('packaging')].filter((file) => /\.(md|ya?ml|json|conf|cfg|\d)$/.test(file));
        for (const file of files) {
            // Names that end in what only metrics end in, and those of what has no such end.
            for (const [name] of readFileSync(join(root, file), 'utf8').matchAll(/(?<![\w:/.-])fanfare_\w+(_total|_seconds|_seconds_(?:bucket|sum|count)|_bytes|_waiting|_info|_up|_nodes)\b|fanfare_(?:app_)?connections\b/g)) {
                const base = name.replace(/_(bucket|sum|count)$/, '');
                assert.ok(known.has(name) || known.get(base) === 'histogram', `${file} names ${name}`);
            }
        }
    });
});

describe('a running Prometheus', { skip: noPrometheus || noRedis }, () => {
    const ctx = { open: [] };
    const client = async (daemon, options) => {
        const one = await Client.open(daemon, { app: APP, ...options });
        ctx.open.push(() => one.destroy());
        return one;
    };

    before(async () => {
        ctx.receiver = await Receiver.start();
        ctx.redis = await Redis.start();
        const app = { 'app "app1"': { key: APP.key, secret: APP.secret, webhook_url: ctx.receiver.url } };
        const many = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`app "more${i}"`, { key: `more${i}`, secret: `secret-of-more${i}` }]));
        [ctx.nodes, ctx.single, ctx.many] = await Promise.all([
            Nodes.start(2, { redis: ctx.redis.url, workers: [1, 3], sections: app }),
            Daemon.start({ workers: 2, sections: app }),
            Daemon.start({ sections: many }),
        ]);
        ctx.all = [...ctx.nodes.all, ctx.single, ctx.many];
        ctx.prometheus = await Prometheus.start({
            'fanfare-cluster': ctx.nodes.all.map(({ adminPort }) => adminPort), fanfare: [ctx.single.adminPort], 'fanfare-many': [ctx.many.adminPort],
        });
    });
    after(async () => {
        for (const close of ctx.open) await close();
        await ctx.prometheus?.stop();
        await Promise.all([ctx.nodes, ctx.single, ctx.many].map((one) => one?.stop()));
        await ctx.redis?.stop();
        await ctx.receiver?.stop();
    });

    test('each node is scraped without an error, as OpenMetrics', async () => {
        await until(async () => {
            const { activeTargets } = await ctx.prometheus.get('targets');
            assert.deepEqual(activeTargets.filter(({ health }) => health !== 'up').map(({ lastError }) => lastError), []);
            assert.equal(activeTargets.length, 4);
            return true;
        }, () => `the nodes to be scraped\n${ctx.prometheus.process.stderr}`);
        for (const daemon of ctx.all) {
            const { text, headers } = await daemon.http('/metrics', { port: daemon.adminPort, headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' } });
            assert.match(headers.get('content-type'), /^application\/openmetrics-text/);
            assert.ok(text.endsWith('# EOF\n'));
        }
        const metadata = await ctx.prometheus.get('metadata');
        assert.equal(metadata.fanfare_published?.[0].type ?? metadata.fanfare_published_total?.[0].type, 'counter');
        assert.equal(metadata.fanfare_turn_seconds[0].type, 'histogram');
    });
    test('promtool has nothing to say of the text format', async () => {
        for (const daemon of ctx.all) {
            const { text } = await daemon.http('/metrics', { port: daemon.adminPort });
            assert.equal(promtool(['check', 'metrics'], text), '');
        }
    });
    test('a thousand applications make no scrape large', async () => {
        const { text } = await ctx.many.http('/metrics', { port: ctx.many.adminPort });
        assert.match(text, /^fanfare_app_connections\{app="\(others\)"\} \d+$/m);
        assert.match(text, /^fanfare_ipc_answer_seconds_count\{app="\(others\)"\} \d+$/m);
        assert.ok(text.length < 300_000, `${text.length} bytes`);
    });
    test('every query of the dashboard, the alerts and the recordings finds what it asks for', async () => {
        let stopping = false;
        const traffic = Promise.all([...ctx.nodes.all, ctx.single].map(async (daemon) => {
            const ipc = await Ipc.open(daemon.socket, APP);
            const listener = await Listener.open(daemon.socket, APP);
            ctx.open.push(() => ipc.close(), () => listener.close());
            const [a, b] = [await client(daemon), await client(daemon)];
            for (const one of [a, b]) await one.subscribe('private-prometheus');
            while (!stopping) {
                await ipc.publish({ channel: 'private-prometheus' });
                assert.equal((await post(daemon, '/events', { name: 'h', channels: ['private-prometheus'], data: '{}' })).status, 200);
                await get(daemon, '/channels', { secret: 'wrong' });
                a.send({ event: 'client-x', channel: 'private-prometheus', data: {} });
                await ipc.publish({ channel: 'private-prometheus', event: 'x'.repeat(300) }).catch(() => {});
                const guest = await Client.open(daemon, { app: APP });
                await guest.subscribe('presence-prometheus', { data: { user_id: guest.socketId } });
                await guest.close();
                const refused = await Client.dial(daemon, { app: { key: 'nobody' } });
                await refused.response();
                refused.destroy();
                listener.ipc.inbox.waiting.length > 10 && (await listener.next());
                await new Promise((done) => setTimeout(done, 100));
            }
        }));
        const wanted = [...queries(dashboard), ...RULES.flatMap(rules)];
        assert.ok(wanted.length > 100, `${wanted.length} queries`);
        const moving = ['fanfare_published_total{door="ipc"}', 'fanfare_published_total{door="http"}', 'fanfare_published_total{door="client"}', 'fanfare_publish_delivery_seconds_count{app="app1"}', 'fanfare_ipc_answer_seconds_count{app="app1"}', 'fanfare_handshakes_refused_total{reason="app"}', 'fanfare_publish_rejected_total', 'fanfare_webhook_events_sent_total', 'fanfare_listen_deliveries_total'];
        try {
            // Two scrapes that lie apart are what a rate is made of.
            await until(async () => {
                for (const one of moving) assert.equal((await ctx.prometheus.query(`rate(${one}[10s]) > 0`)).filter(({ metric }) => metric.job !== 'fanfare-many').length, 3, one);
                return true;
            }, 'traffic to be seen');
            // The recordings' and the alerts' ranges are filled by the same two.
            const wrong = [];
            const ask = (expr) => ctx.prometheus.query(expr.replaceAll(/\[\d+m\]/g, '[10s]'));
            const later = (expr) => selectors(expr).some((one) => LATER.test(one));
            const asked = new Set(wanted.flatMap(({ expr }) => selectors(expr)));
            await Promise.all([...asked].map(async (selector) => {
                if (!LATER.test(selector) && (await ctx.prometheus.get('series', [['match[]', selector]])).length === 0) wrong.push(`no series ${selector}`);
            }));
            await Promise.all(wanted.map(async ({ name, expr, legend }) => {
                const result = await ask(expr).catch((error) => wrong.push(`${name}: ${error.message}`) && []);
                const compares = / (?:[<>]=?|[!=]=) /.test(expr);
                if (result.length === 0 && !compares && !later(expr)) wrong.push(`${name}: nothing: ${expr}`);
                for (const [, label] of legend?.matchAll(/\{\{(\w+)\}\}/g) ?? []) if (result.length && !result.some(({ metric }) => label in metric)) wrong.push(`${name}: no label ${label}`);
            }));
            // What an alert compares is there, too: its left side has a value.
            await Promise.all(rules('prometheus/alerts.yml').map(async ({ name, expr }) => {
                const left = expr.split(/ (?:[<>]=?|[!=]=) /)[0].replaceAll(/ offset \d+m/g, '');
                if (!later(left) && (await ask(left)).length === 0) wrong.push(`${name}: nothing: ${left}`);
            }));
            assert.deepEqual(wrong, []);

            // The rules run, and nothing that is well sets them off.
            const { groups } = await ctx.prometheus.get('rules');
            await until(async () => (await ctx.prometheus.query('job:fanfare_connections:sum')).length === 3, 'the recordings to be made');
            for (const { name, lastError } of groups.flatMap((group) => group.rules)) assert.equal(lastError ?? '', '', name);
            const { alerts } = await ctx.prometheus.get('alerts');
            assert.deepEqual(alerts.filter(({ state, labels }) => state === 'firing' && labels.severity === 'critical').map(({ labels }) => labels), []);
        } finally {
            stopping = true;
        }
        await traffic;
    });
});
