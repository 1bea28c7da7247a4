// The console of a node among others: what it shows of them, and that looking changes nothing that they say to each other.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, clusterSuite } from '../lib/cluster.mjs';
import { noRedis } from '../lib/redis.mjs';
import { unique } from '../lib/suite.mjs';
import { clientFrame, handshake, Raw } from '../lib/ws.mjs';

const api = async (daemon, path) => JSON.parse((await daemon.http(`/api/${path}`, { port: daemon.adminPort })).text);

async function look(daemon) {
    const raw = await Raw.connect(daemon.adminPort, '127.0.0.1', false);
    raw.write(handshake('/console/live', { host: `127.0.0.1:${daemon.adminPort}` }));
    assert.equal((await raw.response()).status, 101);
    raw.write(clientFrame(JSON.stringify({ flow: true })));
    return raw;
}
async function second(viewer, match = () => true) {
    for (;;) {
        const message = JSON.parse((await viewer.frames.take('a second of the stream')).text);
        if (message.type === 'second' && match(message)) return message;
    }
}

clusterSuite('the console of one of two nodes', { skip: noRedis, nodes: 2 }, (ctx) => {
    test('names both, shows what the other publishes, and asks no node for what nobody else wants', async () => {
        const [here, there] = [ctx.nodes.at(0), ctx.nodes.at(1)];
        const channel = unique();
        const viewer = await look(here);
        const start = await second(viewer);
        assert.equal(start.status.nodes, 2);
        assert.equal(start.status.node, 'n1');
        const { cluster } = await api(here, 'nodes');
        assert.deepEqual(cluster.nodes.map((one) => [one.node, one.self, typeof one.age_ms]), [['n1', true, 'undefined'], ['n2', false, 'number']]);

        const clients = [await ctx.open(0), await ctx.open(1)];
        for (const client of clients) await client.subscribe(channel);
        await second(viewer, (one) => one.activity.items.some((item) => item.what === 'occupied' && item.channel === channel));
        // Nodes tell each other how many are on a channel only where an application needs it. A console is no reason:
        // what is said here about the whole stays marked as a part.
        for (const node of [here, there]) {
            const { partial, channel: known } = await api(node, `channel?app=${APP.id}&name=${channel}`);
            assert.deepEqual([partial, known.subscriptions], [true, 1]);
        }
        await ctx.ipcs[1].publish({ channel, event: 'of-the-other', data: '{}' });
        const told = await second(viewer, (one) => one.messages.items.some((item) => item.event === 'of-the-other'));
        assert.equal(told.messages.items.find((item) => item.event === 'of-the-other').here, 1);
        await clients[0].close();
        await second(viewer, (one) => one.activity.items.some((item) => item.what === 'vacated' && item.channel === channel));
        await viewer.destroy();
    });
});
