// Listeners: what the daemon tells a program of its application, shared within groups, again when it was not settled, within
// bounds; and the snapshot that fits what comes behind it.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { APP, APP2, Daemon } from '../lib/daemon.mjs';
import { ERROR, Ipc, PUBLISH, STATS } from '../lib/ipc.mjs';
import { LISTEN, Listener, SETTLE } from '../lib/listener.mjs';
import { daemonPath } from '../lib/paths.mjs';
import { hmac } from '../lib/sign.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { frame } from '../lib/ipc.mjs';

const MEMBERS = ['member_added', 'member_removed'];
const limits = { listen_groups: 12 };
const sections = { limits, 'app "app1"': { key: APP.key, secret: APP.secret, client_event_rate: 0 } };
/** In an order that does not depend on that in which threads had their turn. */
const sorted = (events) => events.map((event) => JSON.stringify(event)).sort();
const only = (events, ...keys) => events.map((event) => Object.fromEntries(keys.map((key) => [key, event[key]])));

async function metrics(daemon) {
    const text = await (await fetch(`http://127.0.0.1:${daemon.adminPort}/metrics`)).text();
    return (name) => Number(new RegExp(`^fanfare_${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

function signin(client, id) {
    const data = JSON.stringify({ id });
    client.send({ event: 'pusher:signin', data: { auth: `${client.app.key}:${hmac(client.app.secret, `${client.socketId}::user::${data}`)}`, user_data: data } });
    return client.expect('pusher:signin_success');
}

suite('listening', { workers: [1, 3], sections }, (ctx) => {
    const listen = (options, app = APP) => Listener.open(ctx.daemon.socket, app, options);
    /** So many members_added of one channel: one user after the other joins with a client of its own. */
    const joins = async (channel, n) => {
        const clients = [];
        for (let i = 0; i < n; i++) {
            clients.push(await ctx.open());
            await clients[i].subscribe(channel, { data: { user_id: `u${i}` } });
        }
        return clients;
    };

    test('each type, with what belongs to it', async () => {
        const all = await listen();
        assert.equal(all.created, true);
        const client = await ctx.open();
        const opened = await all.next();
        assert.deepEqual({ ...opened, id: 0, time: 0 }, { number: 1, id: 0, type: 'connection_opened', time: 0, attempt: 1, order: all.order + 1, socket: client.socketId });
        assert.ok(Math.abs(opened.time - Date.now()) < 60_000, `${opened.time}`);
        await signin(client, 'ann');
        assert.deepEqual(only([await all.next()], 'type', 'user', 'channel', 'socket'), [{ type: 'user_online', user: 'ann', channel: undefined, socket: undefined }]);
        const channel = unique('presence-room');
        await client.subscribe(channel, { data: { user_id: 'ann', user_info: { a: 1 } } });
        assert.deepEqual(sorted(only(await all.take(2), 'type', 'channel', 'user')), sorted([
            { type: 'channel_occupied', channel, user: undefined },
            { type: 'member_added', channel, user: 'ann' },
        ]));
        client.send({ event: 'client-é', channel, data: { text: 'hi' } });
        const sent = await all.next();
        assert.deepEqual(only([sent], 'type', 'channel', 'event', 'data', 'socket', 'user'), [
            { type: 'client_event', channel, event: 'client-é', data: '{"text":"hi"}', socket: client.socketId, user: 'ann' },
        ]);
        client.send({ event: 'client-x', channel, data: 'a "string"' });
        assert.equal((await all.next()).data, 'a "string"');
        const cache = unique('cache-a');
        await client.subscribe(cache);
        const three = await all.take(3);
        assert.deepEqual(sorted(only(three, 'type', 'channel', 'count')), sorted([
            { type: 'cache_miss', channel: cache, count: undefined },
            { type: 'channel_occupied', channel: cache, count: undefined },
            { type: 'subscription_count', channel: cache, count: 1 },
        ]));
        client.destroy();
        const rest = await all.take(6);
        assert.deepEqual(sorted(only(rest, 'type', 'channel', 'user', 'socket', 'count')), sorted([
            { type: 'connection_closed', channel: undefined, user: 'ann', socket: client.socketId, count: undefined },
            { type: 'user_offline', channel: undefined, user: 'ann', socket: undefined, count: undefined },
            { type: 'channel_vacated', channel: cache, user: undefined, socket: undefined, count: undefined },
            { type: 'subscription_count', channel: cache, user: undefined, socket: undefined, count: 0 },
            { type: 'channel_vacated', channel, user: undefined, socket: undefined, count: undefined },
            { type: 'member_removed', channel, user: 'ann', socket: undefined, count: undefined },
        ]));
        const ids = new Set([opened, sent, ...three, ...rest].map((one) => one.id));
        assert.equal(ids.size, 11);
        assert.ok(rest.every((one, i) => i === 0 || one.order > rest[i - 1].order));
        await all.close();
    });

    test('only what was asked for, and only of its own application', async () => {
        const [members, other] = [await listen({ types: MEMBERS }), await listen({}, APP2)];
        const channel = unique('presence-a');
        const [client] = await joins(channel, 1);
        assert.deepEqual(only([await members.next()], 'type', 'channel'), [{ type: 'member_added', channel }]);
        client.destroy();
        assert.deepEqual(only([await members.next()], 'type', 'channel'), [{ type: 'member_removed', channel }]);
        assert.deepEqual(await members.sofar(), []);
        assert.deepEqual(await other.sofar(), []);
        await Promise.all([members.close(), other.close()]);
    });

    test('a group shares its events, two groups and two without one each get all', async () => {
        const shared = [await listen({ types: MEMBERS, group: 'shared' }), await listen({ types: MEMBERS, group: 'shared' })];
        const apart = [await listen({ types: MEMBERS, group: 'apart' }), await listen({ types: MEMBERS }), await listen({ types: MEMBERS })];
        assert.deepEqual([...shared, ...apart].map(({ created }) => created), [true, false, true, true, true]);
        await joins(unique('presence-b'), 8);
        const orders = [];
        for (const listener of apart) orders.push((await listener.take(8)).map((one) => one.id));
        assert.deepEqual(orders[1], orders[0]);
        assert.deepEqual(orders[2], orders[0]);
        const both = (await Promise.all(shared.map((listener) => listener.take(4)))).map((list) => list.map((one) => one.id));
        assert.deepEqual(both.flat().sort(), [...orders[0]].sort());
        await Promise.all([...shared, ...apart].map((listener) => listener.close()));
    });

    test('what is not settled in time goes to the other, then it is known no more by its first number', async () => {
        const [a, b] = [await listen({ types: MEMBERS, group: 'late', ackMs: 200, settle: false }), await listen({ types: MEMBERS, group: 'late', settle: false })];
        await joins(unique('presence-c'), 2);
        const [first, second] = [await a.next(), await b.next()];
        const again = await b.next();
        assert.equal(again.id, first.id);
        assert.deepEqual([again.attempt, again.number, again.order], [2, 2, first.order]);
        assert.notEqual(second.id, first.id);
        a.settle(first.number); // too late: it is the other's
        b.settle([second.number], true);
        await b.close(); // and goes back to a
        const third = await a.next();
        assert.deepEqual([third.id, third.attempt], [first.id, 3]);
        a.settle([third.number], false); // given back; alone, it gets it again
        const fourth = await a.next();
        assert.deepEqual([fourth.id, fourth.attempt], [first.id, 4]);
        a.settle(fourth.number);
        assert.deepEqual(await a.sofar(), []);
        await a.close();
        const back = await listen({ types: MEMBERS, group: 'late' });
        assert.deepEqual([back.created, back.waiting], [false, 0]);
        await back.close();
    });

    test('one that lets everything lie is given nothing new while another one works', async () => {
        const [slow, good] = [await listen({ types: MEMBERS, group: 'slow', ackMs: 100, window: 1, settle: false }), await listen({ types: MEMBERS, group: 'slow' })];
        await joins(unique('presence-d'), 2);
        await slow.next();
        const got = await good.take(2); // its own, and the other's when that is over
        assert.deepEqual(got.map(({ attempt }) => attempt).sort(), [1, 2]);
        await joins(unique('presence-d'), 6);
        const six = await good.take(6);
        assert.ok(six.every(({ attempt }) => attempt === 1));
        slow.settle(1); // alive again
        await slow.ipc.ping();
        await joins(unique('presence-d'), 2);
        await slow.next();
        await Promise.all([slow.close(), good.close()]);
    });

    test('the window is never exceeded', async () => {
        const listener = await listen({ types: MEMBERS, window: 3, settle: false });
        await joins(unique('presence-e'), 6);
        const three = await listener.take(3);
        assert.deepEqual(await listener.sofar(), []);
        listener.settle([three[1].number, three[2].number]);
        assert.deepEqual((await listener.take(2)).map(({ number }) => number), [4, 5]);
        assert.deepEqual(await listener.sofar(), []);
        await listener.close();
    });

    test('a group that is away finds what has waited, in order, and is told what it was', async () => {
        const before = await listen({ types: MEMBERS, group: 'away' });
        await before.close();
        const channel = unique('presence-f');
        await joins(channel, 5);
        const back = await listen({ types: MEMBERS, group: 'away' });
        assert.deepEqual([back.created, back.waiting], [false, 5]);
        assert.deepEqual((await back.take(5)).map(({ user }) => user), ['u0', 'u1', 'u2', 'u3', 'u4']);
        await back.close();
    });

    test('what is refused, and what closes', async () => {
        const refusals = [
            [{ types: ['nonsense'] }, /no event type "nonsense"/],
            [{ group: '' }, /group's name/],
            [{ group: 'a/b' }, /group's name/],
            [{ group: 'x'.repeat(65) }, /group's name/],
            [{ window: 0 }, /window/],
            [{ window: 1001 }, /window/],
            [{ ackMs: 99 }, /settle/],
            [{ ackMs: 3_600_001 }, /settle/],
        ];
        for (const [options, text] of refusals) {
            await assert.rejects(listen(options), (error) => error.reason === 'other' && text.test(error.message), JSON.stringify(options));
        }
        const ipc = await ctx.ipcOf(APP); // a refusal leaves it open, and it may publish
        assert.equal((await ipc.request(LISTEN, [], null, 0, 1000, false))[0], ERROR);
        await ipc.publish({ channel: unique() });
        for (const [type, ...fields] of [[STATS], [PUBLISH, ['a'], 'E', null, null, '{}'], [LISTEN, [], null, 1, 1000, false]]) {
            const listener = await listen();
            listener.ipc.write(frame([type, 99, ...fields]));
            const error = await listener.ipc.inbox.take();
            assert.deepEqual(error.slice(0, 3), [ERROR, 99, 'protocol']);
            await listener.ipc.ended;
        }
        const stray = await ctx.ipcOf(APP);
        stray.write(frame([SETTLE, 1, [1], true]));
        assert.deepEqual((await stray.inbox.take()).slice(0, 3), [ERROR, 1, 'protocol']);
        await stray.ended;
        // Numbers that mean nothing do nothing.
        const listener = await listen({ types: MEMBERS, settle: false });
        listener.settle([0, 1, 5, 2 ** 53], true);
        await joins(unique('presence-g'), 1);
        const { number } = await listener.next();
        listener.settle(Array.from({ length: 10_000 }, () => number));
        assert.deepEqual(await listener.sofar(), []);
        await listener.close();
    });

    test('too many groups are refused, and the words say which limit it is', async () => {
        const listeners = [];
        await assert.rejects(async () => {
            for (let i = 0; i <= limits.listen_groups; i++) listeners.push(await listen({}, APP2));
        }, /listen_groups/);
        assert.equal(listeners.length, limits.listen_groups);
        await Promise.all(listeners.map((listener) => listener.close()));
        await (await listen({}, APP2)).close();
    });

    test('a snapshot fits the events behind it while members come and go', async () => {
        const channel = unique('presence-churn');
        const plain = unique('plain');
        const clients = [];
        for (let i = 0; i < 30; i++) clients.push(await ctx.open());
        const join = async (i) => {
            clients[i].send(clients[i].subscribeMessage(channel, { data: JSON.stringify({ user_id: `m${i}`, user_info: { i } }) }));
            await clients[i].sync();
        };
        for (let i = 0; i < 20; i++) await join(i);
        clients[0].send(clients[0].subscribeMessage(plain));
        await clients[0].sync();
        let stop = false;
        const present = new Set(Array.from({ length: 20 }, (_, i) => i));
        const churn = (async () => {
            for (let n = 0; !stop || n < 40; n++) {
                const i = (n * 7) % 30;
                if (present.delete(i)) {
                    clients[i].unsubscribe(channel);
                    await clients[i].sync();
                } else {
                    present.add(i);
                    await join(i);
                }
            }
        })();
        const listener = await listen({ types: [...MEMBERS, 'channel_occupied', 'channel_vacated'], snapshot: true, window: 100 });
        const { order, channels } = await listener.snapshot();
        assert.equal(order, listener.order);
        assert.equal(channels.get(plain).subscriptions, 1);
        assert.equal(channels.get(plain).members, null);
        stop = true;
        await churn;
        const marker = unique('marker');
        clients[1].send(clients[1].subscribeMessage(marker));
        const model = new Set(channels.get(channel)?.members.keys());
        for (;;) {
            const event = await listener.next();
            assert.ok(event.order > order);
            if (event.channel === channel && event.type === 'member_added') model.add(event.user);
            if (event.channel === channel && event.type === 'member_removed') model.delete(event.user);
            if (event.channel === marker) break;
        }
        const now = await ctx.ipc.members(channel);
        await until(() => {
            // On several workers the marker may have overtaken the last of them.
            for (const [, , , type, , , , at, user] of listener.ipc.inbox.waiting.splice(0)) {
                if (at === channel) model[type === 'member_added' ? 'add' : 'delete'](user);
            }
            return JSON.stringify([...model].sort()) === JSON.stringify(now.map(({ id }) => id).sort());
        }, () => `the model ${[...model].sort()} to be ${now.map(({ id }) => id).sort()}`);
        await listener.close();
    });

    test('nobody pays when nobody listens: connections are not told', async () => {
        const before = (await metrics(ctx.daemon))('listen_events_total');
        (await ctx.open()).destroy();
        await ctx.ipc.ping();
        assert.equal((await metrics(ctx.daemon))('listen_events_total'), before);
    });
});

describe('listening at its bounds', () => {
    const small = { limits: { listen_queue: 50, listen_group_ttl: 2 }, 'app "app1"': { key: APP.key, secret: APP.secret, client_event_rate: 0 } };
    let daemon, ipc;
    before(async () => {
        daemon = await Daemon.start({ workers: 1, sections: small });
        ipc = await Ipc.open(daemon.socket, APP);
    });
    after(async () => {
        ipc.close();
        await daemon.stop();
    });
    const listen = (options) => Listener.open(daemon.socket, APP, options);

    async function talker() {
        const { Client: Ws } = await import('../lib/ws.mjs');
        const client = await Ws.open(daemon, { app: APP });
        const channel = unique('private-talk');
        await client.subscribe(channel);
        return { client, say: (n) => client.send({ event: 'client-say', channel, data: { n } }) };
    }

    test('what overflows is dropped, oldest first, counted, and said before all else', async () => {
        const gone = await listen({ types: ['client_event'], group: 'over' });
        await gone.close();
        const { client, say } = await talker();
        for (let n = 0; n < 120; n++) say(n);
        await client.sync();
        await ipc.ping();
        const back = await listen({ types: ['client_event'], group: 'over', window: 1000 });
        const lost = await back.next();
        assert.deepEqual([lost.type, lost.count, lost.channel], ['events_lost', 70, undefined]);
        assert.deepEqual((await back.take(50)).map(({ data }) => JSON.parse(data).n), Array.from({ length: 50 }, (_, i) => 70 + i));
        say(121);
        assert.equal((await back.next()).type, 'client_event');
        assert.ok((await metrics(daemon))('listen_lost_total') >= 70);
        await back.close();
        client.destroy();
    });

    test('a group that stays away is forgotten', async () => {
        await (await listen({ group: 'forgotten' })).close();
        assert.equal((await listen({ group: 'forgotten' }).then((l) => l.close().then(() => l.created))), false);
        await until(async () => (await metrics(daemon))('listen_groups\\{app="app1"\\}') === 0, 'the group to be forgotten');
        const anew = await listen({ group: 'forgotten' });
        assert.equal(anew.created, true);
        await anew.close();
    });

    test('a restart forgets groups, and ids stay unique', async () => {
        const first = await listen({ types: ['connection_opened'], group: 'kept' });
        (await talker()).client.destroy();
        const { id } = await first.next();
        await daemon.kill();
        await daemon.launch();
        ipc = await Ipc.open(daemon.socket, APP);
        const second = await listen({ types: ['connection_opened'], group: 'kept' });
        assert.equal(second.created, true);
        (await talker()).client.destroy();
        assert.notEqual((await second.next()).id, id);
        await second.close();
    });

    test('a reload that removes the application ends its listeners; one that changes others does not', async () => {
        const listener = await listen({ group: 'reload' });
        const away = await listen({ group: 'reload-away' });
        await away.close();
        await daemon.reload({ 'app "app3"': { key: 'key3', secret: 'secret-of-app3' } });
        const { client } = await talker();
        assert.equal((await listener.next()).type, 'connection_opened');
        await daemon.reload({ 'app "app1"': null });
        await listener.ipc.ended;
        client.destroy();
        await assert.rejects(listen({}), /closed the IPC connection/);
        await daemon.reload({ 'app "app1"': small['app "app1"'] });
        for (const group of ['reload', 'reload-away']) {
            const anew = await listen({ group });
            assert.equal(anew.created, true, group);
            await anew.close();
        }
        ipc = await Ipc.open(daemon.socket, APP);
    });
});

describe('listeners that do not read', () => {
    let daemon, ipc;
    before(async () => {
        daemon = await Daemon.start({ workers: 1, sections: { 'app "app1"': { key: APP.key, secret: APP.secret, client_event_rate: 0 } } });
        ipc = await Ipc.open(daemon.socket, APP);
    });
    after(async () => {
        ipc.close();
        await daemon.stop();
    });

    test('cost nobody anything: 10,000 events pass, publishers are answered, memory stays bounded', async () => {
        const { Client } = await import('../lib/ws.mjs');
        const deaf = [];
        for (const group of ['both', null]) {
            const listener = await Listener.open(daemon.socket, APP, { types: ['client_event'], group, window: 1000, ackMs: 1000, settle: false });
            listener.ipc.socket.pause();
            deaf.push(listener);
        }
        const good = await Listener.open(daemon.socket, APP, { types: ['client_event'], group: 'both', window: 100 });
        const client = await Client.open(daemon, { app: APP });
        await client.subscribe('private-flood');
        const data = { fill: 'x'.repeat(1000) };
        const publish = async () => {
            for (let i = 0; i < 200; i++) await ipc.publish({ channel: 'quiet' });
        };
        const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8'))[1]) / 1024;
        await publish();
        const alone = memory();
        const seen = new Set();
        const reading = (async () => {
            while (seen.size < 10_000) {
                const event = await good.next(`event ${seen.size}`);
                if (event.type === 'client_event') seen.add(event.id);
            }
        })();
        for (let n = 0; n < 10_000; n++) {
            client.send({ event: 'client-say', channel: 'private-flood', data });
            if (n % 2000 === 1999) {
                await client.sync();
                await publish(); // answered while the two hold what they were sent
            }
        }
        await reading;
        const value = await metrics(daemon);
        assert.equal(value('listen_events_total'), 10_000);
        // No publisher was held back, and what the deaf have not taken is what a group may keep, not all that was said.
        assert.equal(value('flow_held_total\\{door="ipc"\\}'), 0);
        assert.ok(/san/.test(daemonPath) || memory() - alone < 64, `${memory()} MB, ${alone} before`);
        for (const listener of deaf) await listener.close();
        await good.close();
        client.destroy();
    });
});
