// Lists of connections over the Unix socket, and what stats tells.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP, APP2, twoNodes } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { root } from '../lib/paths.mjs';
import { hmac } from '../lib/sign.mjs';
import { suite } from '../lib/suite.mjs';

const rejects = (promise, reason, pattern = /./) =>
    assert.rejects(promise, (error) => {
        assert.equal(error.reason, reason, error.message);
        assert.match(error.text, pattern);
        return true;
    });

suite('connections and figures', { workers: [1, 3], sections: { server: { trusted_proxies: '127.0.0.1', path_prefix: '' }, 'app "app1"': { allowed_origins: '*.x.test, self', max_event_size: '50K' } } }, (ctx) => {
    async function all(ipc, limit) {
        const list = [];
        let pages = 0;
        for (let after = null; ; pages++) {
            const page = await ipc.sockets(after, limit);
            assert.equal(page.partial, twoNodes);
            list.push(...page.list);
            if (page.next === null) return { list, pages: pages + 1 };
            assert.equal(page.list.length, limit);
            assert.equal(page.next, page.list.at(-1).id);
            after = page.next;
        }
    }

    test('an application has none', async () => {
        assert.deepEqual(await ctx.ipc.sockets(), { list: [], next: null, partial: twoNodes });
    });

    // of two nodes each lists its own
    const here = twoNodes ? () => {} : test;

    here('every connection comes once, in pages of any size', async () => {
        const began = Math.floor(Date.now() / 1000) * 1000;
        const ipc = await ctx.ipcOf(APP);
        const mine = await Promise.all(Array.from({ length: 30 }, () => ctx.open()));
        const others = await Promise.all(Array.from({ length: 10 }, () => ctx.open({ app: APP2 })));
        await mine[3].subscribe('a');
        await mine[3].subscribe('b');
        await mine[4].subscribe('presence-x', { data: { user_id: 'eight' } });
        const user_data = JSON.stringify({ id: 'séven' });
        mine[5].send({ event: 'pusher:signin', data: { auth: `${APP.key}:${hmac(APP.secret, `${mine[5].socketId}::user::${user_data}`)}`, user_data } });
        await mine[5].expect('pusher:signin_success');
        await mine[5].subscribe('presence-x', { data: { user_id: 'somebody else' } });
        for (const limit of [1, 7, 30, 31, 10_000]) {
            const { list, pages } = await all(ipc, limit);
            assert.deepEqual(list.map(({ id }) => id).sort(), mine.map(({ socketId }) => socketId).sort(), `in pages of ${limit}`);
            assert.ok(pages <= Math.ceil(30 / limit) + 1, `${pages} pages of ${limit}`);
            const of = (client) => list.find(({ id }) => id === client.socketId);
            assert.deepEqual([3, 4, 5, 6].map((i) => [of(mine[i]).user, of(mine[i]).subscriptions]), [[null, 2], ['eight', 1], ['séven', 1], [null, 0]]);
            assert.ok(list.every(({ address, opened }) => address === '127.0.0.1' && opened >= began && opened <= Date.now()));
        }
        // one that has closed can still be gone on from; a connection is known to disconnect by this id
        const { list, next } = await ipc.sockets(null, 10);
        assert.equal(await ipc.disconnect(next), 1);
        const rest = await ipc.sockets(next, 100);
        assert.equal(rest.list.length, 20);
        assert.ok(rest.list.every(({ id }) => !list.some((seen) => seen.id === id)));
        const theirs = await ctx.ipcOf(APP2);
        assert.equal((await theirs.sockets()).list.length, 10);
        for (const client of [...mine, ...others]) await client.destroy();
    });

    here('an address behind a proxy is the client\'s, and its place is nobody else\'s', async () => {
        const ipc = await ctx.ipcOf(APP);
        const before = (await ipc.sockets()).list.length;
        for (const [headers, address] of [[{ 'X-Forwarded-For': '192.0.2.7' }, '192.0.2.7'], [{ 'X-Forwarded-For': '2001:db8::1, 127.0.0.1' }, '2001:db8::1'], [{}, '127.0.0.1'], [{ 'X-Forwarded-For': 'nonsense' }, '127.0.0.1']]) {
            const client = await ctx.open({ headers });
            const shown = (await ipc.sockets(null, 10_000)).list.find(({ id }) => id === client.socketId);
            assert.equal(shown.address, address);
            await client.close();
        }
        assert.equal((await ipc.sockets()).list.length <= before, true);
    });

    test('questions that cannot be answered', async () => {
        await rejects(ctx.ipc.sockets(null, 0), 'other', /1 to 10000/);
        await rejects(ctx.ipc.sockets(null, 10_001), 'other', /1 to 10000/);
        for (const id of ['', 'x', '1', '1.', '1.2.3', '.']) await rejects(ctx.ipc.sockets(id), 'other', /socket id/);
        // of a daemon that has more workers
        assert.deepEqual((await ctx.ipc.sockets('5.63')).list, []);
        assert.deepEqual((await ctx.ipc.sockets(`5.${2 ** 32 - 1 - 63}`)).list, []);
        await ctx.ipc.ping();
    });

    test('figures have the names that the page has, and none but these', async () => {
        const stats = await ctx.ipc.stats();
        const page = readFileSync(join(root, 'docs', 'ipc.md'), 'utf8');
        const table = page.slice(page.indexOf('The stats reply is a map'), page.indexOf("### A user's connections"));
        const named = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
        assert.deepEqual(Object.keys(stats).sort(), named.sort());
        assert.ok(Math.abs(stats.unix_ms - Date.now()) < 5000);
        assert.ok(stats.memory > 1 << 20);
        assert.equal(stats.nodes, twoNodes ? 2 : 1);
        assert.equal(stats.state, 'ready');
        assert.equal(stats.allowed_origins, '*.x.test, self');
        assert.equal(stats.max_event_size, 51200);
        assert.equal(stats.uid, process.geteuid());
        if (!twoNodes) {
            assert.equal(stats.socket, ctx.daemon.socket);
            assert.equal(stats.config, ctx.daemon.config);
        }
        assert.equal(JSON.stringify(stats).includes(APP.secret), false);
    });
});
