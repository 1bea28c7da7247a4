// The manifests of packaging/kubernetes: against the models of Kubernetes and of the Prometheus Operator, against each other, and
// against the daemon, whose keys, paths and metrics they name.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Daemon, overTls, runDaemon, twoNodes } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { nodeDir, root } from '../lib/paths.mjs';

const yaml = need('yaml');
const folder = join(root, 'packaging/kubernetes');
const read = (file) => yaml.parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
    assert.deepEqual(document.errors.concat(document.warnings), [], file);
    return document.toJS();
});
const kustomizations = Object.fromEntries(['base', 'components/autoscaling', 'components/monitoring', 'example'].map((name) => [name, read(`${name}/kustomization.yaml`)[0]]));

/** Every object, with where it is from. */
const objects = [];
for (const [name, { resources }] of Object.entries(kustomizations)) {
    for (const file of resources.filter((file) => file.endsWith('.yaml'))) for (const object of read(`${name}/${file}`)) objects.push({ file: `${name}/${file}`, object });
}
for (const object of read('relay-sidecar.yaml')) objects.push({ file: 'relay-sidecar.yaml', object });
const only = (kind, file = 'base/') => {
    const found = objects.filter((one) => one.object.kind === kind && one.file.startsWith(file));
    assert.equal(found.length, 1, `one ${kind} in ${file}`);
    return found[0].object;
};

/** Where the models of an API have their files. */
const modelOf = ({ apiVersion, kind }) => (apiVersion === 'monitoring.coreos.com/v1' ? '@kubernetes-models/prometheus-operator/' : 'kubernetes-models/') + `${apiVersion}/${kind}`.replace(/^([a-z]+)\.k8s\.io/, '$1.k8s.io');

/** The properties of an interface in a .d.ts file, and the file of each of their types. The validators of the models let through what they do not know. */
const interfaces = new Map();
function interfaceIn(file) {
    if (interfaces.has(file)) return interfaces.get(file);
    const text = readFileSync(file, 'utf8');
    const imports = new Map();
    for (const [, names, from] of text.matchAll(/import \{ ([^}]+) \} from "([^"]+)"/g)) {
        const target = from.startsWith('.') ? join(dirname(file), from.replace(/\.js$/, '')) : join(nodeDir, 'node_modules', from);
        for (const one of names.split(',')) imports.set(one.trim(), `${target}.d.ts`);
    }
    const body = /export interface I\w+[^{]*\{\n([\s\S]*?)\n\}/.exec(text)?.[1];
    const known = body && new Map([...body.matchAll(/^ {4}"?([\w$]+)"?\??: ([^;]+);$/gm)].map(([, key, type]) => {
        const [, inner] = /(I[A-Z]\w+)/.exec(type) ?? [];
        return [key, { list: /^Array</.test(type), map: /^\{/.test(type), file: inner && imports.get(inner) }];
    }));
    interfaces.set(file, known);
    return known;
}
function noUnknown(value, file, path) {
    if (!file || !existsSync(file) || typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) return value.forEach((one, i) => noUnknown(one, file, `${path}/${i}`));
    const known = interfaceIn(file);
    if (!known || !known.size) return;
    for (const [key, inner] of Object.entries(value)) {
        if (path === '' && (key === 'apiVersion' || key === 'kind')) continue;
        assert.ok(known.has(key), `${path}/${key} is nothing that Kubernetes knows; it knows ${[...known.keys()].join(', ')}`);
        const { map, file: next } = known.get(key);
        if (map && next) for (const [name, one] of Object.entries(inner)) noUnknown(one, next, `${path}/${key}/${name}`);
        else noUnknown(inner, next, `${path}/${key}`);
    }
}

/** What kustomize adds to the base: the labels, in selectors as well. */
function labelled(object, labels) {
    const copy = structuredClone(object);
    copy.metadata.labels = { ...copy.metadata.labels, ...labels };
    if (copy.kind === 'Service') copy.spec.selector = { ...copy.spec.selector, ...labels };
    else if (copy.kind === 'NetworkPolicy') copy.spec.podSelector = { matchLabels: labels };
    else if (copy.kind === 'Deployment' || copy.kind === 'PodDisruptionBudget') copy.spec.selector = { matchLabels: labels };
    if (copy.kind === 'Deployment') copy.spec.template.metadata = { labels };
    return copy;
}
const labels = kustomizations.base.labels[0].pairs;

for (const { file, object } of objects) {
    test(`${file}: ${object.kind} ${object.metadata.name}`, async () => {
        const model = modelOf(object);
        const { [object.kind]: Model } = need(model);
        const whole = file.startsWith('base/') ? labelled(object, labels) : object;
        new Model(whole).validate();
        noUnknown(whole, join(nodeDir, 'node_modules', `${model}.d.ts`), '');
    });
}

test('the check refuses a wrong type, a missing value and an unknown name', async () => {
    const { Deployment } = need('kubernetes-models/apps/v1/Deployment');
    const good = labelled(only('Deployment'), labels);
    const file = join(nodeDir, 'node_modules/kubernetes-models/apps/v1/Deployment.d.ts');
    const broken = (change) => {
        const copy = structuredClone(good);
        change(copy.spec.template.spec, copy);
        new Deployment(copy).validate();
        noUnknown(copy, file, '');
    };
    broken(() => {});
    assert.throws(() => broken((pod) => (pod.terminationGracePeriodSeconds = 'long')), /integer/);
    assert.throws(() => broken((pod) => delete pod.containers[0].name), /name/);
    assert.throws(() => broken((pod) => (pod.containers[0].readinesProbe = {})), /readinesProbe/);
    assert.throws(() => broken((pod) => (pod.containers[0].readinessProbe.httpget = {})), /httpget/);
});

test('every file is part of a kustomization, and every kustomization names files that are there', () => {
    for (const [name, { resources = [], components = [] }] of Object.entries(kustomizations)) {
        for (const path of [...resources, ...components]) assert.ok(existsSync(join(folder, name, path)), `${name}: ${path}`);
        const named = new Set(resources);
        for (const file of readdirSync(join(folder, name))) {
            if (file.endsWith('.yaml') && file !== 'kustomization.yaml') assert.ok(named.has(file), `${name}/${file} is in no kustomization`);
        }
    }
});

test('the parts fit each other', () => {
    const deployment = only('Deployment'), pod = deployment.spec.template.spec, [container] = pod.containers;
    const ports = container.ports.map(({ name }) => name);
    for (const { object } of objects.filter((one) => one.file === 'base/service.yaml')) for (const { targetPort } of object.spec.ports) assert.ok(ports.includes(targetPort));
    for (const { ports: allowed } of only('NetworkPolicy').spec.ingress) for (const { port } of allowed) assert.ok(ports.includes(port));
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) assert.ok(ports.includes(container[probe].httpGet.port));
    assert.deepEqual(container.envFrom.map((from) => from.configMapRef?.name ?? from.secretRef.name), [kustomizations.base.configMapGenerator[0].name, kustomizations.example.secretGenerator[0].name]);
    assert.equal(kustomizations.base.images[0].name, container.image);
    assert.equal(kustomizations.example.images[0].name, kustomizations.base.images[0].newName);
    assert.deepEqual(container.volumeMounts.map(({ name }) => name), pod.volumes.map(({ name }) => name));
    assert.deepEqual(pod.topologySpreadConstraints[0].labelSelector.matchLabels, labels);

    const monitor = only('ServiceMonitor', 'components/'), admin = objects.find((one) => one.object.metadata.name === 'fanfared-admin').object;
    assert.deepEqual(monitor.spec.selector.matchLabels, { ...labels, ...admin.metadata.labels });
    assert.equal(monitor.spec.endpoints[0].port, admin.spec.ports[0].name);
    const { scaleTargetRef } = only('HorizontalPodAutoscaler', 'components/').spec;
    assert.deepEqual([scaleTargetRef.kind, scaleTargetRef.name, scaleTargetRef.apiVersion], [deployment.kind, deployment.metadata.name, deployment.apiVersion]);
});

