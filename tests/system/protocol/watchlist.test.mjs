// Watchlists: signed-in users are told when the users on their list come and go, by raw messages and with pusher-js as it
// comes from npm.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { need } from '../lib/deps.mjs';
import { hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { settle } from '../lib/ws.mjs';

const WATCH = { id: 'watch', key: 'watch', secret: 'secret-of-watch' };
const OTHER = { id: 'other', key: 'other', secret: 'secret-of-other' };
const FEW = { id: 'few', key: 'few', secret: 'secret-of-few' };
const sections = {
    limits: { max_channels_per_connection: 2 },
    'app "watch"': { key: WATCH.key, secret: WATCH.secret, watchlist: 'yes' },
    'app "other"': { key: OTHER.key, secret: OTHER.secret, watchlist: 'yes' },
    'app "few"': { key: FEW.key, secret: FEW.secret },
};

suite('watchlists', { workers: [1, 3], sections }, (ctx) => {
    const signed = (app, socketId, text) => ({ auth: `${app.key}:${hmac(app.secret, `${socketId}::user::${text}`)}`, user_data: text });

    const signin = async (client, user) => {
        client.send({ event: 'pusher:signin', data: signed(client.app, client.socketId, JSON.stringify(user)) });
        await client.expect('pusher:signin_success');
    };
    const user = async (id, watchlist, app = WATCH) => {
        const client = await ctx.open({ app });
        await signin(client, { id, ...(watchlist === undefined ? {} : { watchlist }) });
        await ctx.daemon.pair?.barrier(); // on two nodes the other one knows of it now
        return client;
    };
    const events = async (client) => {
        const message = await client.expect('pusher_internal:watchlist_events');
        assert.equal(message.channel, undefined);
        return JSON.parse(message.data).events;
    };
    const online = (...ids) => ({ name: 'online', user_ids: ids });
    const offline = (...ids) => ({ name: 'offline', user_ids: ids });
    const silent = async (client) => assert.deepEqual(await settle(await ctx.ipcOf(client.app), client), [[]]);

    test('the present state comes with the sign-in, changes come after it', async () => {
        const [there, away] = [unique('there'), unique('away "é"')];
        const first = await user(there);
        const watcher = await user(unique('u'), [there, away]);
        assert.deepEqual(await events(watcher), [online(there), offline(away)]);
        const second = await user(away);
        assert.deepEqual(await events(watcher), [online(away)]);
        await first.close();
        assert.deepEqual(await events(watcher), [offline(there)]);
        second.destroy();
        assert.deepEqual(await events(watcher), [offline(away)]);
    });

    test('only the first and the last connection of a user count', async () => {
        const id = unique('tabs');
        const watcher = await user(unique('u'), [id]);
        assert.deepEqual(await events(watcher), [offline(id)]);
        const tabs = [await user(id), await user(id), await user(id)];
        assert.deepEqual(await events(watcher), [online(id)]);
        await tabs[0].close();
        await tabs[2].close();
        await silent(watcher);
        await tabs[1].close();
        assert.deepEqual(await events(watcher), [offline(id)]);
    });

    test('signing in again changes nothing for those who watch the user, and takes the new list', async () => {
        const [id, other, third] = [unique('a'), unique('b'), unique('c')];
        const me = unique('u');
        const watcher = await user(me, [id, third]);
        assert.deepEqual(await events(watcher), [offline(id, third)]);
        const client = await user(id);
        assert.deepEqual(await events(watcher), [online(id)]);
        await signin(client, { id });
        await silent(watcher);
        await signin(watcher, { id: me, watchlist: [other, id] });
        assert.deepEqual(await events(watcher), [online(id), offline(other)]);
        await user(third);
        await silent(watcher);
        await user(other);
        assert.deepEqual(await events(watcher), [online(other)]);
        await signin(watcher, { id: me });
        await client.close();
        await silent(watcher);
    });

    test('who is refused as somebody else is offline for those who watch it', async () => {
        const id = unique('a');
        const watcher = await user(unique('u'), [id]);
        await events(watcher);
        const client = await user(id);
        assert.deepEqual(await events(watcher), [online(id)]);
        client.send({ event: 'pusher:signin', data: signed(WATCH, client.socketId, JSON.stringify({ id: unique('b') })) });
        await client.error(4009);
        await client.closedWith(4009);
        assert.deepEqual(await events(watcher), [offline(id)]);
    });

    test('ids may be numbers, and stand twice; what cannot be an id is left out', async () => {
        const number = 100_000_000 + Number(unique('1').split('-').at(-1));
        const watcher = await user(unique('u'), [number, String(number), '', null, {}, 'x'.repeat(129)]);
        assert.deepEqual(await events(watcher), [offline(String(number))]);
        await user(number);
        assert.deepEqual(await events(watcher), [online(String(number))]);
    });

    test('a user may watch itself', async () => {
        const id = unique('self');
        assert.deepEqual(await events(await user(id, [id])), [online(id)]);
    });

    test('over 100 ids the rest is cut, with 4302; the connection stays', async () => {
        const ids = Array.from({ length: 120 }, () => unique('w'));
        const cut = async () => {
            const nodes = [ctx.daemon, ctx.daemon.twin].filter(Boolean);
            return (await Promise.all(nodes.map((node) => node.metrics()))).reduce((sum, metrics) => sum + (metrics.get('limits_reached_total', 'watchlist') ?? 0), 0);
        };
        const before = await cut();
        const watcher = await user(unique('u'), ids);
        await watcher.error(4302);
        assert.deepEqual(await events(watcher), [offline(...ids.slice(0, 100))]);
        assert.equal(await cut(), before + 1);
        await user(ids[110]);
        await user(ids[99]);
        assert.deepEqual(await events(watcher), [online(ids[99])]);
        const exact = await user(unique('u'), ids.slice(0, 100));
        assert.deepEqual((await events(exact)).map((event) => event.user_ids.length), [1, 99]);
        await silent(exact);
    });

    test('a list of none is none, one that is no list gets 4302', async () => {
        await silent(await user(unique('u'), []));
        await silent(await user(unique('u'), null));
        const wrong = await user(unique('u'), 'somebody');
        await wrong.error(4302);
        await silent(wrong);
    });

    test('watching takes nothing from the channels that a client may subscribe to', async () => {
        const watcher = await user(unique('u'), Array.from({ length: 50 }, () => unique('w')));
        await events(watcher);
        for (let i = 0; i < 2; i++) await watcher.subscribe(unique('c'));
        watcher.send(watcher.subscribeMessage(unique('c')));
        assert.equal(JSON.parse((await watcher.expect('pusher:subscription_error')).data).type, 'LimitReached');
    });

    test('nobody subscribes or publishes to a watchlist, or sees it among the channels', async () => {
        const id = unique('w');
        const watcher = await user(unique('u'), [id]);
        await events(watcher);
        const thief = await ctx.open({ app: WATCH });
        thief.send(thief.subscribeMessage(`#watch-${id}`));
        assert.equal(JSON.parse((await thief.expect('pusher:subscription_error')).data).status, 400);
        watcher.unsubscribe(`#watch-${id}`);
        const ipc = await ctx.ipcOf(WATCH);
        await assert.rejects(ipc.publish({ channel: `#watch-${id}` }));
        await user(id);
        assert.deepEqual(await events(watcher), [online(id)]);
        const Pusher = need('pusher');
        const sdk = new Pusher({ appId: WATCH.id, key: WATCH.key, secret: WATCH.secret, host: '127.0.0.1', port: String(ctx.daemon.port), useTLS: false });
        assert.doesNotMatch(await (await sdk.get({ path: '/channels' })).text(), /#/);
    });

    test('neither a user nor who watches it is counted as a channel', async () => {
        const channels = async () => JSON.parse((await ctx.daemon.http('/stats', { port: ctx.daemon.adminPort })).text).apps.find(({ id }) => id === WATCH.id).channels;
        const before = await channels();
        const watcher = await user(unique('u'), [unique('w')]);
        await events(watcher);
        assert.equal(await channels(), before);
        await watcher.subscribe(unique('c'));
        assert.equal(await channels(), before + 1);
    });

    test('each application has users of its own, and one without the option sends nothing', async () => {
        const id = unique('u');
        const watcher = await user(unique('u'), [id]);
        assert.deepEqual(await events(watcher), [offline(id)]);
        await user(id, undefined, OTHER);
        await silent(watcher);
        await silent(await user(unique('u'), [id], FEW));
    });

    test('pusher-js tells its application who is there', async () => {
        const Pusher = need('pusher-js');
        const id = unique('friend');
        const pusher = new Pusher(WATCH.key, {
            cluster: '', wsHost: '127.0.0.1', wsPort: ctx.daemon.port, forceTLS: false, enabledTransports: ['ws'], enableStats: false,
            userAuthentication: { customHandler: ({ socketId }, callback) => callback(null, signed(WATCH, socketId, JSON.stringify({ id: unique('me'), watchlist: [id] }))) },
        });
        try {
            const heard = (name) => new Promise((resolve) => pusher.user.watchlist.bind(name, resolve));
            let next = heard('offline');
            pusher.signin();
            assert.deepEqual((await next).user_ids, [id]);
            next = heard('online');
            const friend = await user(id);
            assert.deepEqual((await next).user_ids, [id]);
            next = heard('offline');
            await friend.close();
            assert.deepEqual((await next).user_ids, [id]);
        } finally {
            pusher.disconnect();
        }
    });
});
