// Pods of packaging/kubernetes as a kubelet would run them: the containers' environment from ConfigMap, Secret and manifest, their
// user, their folder for sockets, probes over the network, preStop and SIGTERM. Only addresses and times are others, since they
// share this machine, and the image is the daemon as it was built.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { chownSync, chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Process, freePort } from '../lib/daemon.mjs';
import { need } from '../lib/deps.mjs';
import { extension } from '../lib/laravel.mjs';
import { daemonPath, root } from '../lib/paths.mjs';
import { missingCommand } from '../lib/proxy.mjs';
import { Redis, noRedis } from '../lib/redis.mjs';
import { deadline, until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const yaml = need('yaml');
const folder = join(root, 'packaging/kubernetes');
const read = (file) => readFileSync(join(folder, file), 'utf8');
const literals = (lines) => Object.fromEntries(lines.filter((line) => line && !line.startsWith('#')).map((line) => line.split(/=(.*)/s)));
const document = (file, kind) => yaml.parseAllDocuments(read(file)).map((one) => one.toJS()).find((one) => one.kind === kind);

const example = yaml.parse(read('example/kustomization.yaml'));
const deployment = document('base/deployment.yaml', 'Deployment').spec.template.spec;
const sidecar = document('relay-sidecar.yaml', 'Deployment').spec.template.spec;
const node = { pod: deployment, container: deployment.containers[0], refs: {
    fanfared: { ...literals(read('base/fanfared.env').split('\n')), ...literals(example.configMapGenerator[0].literals) },
    fanfare: literals(example.secretGenerator[0].literals),
} };
const relay = { pod: sidecar, container: sidecar.initContainers[0], refs: { fanfare: document('relay-sidecar.yaml', 'Secret').stringData } };
const php = { pod: sidecar, container: sidecar.containers[0], refs: relay.refs };

/** What a kubelet gives a container: the maps and secrets in their order, then what the manifest itself says. */
function environment({ container, refs }, name) {
    const env = {};
    for (const from of container.envFrom) {
        const values = refs[from.configMapRef?.name ?? from.secretRef.name];
        assert.ok(values, `nothing makes ${JSON.stringify(from)}`);
        Object.assign(env, values);
    }
    for (const { name: variable, value, valueFrom } of container.env) env[variable] = value ?? (valueFrom.fieldRef.fieldPath === 'metadata.name' ? name : assert.fail(variable));
    return env;
}

/** One container of the daemon, in a folder that stands for its volume. `other`: what differs from the manifest, as it shares a machine. */
class Pod {
    static async start(spec, name, redis, other = {}) {
        const pod = Object.assign(new Pod(), { spec, name, probes: spec.container });
        // Not below the folder of this run, which is for its user alone.
        pod.dir = mkdtempSync('/tmp/ffk-');
        const { runAsUser, runAsGroup, fsGroup } = spec.pod.securityContext;
        // An emptyDir with fsGroup: root's, writable for the group, which new files get.
        chownSync(pod.dir, 0, fsGroup);
        chmodSync(pod.dir, 0o2770);
        pod.binary = join(pod.dir, 'fanfared');
        copyFileSync(daemonPath, pod.binary);
        chmodSync(pod.binary, 0o755);
        pod.ports = { ws: await freePort(), admin: await freePort() };
        pod.ports.metrics = pod.ports.admin;
        const shipped = environment(spec, name);
        const moved = { FANFARE_SOCKET: join(pod.dir, 'fanfare.sock'), FANFARE_REDIS_URL: redis };
        for (const [variable, port] of [['FANFARE_SERVER_LISTEN', pod.ports.ws], ['FANFARE_ADMIN_LISTEN', pod.ports.admin]]) {
            // 0.0.0.0 stays: that is what a token is asked for.
            if (shipped[variable] !== 'none') moved[variable] = shipped[variable].replace(/:\d+$/, `:${port}`);
        }
        pod.env = { PATH: `${pod.dir}:/usr/bin:/bin`, ...shipped, ...moved, ...other };
        pod.as = [`--reuid=${runAsUser}`, `--regid=${runAsGroup}`, `--groups=${fsGroup}`, '--no-new-privs', '--bounding-set=-all'];
        pod.process = pod.exec([pod.binary]);
        await until(async () => pod.process.status || (await pod.probe('startupProbe')) === 200, () => `${name} to start\n${pod.process.stderr}`);
        if (pod.process.status) {
            pod.remove();
            throw new Error(`${name} ended at once\n${pod.process.stderr}`);
        }
        return pod;
    }

    /** kubectl exec, and exec of a probe or hook. */
    exec(command, env = this.env) {
        return new Process('setpriv', [...this.as, ...command], { env, cwd: this.dir });
    }

    /** What a kubelet's HTTP probe gets. */
    async probe(kind) {
        const { path, port } = this.probes[kind].httpGet;
        return this.get(path, this.ports[port]);
    }
    async get(path, port = this.ports.admin) {
        try {
            return (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).status;
        } catch {
            return 0;
        }
    }

    /** How a pod ends: preStop, SIGTERM when that has returned, SIGKILL when its time is over. Returns its status and how long it took. */
    async end() {
        const since = Date.now(), { lifecycle } = this.spec.container;
        if (lifecycle) {
            const hook = this.exec(lifecycle.preStop.exec.command);
            const { code } = await hook.exit();
            assert.equal(code, 0, `preStop: ${hook.stdout}${hook.stderr}`);
            assert.equal(await this.probe('readinessProbe'), 503, 'not ready from preStop on');
            assert.equal(await this.probe('livenessProbe'), 200, 'and live');
        }
        this.process.kill('SIGTERM');
        const status = await deadline(this.process.exited, () => `${this.name} to end\n${this.process.stderr}`, 1000 * this.spec.pod.terminationGracePeriodSeconds);
        return { ...status, seconds: (Date.now() - since) / 1000 };
    }
    remove() {
        this.process?.kill('SIGKILL');
        rmSync(this.dir, { recursive: true, force: true });
    }
}

const skip = noRedis || missingCommand('setpriv') || (process.getuid() !== 0 && 'needs root, to run as the user of the manifest');

describe('pods as packaging/kubernetes describes them', { skip }, () => {
    let redis;
    const pods = [], clients = [];
    const start = async (...args) => {
        const pod = await Pod.start(...args);
        pods.push(pod);
        return pod;
    };
    before(async () => {
        redis = await Redis.start();
    });
    after(async () => {
        for (const client of clients) client.destroy();
        for (const pod of pods) pod.remove();
        await redis?.stop();
    });

    test('nodes and a relay start, PHP publishes in the pod of the relay, and a node drains in its time', async () => {
        // Shorter, so that nobody has to wait for it.
        const quick = { FANFARE_SERVER_DRAIN_DELAY: '1', FANFARE_SERVER_DRAIN_PERIOD: '1' };
        const [first, second, beside] = await Promise.all([start(node, 'fanfared-a', redis.url, quick), start(node, 'fanfared-b', redis.url, quick), start(relay, 'web-a', redis.url)]);
        for (const pod of pods) for (const kind of ['readinessProbe', 'livenessProbe']) assert.equal(await pod.probe(kind), 200, `${pod.name}: ${kind}`);

        // What is reached over the network, and what is not.
        assert.equal(await first.get('/metrics'), 200);
        assert.equal(await first.get('/api/status'), 403);
        assert.equal(await first.get('/console/', first.ports.ws), 404);
        assert.equal(await first.get('/metrics', first.ports.ws), 404);
        const status = first.exec(['fanfared', 'ctl', 'nodes', '--json']);
        assert.equal((await status.exit()).code, 0, status.stderr);
        assert.match(status.stdout, /fanfared-b/);

        const app = { key: node.refs.fanfare.FANFARE_APP_KEY };
        for (const pod of [first, second]) {
            const client = await Client.open({ port: pod.ports.ws }, { app });
            clients.push(client);
            await client.subscribe('orders');
        }

        // The container of PHP: its environment and user, and of the relay's folder the socket alone.
        const env = { ...environment(php, 'web-a'), PATH: process.env.PATH };
        assert.equal(env.FANFARE_SOCKET, '/run/fanfare/fanfare.sock');
        assert.ok(php.container.volumeMounts.concat(relay.container.volumeMounts).every(({ name, mountPath }) => name === 'fanfare' && mountPath === '/run/fanfare'));
        mkdirSync(join(beside.dir, 'php'));
        copyFileSync(extension(), join(beside.dir, 'php/fanfare.so'));
        writeFileSync(join(beside.dir, 'publish.php'), "<?php echo (new Fanfare\\Client(getenv('FANFARE_APP_ID'), getenv('FANFARE_APP_SECRET'), getenv('FANFARE_SOCKET')))->publish('orders', 'shipped', ['id' => 7])::class;");
        const publisher = beside.exec([process.env.PHP || 'php8.2', '-n', '-d', `extension=${beside.dir}/php/fanfare.so`, join(beside.dir, 'publish.php')], { ...env, FANFARE_SOCKET: beside.env.FANFARE_SOCKET });
        assert.equal((await publisher.exit()).code, 0, publisher.stdout + publisher.stderr);
        for (const client of clients) assert.match((await client.expect('shipped')).data, /"id":7/);

        const closed = clients[0].closedWith(4200);
        const ended = await first.end();
        assert.equal(ended.code, 0, first.process.stderr);
        await closed;
        assert.ok(ended.seconds >= 1, `drain_delay has passed: ${ended.seconds} s`);
        assert.doesNotMatch(first.process.stderr, /exiting now/);
        assert.equal((await beside.end()).code, 0);
        assert.equal((await second.end()).code, 0);
        await clients[1].closedWith(4200);
    });

    test('without a word about the token a pod does not start, and says what to set', async () => {
        const { FANFARE_ADMIN_TOKEN, ...bare } = node.refs.fanfared;
        assert.equal(FANFARE_ADMIN_TOKEN, 'none');
        await assert.rejects(start({ ...node, refs: { ...node.refs, fanfared: bare } }, 'fanfared-c', redis.url), /ended at once[^]*FANFARE_ADMIN_TOKEN/);
    });
});