const settings = Object.fromEntries(readFileSync(join(folder, 'base/fanfared.env'), 'utf8').split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(/=(.*)/s)));

test('a pod has the time that its clients are closed over', async () => {
    const pod = only('Deployment').spec.template.spec;
    const sample = (await runDaemon(['--print-sample'])).stdout;
    const closeTimeout = Number(/^#?close_timeout = (\d+)$/m.exec(sample)[1]);
    const needed = Number(settings.FANFARE_SERVER_DRAIN_DELAY) + Number(settings.FANFARE_SERVER_DRAIN_PERIOD) + closeTimeout + 1;
    assert.ok(pod.terminationGracePeriodSeconds >= needed + 5, `${pod.terminationGracePeriodSeconds} s for ${needed} s`);
});

test('the daemon takes the environment of each pod, and has the paths and metrics that are asked for', { skip: (overTls || twoNodes) && 'has listeners of its own' }, async (t) => {
    const literals = (list) => Object.fromEntries(list.map((line) => line.split(/=(.*)/s)));
    const secret = literals(kustomizations.example.secretGenerator[0].literals);
    const overlay = literals(kustomizations.example.configMapGenerator[0].literals);
    const relay = only('Deployment', 'relay-sidecar.yaml').spec.template.spec.initContainers[0];
    const relaySecret = only('Secret', 'relay-sidecar.yaml').stringData;
    const sample = (await runDaemon(['--print-sample'])).stdout;
    for (const [name, env] of Object.entries({
        node: { ...settings, ...overlay, ...secret },
        relay: { ...relaySecret, ...Object.fromEntries(relay.env.map(({ name, value }) => [name, value])) },
    })) {
        const { code, stdout, stderr } = await runDaemon(['--check-config'], { env });
        assert.equal(code, 0, `${name}: ${stdout}${stderr}`);
        // The daemon ignores variables that it does not know, so that a misspelt one has to be found here.
        for (const variable of Object.keys(env)) {
            const [, section, key] = /^FANFARE_(SERVER|IPC|ADMIN|TLS|REDIS|CLUSTER|LIMITS|APP)_(\w+)$/.exec(variable) ?? [];
            assert.ok(section === 'APP' || new RegExp(`^#?${key?.toLowerCase()} =`, 'm').test(sample), `${name}: there is no ${variable}`);
        }
    }

    const daemon = await Daemon.start();
    t.after(() => daemon.stop());
    const paths = [...objects.flatMap(({ object }) => [...(object.spec?.template?.spec.containers ?? []), ...(object.spec?.template?.spec.initContainers ?? [])])].flatMap((container) => ['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) => container[probe]?.httpGet.path)).filter(Boolean);
    assert.ok(paths.length >= 6);
    for (const path of new Set([...paths, only('ServiceMonitor', 'components/').spec.endpoints[0].path])) {
        assert.equal((await daemon.http(path, { port: daemon.adminPort })).status, 200, path);
    }
    const { metric } = only('HorizontalPodAutoscaler', 'components/').spec.metrics[0].pods;
    assert.match((await daemon.metrics()).text, new RegExp(`^# TYPE ${metric.name} gauge$`, 'm'));
    assert.match((await daemon.metrics()).text, new RegExp(`^${metric.name} \\d`, 'm'));
});
