// What an operator does with nodes that are joined: relays, stops, reloads, health checks, and nginx in front of several.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { get, post } from '../lib/api.mjs';
import { APP, clusterSuite, Nodes } from '../lib/cluster.mjs';
import { Daemon, overTls } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { root } from '../lib/paths.mjs';
import { missingCommand, Proxy } from '../lib/proxy.mjs';
import { noRedis, Redis } from '../lib/redis.mjs';
import { unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

const relay = { server: { listen: 'none', workers: 'auto' }, tls: null };
/** The next message of this kind, past those that tell of others. */
const past = async (client, event) => {
    for (;;) {
        const message = await client.next(event);
        if (message.event === event) return message;
    }
};
const ready = async (daemon) => {
    const { status, text } = await daemon.http('/health/ready', { port: daemon.adminPort });
    return [status, JSON.parse(text).status];
};

clusterSuite('two nodes and a relay', { skip: noRedis, each: (i) => (i === 2 ? relay : {}) }, (ctx) => {
    test('what PHP publishes on the relay reaches the clients of both nodes, in order', async () => {
        const channel = unique();
        const clients = [await ctx.open(0), await ctx.open(1)];
        for (const client of clients) await client.subscribe(channel);
        await Promise.all(Array.from({ length: 200 }, (_, n) => ctx.ipcs[2].publish({ channel, event: 'n', data: `${n}` })));
        for (const client of clients) for (let n = 0; n < 200; n++) assert.equal((await client.expect('n', channel)).data, `${n}`);
    });
    test('it answers questions about the whole', async () => {
        const channel = unique('presence-');
        const client = await ctx.open(0);
        await client.subscribe(channel, { data: { user_id: 'ann' } });
        await until(async () => (await ctx.ipcs[2].members(channel)).some(({ id }) => id === 'ann'), 'the member to be known to the relay');
        assert.deepEqual(await ctx.ipcs[2].channel(channel, ['subscription_count', 'user_count']).then(({ occupied }) => occupied), true);
    });
    test('what it has acknowledged when it is told to end reaches the nodes, once', async () => {
        const another = await ctx.nodes.add(relay);
        const channel = unique();
        const client = await ctx.open(0);
        await client.subscribe(channel);
        const ipc = await Ipc.open(another.socket, APP);
        const acked = [];
        // Twenty are on their way at any time, until the relay takes no more.
        let n = 0;
        const publish = () => {
            const mine = n++;
            ipc.publish({ channel, event: 'n', data: `${mine}` }).then(() => {
                acked.push(mine);
                if (!ipc.closed) publish();
            }, () => {});
        };
        for (let i = 0; i < 20; i++) publish();
        await until(() => acked.length > 100, 'it to publish');
        another.process.kill('SIGTERM');
        assert.deepEqual(await another.process.exit(10_000), { code: 0, signal: null });
        another.stopped = true;
        await ipc.ended;
        await ctx.ipcs[1].publish({ channel, event: 'end' });
        const got = [];
        for (let next = await client.next('n'); next.event !== 'end'; next = await client.next('n')) got.push(Number(next.data));
        assert.deepEqual(got, [...Array(got.length).keys()], 'in order, once');
        assert.ok(acked.every((one) => one < got.length), `${acked.length} acknowledged, ${got.length} arrived`);
        await until(() => new RegExp(`node ${another.sections.cluster.node} has left`).test(ctx.nodes.at(0).stderr), 'its goodbye');
    });
});

clusterSuite('stopping', { nodes: 2, skip: noRedis, sections: { cluster: { node_timeout: 60 } } }, (ctx) => {
    test('members of a node that stops leave at once, and are not waited for', async () => {
        const channel = unique('presence-');
        const stays = await ctx.open(0);
        const goes = await ctx.nodes.add();
        await stays.subscribe(channel, { data: { user_id: 'ann' } });
        const client = await Client.open(goes, { app: APP });
        await client.subscribe(channel, { data: { user_id: 'bob' } });
        assert.equal(JSON.parse((await stays.expect('pusher_internal:member_added', channel)).data).user_id, 'bob');
        goes.process.kill('SIGTERM');
        assert.equal(JSON.parse((await stays.expect('pusher_internal:member_removed', channel)).data).user_id, 'bob');
        assert.deepEqual(await goes.process.exit(15_000), { code: 0, signal: null });
        goes.stopped = true;
        client.destroy();
        await ctx.nodes.known(ctx.nodes.all.slice(0, 2), 2);
    });
    test('a Redis that does not answer holds nobody up', async () => {
        const goes = await ctx.nodes.add();
        ctx.redis.pause();
        try {
            const began = performance.now();
            goes.process.kill('SIGTERM');
            assert.deepEqual(await goes.process.exit(10_000), { code: 0, signal: null });
            goes.stopped = true;
            // A second for the goodbye; the rest is for a busy machine.
            assert.ok(performance.now() - began < 5000, `${performance.now() - began} ms`);
        } finally {
            ctx.redis.resume();
        }
    });
});

clusterSuite('reload of joined nodes', { nodes: 2, skip: noRedis }, (ctx) => {
    /** A publish on one node reaches a client of the other. */
    const joined = async () => {
        const channel = unique();
        const client = await ctx.open(1);
        await client.subscribe(channel);
        await ctx.ipcs[0].publish({ channel, event: 'still' });
        await client.expect('still', channel);
    };
    test('a new password takes effect, and nothing is lost on the way', async () => {
        const channel = unique();
        const client = await ctx.open(1);
        await client.subscribe(channel);
        await ctx.redis.command('CONFIG', 'SET', 'requirepass', 'hunter2');
        ctx.redis.password = 'hunter2';
        await ctx.ipcs[0].publish({ channel, event: 'before' });
        for (const node of ctx.nodes.all) {
            const lines = await node.reload({ redis: { url: ctx.redis.url } });
            assert.match(lines, /reloaded: \[redis\] url\n/);
            assert.doesNotMatch(node.stderr, /hunter2/);
        }
        await ctx.ipcs[0].publish({ channel, event: 'after' });
        await client.expect('before', channel);
        await client.expect('after', channel);
    });
    test('what needs a restart is named, and is as it was', async () => {
        const [node] = ctx.nodes.all;
        const was = { ...node.sections.cluster }, redis = { ...node.sections.redis };
        const lines = await node.reload({ redis: { prefix: 'other' }, cluster: { lanes: 7, node: 'renamed', resend_window: 30 } });
        for (const key of ['[redis] prefix', '[cluster] node', '[cluster] lanes']) assert.ok(lines.includes(`warn config: ${key} changes only with a restart`), `${key}\n${lines}`);
        assert.match(lines, /reloaded: \[cluster\] resend_window\n/);
        await joined();
        node.sections.redis = redis;
        await node.reload({ redis: { prefix: 'fanfare' }, cluster: was });
    });
    test('taking Redis out of the file needs a restart, and is said', async () => {
        const [node] = ctx.nodes.all;
        const redis = node.sections.redis;
        const lines = await node.reload({ redis: null });
        assert.match(lines, /warn config: \[redis\] is taken away only with a restart; this node stays joined to the others\n/);
        assert.match(lines, /reloaded: nothing has changed\n/);
        await joined();
        assert.doesNotMatch(await node.reload({ redis }), /warn/);
        await joined();
    });
});

test('readiness: joining, without Redis, draining', { skip: noRedis }, async (t) => {
    const redis = await Redis.start();
    t.after(() => redis.stop());
    redis.pause();
    const sections = { redis: { url: redis.url } };
    const node = await Daemon.start({ sections });
    t.after(() => node.stop());
    assert.deepEqual(await ready(node), [503, 'joining']);
    // It does not wait for ever: it has clients to serve.
    await until(async () => (await ready(node))[0] === 200, 'it to stand in for itself');
    const strict = await Daemon.start({ sections: { redis: { ...sections.redis, require: 'yes' } } });
    t.after(() => strict.stop());
    assert.deepEqual(await ready(strict), [503, 'redis']);
    redis.resume();
    await until(async () => (await ready(strict))[0] === 200, 'Redis to be there');
    await redis.kill();
    await until(async () => (await ready(strict))[1] === 'redis', 'Redis to be missed');
    assert.deepEqual(await ready(node), [200, 'ready']);
    await strict.reload({ redis: { ...sections.redis, require: 'no' } });
    assert.deepEqual(await ready(strict), [200, 'ready']);
    const { text } = await strict.http('/stats', { port: strict.adminPort });
    assert.equal(typeof JSON.parse(text).cluster, 'object');
});

test('a Redis user with no more rights than docs/security.md gives', { skip: noRedis }, async (t) => {
    const redis = await Redis.start();
    t.after(() => redis.stop());
    const [, rights] = /ACL SETUSER fanfare on >PASSWORD (.*)\n/.exec(readFileSync(join(root, 'docs/security.md'), 'utf8'));
    await redis.command('ACL', 'SETUSER', 'fanfare', 'on', '>hunter2', ...rights.split(' '));
    const nodes = await Nodes.start(2, { redis: `redis://fanfare:hunter2@${redis.address}` });
    t.after(() => nodes.stop());
    await nodes.flush();
    // A log that is gone is looked at in other ways than one that is read on.
    await redis.command('DEL', 'fanfare:lane:0');
    await nodes.flush();
    await nodes.add();
    await nodes.flush();
    assert.deepEqual(await redis.command('ACL', 'LOG'), []);
    assert.ok((await redis.command('PTTL', 'fanfare:lane:0')) > 0);
    assert.doesNotMatch(nodes.log(), /hunter2/);
});

const nginx = missingCommand('nginx') || noRedis || (overTls ? 'nginx speaks plainly to the nodes' : false);
test('nginx as packaging/ has it: clients on both nodes, and on the one that is left', { skip: nginx }, async (t) => {
    const redis = await Redis.start();
    t.after(() => redis.stop());
    const nodes = await Nodes.start(2, { redis: redis.url });
    t.after(() => nodes.stop());
    const file = readFileSync(join(root, 'packaging/nginx/cluster.conf'), 'utf8');
    const proxy = await Proxy.start('nginx', (conf) => ['-c', conf], (dir, port) => {
        const ours = file.replace('10.0.0.11:8080', `127.0.0.1:${nodes.at(0).port}`).replace('10.0.0.12:8080', `127.0.0.1:${nodes.at(1).port}`).replace('listen 80;', `listen 127.0.0.1:${port};`);
        assert.ok(!/10\.0\.0/.test(ours) && !/listen 80;/.test(ours.replace(/#.*/g, '')));
        const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join(' ');
        return `pid ${dir}/nginx.pid;\nerror_log ${dir}/nginx.log;\ndaemon off;\nevents {}\nhttp { access_log off; ${temporary}\n${ours}\n}\n`;
    });
    t.after(() => proxy.stop());
    const front = { port: proxy.port };
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(front, { app: APP })));
    t.after(() => clients.forEach((client) => client.destroy()));
    const channel = unique('presence-');
    for (const [i, client] of clients.entries()) client.send(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: `u${i}` }) }));
    for (const client of clients) await past(client, 'pusher_internal:subscription_succeeded');
    for (const node of nodes.all) assert.ok((await node.metrics()).get('connections') >= 5, 'nothing sticks to one node');
    assert.equal((await post(front, '/events', { name: 'E', channels: [channel], data: '1' })).status, 200);
    for (const client of clients) await past(client, 'E');
    for (let i = 0; i < 4; i++) {
        const answer = await get(front, `/channels/${channel}`, { query: { info: 'user_count' } });
        assert.deepEqual(answer.json, { occupied: true, user_count: 20 });
    }
    await nodes.at(1).stop({ keep: true });
    const late = await Promise.all(Array.from({ length: 6 }, () => Client.open(front, { app: APP })));
    t.after(() => late.forEach((client) => client.destroy()));
    for (const client of late) await client.subscribe('c');
});
