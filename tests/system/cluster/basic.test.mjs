// Three nodes on one Redis are one server: whatever door and node something comes in by, all clients see it once.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, clusterSuite, signIn } from '../lib/cluster.mjs';
import { get, post } from '../lib/api.mjs';
import { noRedis } from '../lib/redis.mjs';
import { unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const COUNTS = { id: 'counts', key: 'counts', secret: 'secret-of-counts' };
const WATCH = { id: 'watch', key: 'watch', secret: 'secret-of-watch' };
const sections = {
    'app "app1"': { max_presence_members: 5 },
    'app "counts"': { key: COUNTS.key, secret: COUNTS.secret, subscription_count: 'yes' },
    'app "watch"': { key: WATCH.key, secret: WATCH.secret, watchlist: 'yes' },
};

clusterSuite('three nodes', { workers: [1, 2, 1], sections, skip: noRedis }, (ctx) => {
    /** Whatever was on its way has arrived: nothing has, at these clients. */
    const quiet = async (...clients) => {
        await ctx.nodes.flush();
        for (const client of clients) {
            const got = [...(await client.sync()), ...(await client.sync())];
            assert.deepEqual(got.map(({ text }) => text), [], 'nothing should have arrived');
        }
    };
    const subscribers = async (channel, ...at) => {
        const clients = await Promise.all(at.map((i) => ctx.open(i)));
        for (const client of clients) await client.subscribe(channel);
        return clients;
    };

    test('a publish by IPC reaches the subscribers of every node, once and the same bytes', async () => {
        const channel = unique();
        const clients = await subscribers(channel, 0, 1, 2);
        await ctx.ipcs[0].publish({ channel, event: 'Shipped', data: '{"id":7,"ü":"\\u0000"}' });
        const texts = [];
        for (const client of clients) texts.push((await client.expect('Shipped', channel)).text);
        assert.equal(new Set(texts).size, 1, texts.join('\n'));
        await quiet(...clients);
    });

    test('a publish by HTTP, to several channels and in batches, reaches other nodes', async () => {
        const [a, b] = [unique(), unique()];
        const [at1] = await subscribers(a, 1);
        const [at2] = await subscribers(b, 2);
        assert.equal((await post(ctx.nodes.at(0), '/events', { name: 'one', channels: [a, b], data: '{"n":1}' })).status, 200);
        assert.equal((await post(ctx.nodes.at(0), '/batch_events', { batch: [{ name: 'two', channel: a, data: '2' }, { name: 'three', channel: a, data: '3' }, { name: 'four', channel: b, data: '4' }] })).status, 200);
        for (const event of ['one', 'two', 'three']) await at1.expect(event, a);
        for (const event of ['one', 'four']) await at2.expect(event, b);
        await quiet(at1, at2);
    });

    test('what one publisher sends comes in its order, from every node at once', async () => {
        const channel = unique();
        const clients = await subscribers(channel, 0, 1, 2);
        const count = 300;
        await Promise.all(ctx.ipcs.map(async (ipc, from) => {
            const sent = [];
            for (let n = 0; n < count; n++) sent.push(ipc.publish({ channel, event: 'n', data: JSON.stringify({ from, n }) }));
            await Promise.all(sent);
        }));
        await Promise.all(clients.map(async (client) => {
            const next = [0, 0, 0];
            for (let i = 0; i < 3 * count; i++) {
                const { from, n } = JSON.parse((await client.expect('n', channel)).data);
                assert.equal(n, next[from]++, `of publisher ${from}`);
            }
        }));
    });

    test('large messages pass', async () => {
        const channel = unique();
        const [client] = await subscribers(channel, 2);
        const data = JSON.stringify('x'.repeat(90_000));
        for (let i = 0; i < 20; i++) await ctx.ipcs[0].publish({ channel, event: 'large', data });
        for (let i = 0; i < 20; i++) assert.equal((await client.expect('large', channel)).data.length, data.length);
    });

    test('toOthers leaves out a socket of another node', async () => {
        const channel = unique();
        const [one, two, three] = await subscribers(channel, 0, 1, 1);
        await ctx.ipcs[0].publish({ channel, event: 'a', except: two.socketId });
        await one.expect('a', channel);
        await three.expect('a', channel);
        assert.equal((await post(ctx.nodes.at(2), '/events', { name: 'b', channel, data: '{}', socket_id: one.socketId })).status, 200);
        await two.expect('b', channel);
        await three.expect('b', channel);
        await quiet(one, two, three);
    });

    test('a client event reaches others once, and its sender not', async () => {
        const channel = unique('private');
        const [one, two, three, four] = await subscribers(channel, 0, 0, 1, 2);
        one.send({ event: 'client-typing', channel, data: { x: 1 } });
        for (const client of [two, three, four]) {
            const message = await client.expect('client-typing', channel);
            assert.equal(message.data, '{"x":1}');
        }
        await quiet(one, two, three, four);
    });

    test('a client event on a presence channel says who sent it', async () => {
        const channel = unique('presence');
        const [one, two] = [await ctx.open(0), await ctx.open(1)];
        await one.subscribe(channel, { data: { user_id: 'ann' } });
        await ctx.nodes.flush();
        await two.subscribe(channel, { data: { user_id: 'bob' } });
        await one.expect('pusher_internal:member_added', channel);
        one.send({ event: 'client-typing', channel, data: 'x' });
        assert.equal((await two.expect('client-typing', channel)).user_id, 'ann');
    });

    test('send to user reaches all connections of a user on all nodes, and nobody else', async () => {
        const user = unique('user');
        const [one, two, other] = [await ctx.open(0), await ctx.open(1), await ctx.open(1)];
        await signIn(one, user);
        await signIn(two, user);
        await signIn(other, `${user}-other`);
        await ctx.ipcs[2].publish({ channel: `#server-to-user-${user}`, event: 'hello', data: '1' });
        for (const client of [one, two]) await client.expect('hello', `#server-to-user-${user}`);
        await quiet(one, two, other);
    });

    test('terminate ends the connections of a user everywhere, and counts them', async () => {
        const user = unique('user');
        const clients = [await ctx.open(0), await ctx.open(1), await ctx.open(1), await ctx.open(2)];
        for (const client of clients) await signIn(client, user);
        const stays = await ctx.open(1);
        await signIn(stays, `${user}-stays`);
        await ctx.nodes.flush();
        assert.equal(await ctx.ipcs[0].terminate(user), 4);
        for (const client of clients) {
            await client.error(4009);
            await client.closedWith(4009);
        }
        assert.equal(await ctx.ipcs[0].terminate(user), 0);
        await quiet(stays);
    });

    test('terminate by HTTP, of who is on a presence channel', async () => {
        const [channel, user] = [unique('presence'), unique('user')];
        const [one, two] = [await ctx.open(1), await ctx.open(2)];
        await one.subscribe(channel, { data: { user_id: user } });
        await two.subscribe(channel, { data: { user_id: user } });
        assert.equal((await post(ctx.nodes.at(0), `/users/${user}/terminate_connections`, '')).status, 200);
        for (const client of [one, two]) {
            await client.error(4009);
            await client.closedWith(4009);
        }
    });

    test('disconnect ends one connection of another node', async () => {
        const [one, two] = [await ctx.open(1), await ctx.open(1)];
        assert.equal(await ctx.ipcs[0].disconnect(one.socketId), 1);
        const frame = await one.frame('the end');
        assert.ok('close' in frame || /4009/.test(frame.text), JSON.stringify(frame));
        assert.equal(await ctx.ipcs[0].disconnect(one.socketId), 0);
        assert.equal(await ctx.ipcs[0].disconnect('123456.789'), 0);
        await quiet(two);
    });

    test('a cache channel has its last event on every node', async () => {
        const channel = unique('cache');
        const first = await ctx.open(0);
        await first.subscribe(channel);
        await first.expect('pusher:cache_miss', channel);
        await ctx.ipcs[0].publish({ channel, event: 'old', data: '1' });
        await ctx.ipcs[1].publish({ channel, event: 'new', data: '2' });
        await first.expect('old', channel);
        await first.expect('new', channel);
        await ctx.nodes.flush();
        for (const i of [0, 1, 2]) {
            const client = await ctx.open(i);
            await client.subscribe(channel);
            assert.equal((await client.expect('new', channel)).data, '2', `at node ${i}`);
        }
    });

    test('presence: here is whole on every node, joins and leaves are told once per user', async () => {
        const channel = unique('presence');
        const join = async (i, id, info) => {
            const client = await ctx.open(i);
            const done = await client.subscribe(channel, { data: { user_id: id, user_info: info } });
            client.here = JSON.parse(done.data).presence;
            return client;
        };
        const ann = await join(0, 'ann', { name: 'Ann' });
        await ctx.nodes.flush();
        const bob = await join(1, 'bob', { name: 'Bob' });
        assert.deepEqual(bob.here, { count: 2, ids: ['ann', 'bob'], hash: { ann: { name: 'Ann' }, bob: { name: 'Bob' } } });
        assert.deepEqual(JSON.parse((await ann.expect('pusher_internal:member_added', channel)).data), { user_id: 'bob', user_info: { name: 'Bob' } });
        // The user's other tabs, on his node and on others, are told of by nobody.
        const tab1 = await join(2, 'ann', { name: 'Ann again' });
        assert.equal(tab1.here.count, 2);
        assert.deepEqual(tab1.here.hash.ann, { name: 'Ann' }, 'the info of the first entry stays');
        const tab2 = await join(1, 'bob', { name: 'Bob' });
        assert.equal(tab2.here.count, 2);
        await quiet(ann, bob, tab1, tab2);
        await bob.close();
        await ann.close();
        await quiet(tab1, tab2);
        tab2.unsubscribe(channel);
        assert.deepEqual(JSON.parse((await tab1.expect('pusher_internal:member_removed', channel)).data), { user_id: 'bob' });
        const carl = await join(0, 'carl', null);
        assert.deepEqual(carl.here.ids.sort(), ['ann', 'carl']);
        await tab1.expect('pusher_internal:member_added', channel);
        tab1.destroy();
        assert.deepEqual(JSON.parse((await carl.expect('pusher_internal:member_removed', channel)).data), { user_id: 'ann' });
        await quiet(carl);
    });

    test('presence: the same user at all nodes in the same moment is one member', async () => {
        const channel = unique('presence');
        const watchers = [];
        for (const i of [0, 1, 2]) {
            const client = await ctx.open(i);
            await client.subscribe(channel, { data: { user_id: `watcher-${i}` } });
            watchers.push(client);
        }
        await ctx.nodes.flush();
        await Promise.all(watchers.map((client) => client.sync()));
        for (let round = 0; round < 5; round++) {
            const user = `user-${round}`;
            const tabs = await Promise.all([0, 1, 2, 0, 1, 2].map((i) => ctx.open(i)));
            await Promise.all(tabs.map((tab) => tab.subscribe(channel, { data: { user_id: user } })));
            await ctx.nodes.flush();
            for (const client of watchers) assert.deepEqual(JSON.parse((await client.expect('pusher_internal:member_added', channel)).data).user_id, user);
            await quiet(...watchers);
            await Promise.all(tabs.map((tab) => tab.close()));
            await ctx.nodes.flush();
            for (const client of watchers) assert.deepEqual(JSON.parse((await client.expect('pusher_internal:member_removed', channel)).data), { user_id: user });
            await quiet(...watchers);
        }
    });

    test('presence: a full channel is full on every node', async () => {
        const channel = unique('presence');
        const members = [];
        for (let n = 0; n < 5; n++) {
            const client = await ctx.open(n % 3);
            await client.subscribe(channel, { data: { user_id: `u${n}` } });
            members.push(client);
            await ctx.nodes.flush();
        }
        for (const i of [0, 1, 2]) {
            const client = await ctx.open(i);
            client.send(client.subscribeMessage(channel, { data: JSON.stringify({ user_id: 'sixth' }) }));
            assert.equal(JSON.parse((await client.expect('pusher:subscription_error', channel)).data).type, 'LimitReached');
        }
        // Somebody who is on it already may come again, wherever.
        const again = await ctx.open(2);
        await again.subscribe(channel, { data: { user_id: 'u0' } });
    });

    test('subscription_count tells the number of all nodes', async () => {
        const channel = unique();
        const one = await ctx.open(0, { app: COUNTS });
        await one.subscribe(channel);
        const told = async (client, n) => {
            for (;;) {
                const message = await client.expect('pusher_internal:subscription_count', channel);
                const seen = JSON.parse(message.data).subscription_count;
                if (seen === n) return;
            }
        };
        await told(one, 1);
        const two = await ctx.open(1, { app: COUNTS });
        await two.subscribe(channel);
        await told(one, 2);
        await told(two, 2);
        const three = await ctx.open(2, { app: COUNTS });
        await three.subscribe(channel);
        for (const client of [one, two, three]) await told(client, 3);
        two.destroy();
        for (const client of [one, three]) await told(client, 2);
    });

    test('watchlists: a user is online while he is on any node', async () => {
        const user = unique('watched');
        const watcher = await ctx.open(0, { app: WATCH });
        await signIn(watcher, unique('watcher'), { watchlist: [user] });
        const told = async (name) => assert.deepEqual(JSON.parse((await watcher.expect('pusher_internal:watchlist_events')).data).events, [{ name, user_ids: [user] }]);
        await told('offline');
        const one = await ctx.open(1, { app: WATCH });
        await signIn(one, user);
        await told('online');
        const two = await ctx.open(2, { app: WATCH });
        await signIn(two, user);
        await quiet(watcher);
        await one.close();
        await quiet(watcher);
        // Who asks later, elsewhere, hears that he is there.
        const later = await ctx.open(1, { app: WATCH });
        await signIn(later, unique('watcher'), { watchlist: [user] });
        assert.deepEqual(JSON.parse((await later.expect('pusher_internal:watchlist_events')).data).events, [{ name: 'online', user_ids: [user] }]);
        two.destroy();
        await told('offline');
    });

    test('questions have one answer, whichever node and door', async () => {
        const prefix = unique('q');
        const [plain, presence] = [`${prefix}-a`, `presence-${prefix}`];
        await subscribers(plain, 0, 1, 1, 2);
        for (const [i, id] of [[0, 'ann'], [1, 'ann'], [1, 'bob'], [2, 'carl']]) {
            const client = await ctx.open(i);
            await client.subscribe(presence, { data: { user_id: id, user_info: { from: i } } });
        }
        const [only] = await subscribers(`${prefix}-only`, 2);
        await ctx.nodes.flush();
        for (const i of [0, 1, 2]) {
            const daemon = ctx.nodes.at(i);
            const where = `at node ${i}`;
            const answer = async (path, query) => {
                const { status, json, body } = await get(daemon, path, { query });
                assert.equal(status, 200, body);
                return json;
            };
            assert.deepEqual(await answer(`/channels/${plain}`, { info: 'subscription_count' }), { occupied: true, subscription_count: 4 }, where);
            assert.deepEqual(await answer(`/channels/${presence}`, { info: 'user_count' }), { occupied: true, user_count: 3 }, where);
            assert.deepEqual((await answer(`/channels/${presence}/users`)).users.map(({ id }) => id).sort(), ['ann', 'bob', 'carl'], where);
            assert.deepEqual(Object.keys((await answer('/channels', { filter_by_prefix: prefix })).channels).sort(), [plain, `${prefix}-only`].sort(), where);
            assert.deepEqual((await answer('/channels', { filter_by_prefix: `presence-${prefix}`, info: 'user_count' })).channels, { [presence]: { user_count: 3 } }, where);
            assert.deepEqual(await answer(`/channels/${prefix}-nobody`), { occupied: false }, where);
            const { connections } = await answer('/connections');
            assert.equal(connections, await ctx.ipcs[i].connections(), where);
            const seen = await ctx.ipcs[i].channel(plain, ['subscription_count']);
            assert.deepEqual([seen.occupied, seen.subscriptions], [true, 4], where);
            assert.equal((await ctx.ipcs[i].channel(presence, ['user_count'])).users, 3, where);
            assert.deepEqual((await ctx.ipcs[i].channels(prefix, ['subscription_count'])).map(({ name, subscriptions }) => [name, subscriptions]).sort(), [[plain, 4], [`${prefix}-only`, 1]].sort(), where);
            assert.deepEqual((await ctx.ipcs[i].members(presence)).map(({ id }) => id).sort(), ['ann', 'bob', 'carl'], where);
        }
        const all = await Promise.all(ctx.ipcs.map((ipc) => ipc.connections()));
        assert.equal(new Set(all).size, 1, `connections: ${all}`);
        const info = await post(ctx.nodes.at(0), '/events', { name: 'e', channel: plain, data: '{}', info: 'subscription_count' });
        assert.deepEqual(info.json, { channels: { [plain]: { subscription_count: 4 } } });
        await only.close();
        await until(async () => !(await get(ctx.nodes.at(0), `/channels/${prefix}-only`)).json.occupied, 'the channel to be vacated for all');
    });

    test('a receipt counts the subscribers of its own node', async () => {
        const channel = unique();
        await subscribers(channel, 0, 0, 1);
        assert.equal((await ctx.ipcs[0].publish({ channel })).recipients, 2);
        assert.equal((await ctx.ipcs[1].publish({ channel })).recipients, 1);
        assert.equal((await ctx.ipcs[2].publish({ channel })).recipients, 0);
    });

    test('applications stay apart', async () => {
        const channel = unique();
        const other = await ctx.open(1, { app: COUNTS });
        await other.subscribe(channel);
        await other.sync([]);
        await ctx.ipcs[0].publish({ channel, event: 'of app1' });
        await ctx.nodes.flush();
        const got = await other.sync();
        assert.ok(!got.some(({ event }) => event === 'of app1'));
    });

    test('nothing was lost, or written to be thrown away', async () => {
        assert.equal(await ctx.nodes.sum('bus_lost_total'), 0);
        assert.equal(await ctx.nodes.sum('bus_lost_control_total'), 0);
        assert.equal(await ctx.nodes.sum('bus_resent_total'), 0);
        assert.equal(await ctx.nodes.sum('bus_unreadable_total'), 0);
        assert.equal(APP.id, 'app1');
    });

    // Last: it stays.
    test('a newcomer knows what was before it', async () => {
        const [cache, presence, user] = [unique('cache'), unique('presence'), unique('user')];
        await ctx.ipcs[0].publish({ channel: cache, event: 'kept', data: '"x"' });
        const ann = await ctx.open(0);
        await ann.subscribe(presence, { data: { user_id: 'ann', user_info: { name: 'Ann' } } });
        const counted = await ctx.open(0, { app: COUNTS });
        await counted.subscribe(presence.replace('presence-', ''));
        const signed = await ctx.open(1, { app: WATCH });
        await signIn(signed, user);
        await ctx.nodes.add();
        const fresh = await ctx.open(3);
        await fresh.subscribe(cache);
        assert.equal((await fresh.expect('kept', cache)).data, '"x"');
        const bob = await ctx.open(3);
        const done = await bob.subscribe(presence, { data: { user_id: 'bob', user_info: { name: 'Bob' } } });
        assert.deepEqual(JSON.parse(done.data).presence.hash, { ann: { name: 'Ann' }, bob: { name: 'Bob' } });
        await ann.expect('pusher_internal:member_added', presence);
        const watcher = await ctx.open(3, { app: WATCH });
        await signIn(watcher, unique('watcher'), { watchlist: [user] });
        assert.deepEqual(JSON.parse((await watcher.expect('pusher_internal:watchlist_events')).data).events, [{ name: 'online', user_ids: [user] }]);
        const count = await ctx.open(3, { app: COUNTS });
        await count.subscribe(presence.replace('presence-', ''));
        for (let n = 0; n !== 2;) n = JSON.parse((await count.expect('pusher_internal:subscription_count')).data).subscription_count;
    });

    test('so does each of those who come after it, whatever their ids', async () => {
        const cache = unique('cache');
        await ctx.ipcs[0].publish({ channel: cache, event: 'kept', data: '"x"' });
        for (let i = 4; i < 8; i++) {
            await ctx.nodes.add();
            const client = await ctx.open(i);
            await client.subscribe(cache);
            assert.equal((await client.expect('kept', cache)).data, '"x"', `at node ${i}`);
        }
    });
});
