// fanfared ctl at nodes that share a Redis: who is there, what each knows, and orders that reach another node's clients.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, clusterSuite } from '../lib/cluster.mjs';
import { ctl, done, json } from '../lib/ctl.mjs';
import { noRedis } from '../lib/redis.mjs';
import { hmac } from '../lib/sign.mjs';
import { unique } from '../lib/suite.mjs';

for (const n of [2, 3]) {
    clusterSuite(`ctl with ${n} nodes`, { skip: noRedis, nodes: n }, (ctx) => {
        const app = ['--app', APP.id];

        test('nodes: each names all, and itself once; status and top say which it is', async () => {
            for (let i = 0; i < n; i++) {
                const daemon = ctx.nodes.at(i);
                const { cluster } = await json(daemon, 'nodes');
                assert.deepEqual(cluster.nodes.map(({ node }) => node).sort(), Array.from({ length: n }, (_, k) => `n${k + 1}`));
                const text = await done(daemon, 'nodes');
                assert.match(text, new RegExp(`^n${i + 1} .* this one `, 'm'));
                assert.equal(text.match(/this one/g).length, 1);
                assert.equal(text.match(/ known /g).length, n - 1);
                assert.match(text, /^redis +up$/m);
                const status = await json(daemon, 'status');
                assert.deepEqual([status.node, status.nodes, status.state], [`n${i + 1}`, n, 'ready']);
                assert.match(await done(daemon, 'top', '--once', '--interval', '0.1'), new RegExp(`^fanfared .* node n${i + 1}$`, 'm'));
            }
        });

        test('publish, kick and terminate at one node reach the clients of another', async () => {
            const channel = unique('c'), last = ctx.nodes.at(n - 1), first = ctx.nodes.at(0);
            const client = await ctx.open(n - 1), user = await ctx.open(n - 1), name = unique('ann');
            const user_data = JSON.stringify({ id: name });
            user.send({ event: 'pusher:signin', data: { auth: `${APP.key}:${hmac(APP.secret, `${user.socketId}::user::${user_data}`)}`, user_data } });
            await user.expect('pusher:signin_success');
            for (const one of [client, user]) await one.subscribe(channel);
            // Where they are, they are listed; elsewhere ctl says that it shows a part.
            assert.deepEqual((await json(last, 'channels', ...app)).filter((one) => one.name === channel).map((one) => one.subscriptions), [2]);
            assert.deepEqual((await json(last, 'users', ...app)).map(({ id }) => id), [name]);
            assert.ok((await json(last, 'connections', ...app)).some(({ id }) => id === client.socketId));
            const elsewhere = await ctl(first, 'connections', ...app);
            assert.doesNotMatch(elsewhere.stdout, new RegExp(client.socketId.replace('.', '\\.')));
            assert.match(elsewhere.stderr, /what this node knows; other nodes have their own/);
            await done(first, 'publish', channel, 'told', 'x', ...app);
            for (const one of [client, user]) assert.equal((await one.expect('told', channel)).data, 'x');
            assert.equal(await done(first, 'kick', client.socketId, ...app), '1 connection ended\n');
            await client.error(4009);
            await client.closedWith(4009);
            assert.equal(await done(first, 'terminate', name, ...app), '1 connection ended\n');
            await user.error(4009);
            await user.closedWith(4009);
        });
    });
}
