// Nodes die, stop, come back, share a name, or have another time of day: members leave once, and all else goes on.
import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { get } from '../lib/api.mjs';
import { Clock, noDaemonClock } from '../lib/clock.mjs';
import { Nodes } from '../lib/cluster.mjs';
import { fault, long, sleep } from '../lib/faults.mjs';
import { Member } from '../lib/load.mjs';
import { noRedis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const skip = noRedis;
const clocks = noDaemonClock ? [] : [new Clock(3600), new Clock(0), new Clock(-3600)];
after(() => clocks.forEach((clock) => clock.remove()));

/** Members but the i-th see the same, once: waits for as many changes, and that no more come. */
async function see({ load, nodes }, members, expected, ms = 30_000) {
    await until(() => members.every(({ changes }) => changes.length >= expected.length), () => `${expected} at ${members.map(({ user, changes }) => `${user}: ${changes}`)}\n${nodes.log()}`, ms);
    await nodes.flush();
    for (const { user, changes } of members) assert.deepEqual(changes, expected, `what ${user} sees\n${nodes.log()}`);
    for (const { changes } of members) changes.length = 0;
    assert.ok(load);
}

describe('nodes under load', () => {
    fault('one is killed: its members leave once, within node_timeout and a little', { skip, load: { members: 2 } }, async (ctx) => {
        const { load, nodes } = ctx;
        const began = performance.now();
        await nodes.at(1).kill();
        const left = load.members.filter(({ daemon }) => daemon !== nodes.at(1));
        await until(() => left.every(({ changes }) => changes.length >= 2), 'its members to leave', 30_000);
        const took = performance.now() - began;
        await nodes.flush();
        for (const { changes, user } of left) assert.deepEqual(changes.slice().sort(), ['-n2-0', '-n2-1'], `what ${user} sees`);
        for (const member of load.members) member.changes.length = 0;
        assert.ok(took > 1000 && took < (long ? 25_000 : 8000), `${Math.round(took)} ms`);
        await nodes.known(nodes.running, 2);
    });

    fault('one is killed and started again under its name at once: no ghosts', { skip }, async (ctx) => {
        const { load, nodes } = ctx;
        const left = [load.members[0], load.members[2]];
        await nodes.at(1).kill();
        await nodes.at(1).launch();
        await see(ctx, left, ['-n2-0']);
        await nodes.known(nodes.running, 3);
        await load.flowing();
        const back = await load.join(nodes.at(1), 'n2-0');
        assert.deepEqual(back.ids, ['n1-0', 'n2-0', 'n3-0']);
        await see(ctx, left, ['+n2-0']);
        load.publish(nodes.at(1));
        await load.listen(nodes.at(1));
        await load.flowing();
        load.members.splice(1, 1);
    });

    fault('one stops properly: its members leave at once', { skip, sections: { cluster: { node_timeout: 60 } }, expect: {} }, async (ctx) => {
        const { load, nodes } = ctx;
        load.publishers[1].stopping = true;
        await load.runs[1];
        for (const session of load.sessions) if (session.daemon === nodes.at(1)) session.closing = true;
        await nodes.at(1).stop({ keep: true });
        await see(ctx, [load.members[0], load.members[2]], ['-n2-0']);
        await nodes.known(nodes.running, 2);
        load.members.splice(1, 1);
    });

    fault('all restart, one after the other', { skip, quiet: true }, async ({ nodes }) => {
        for (const one of nodes.all) {
            await one.stop({ keep: true });
            await one.launch();
            await nodes.known(nodes.all, 3);
        }
    });

    fault('one is stopped for less than node_timeout', { skip, sections: { cluster: { node_timeout: 20 } } }, async ({ nodes, load }) => {
        nodes.at(1).process.kill('SIGSTOP');
        await sleep(3000);
        nodes.at(1).process.kill('SIGCONT');
        await load.flowing();
    });

    fault('one is stopped for longer than node_timeout, and continued: its members leave once and come back once, and it has missed nothing', { skip, expect: { flicker: true } }, async (ctx) => {
        const { load, nodes } = ctx;
        const left = [load.members[0], load.members[2]];
        nodes.at(1).process.kill('SIGSTOP');
        await see({ ...ctx, nodes: { flush: () => nodes.flush([nodes.at(0), nodes.at(2)]), log: () => nodes.log() } }, left, ['-n2-0']);
        await sleep(1000);
        nodes.at(1).process.kill('SIGCONT');
        await see(ctx, left, ['+n2-0']);
        assert.deepEqual(load.members[1].changes, [], 'it was never without the others');
        await load.flowing();
    });

    fault('stopped and continued, again and again', { skip, expect: { flicker: true } }, async ({ load, nodes }) => {
        for (let round = 0; round < 3; round++) {
            const one = nodes.at(round);
            one.process.kill('SIGSTOP');
            await sleep(3500);
            one.process.kill('SIGCONT');
            await load.flowing();
        }
        await nodes.known();
        await nodes.flush();
        const users = load.members.map(({ user }) => user).sort();
        await until(() => load.members.every(({ ids }) => ids.join() === users.join()), () => `all to see all: ${load.members.map(({ ids }) => ids)}\n${nodes.log()}`);
        for (const { user, changes } of load.members) assert.ok(!changes.some((change) => /again/.test(change)), `${user}: ${changes}`);
    });

    fault('a newcomer under load hears all from then on, and knows all members at once', { skip }, async ({ nodes, load }) => {
        const one = await nodes.add();
        await load.listen(one);
        const here = await get(one, `/channels/${load.presence}/users`);
        assert.deepEqual(here.json.users.map(({ id }) => id).sort(), load.members.map(({ user }) => user).sort());
        load.publish(one);
        await load.flowing();
    });

    fault('all nodes killed and started again: nobody of before is there', { skip, quiet: true }, async ({ nodes }) => {
        const channel = `presence-all-${process.pid}`;
        const before = await Member.open(nodes.at(0), channel, 'before');
        await nodes.flush();
        await Promise.all(nodes.all.map((one) => one.kill()));
        await Promise.all(nodes.all.map((one) => one.launch()));
        await nodes.known(undefined, 3);
        const after = await Member.open(nodes.at(1), channel, 'after');
        assert.deepEqual(after.ids, ['after']);
        after.close();
        before.close();
    });

    fault('two have the same name', { skip, each: (i) => ({ cluster: { node: i ? 'twin' : 'n1' } }) }, async ({ load, nodes }) => {
        await load.flowing();
        const { nodes: seen } = await Nodes.report(nodes.at(0));
        assert.deepEqual(seen.map(({ node }) => node).sort(), ['n1', 'twin', 'twin']);
        assert.equal(new Set(seen.map(({ id }) => id)).size, 3);
        assert.ok(nodes.all.some((one) => /two nodes with the name twin/.test(one.stderr)), nodes.log());
    });

    fault('their clocks are apart by an hour, and jump', { skip: skip || noDaemonClock, clocks }, async ({ load }) => {
        await load.flowing();
        clocks[1].jump(-7200);
        await sleep(500);
        clocks[1].jump(7200);
        await sleep(3000);
        await load.flowing();
    });
});

describe('nodes that do not fit', () => {
    fault('another number of lanes is refused, with a line that says what to change', { skip, quiet: true, nodes: 1 }, async ({ nodes, redis }) => {
        const other = await nodes.make(1, { cluster: { lanes: 2 } });
        nodes.all.push(other);
        const lines = /cluster.*node "?(n1|n2)"?.*lanes/i;
        await until(() => lines.test(nodes.at(0).stderr) && lines.test(other.stderr), () => `both to say so\n${nodes.log()}`);
        assert.equal((await Nodes.report(nodes.at(0))).nodes.length, 1);
        assert.ok(redis);
    });

    fault('what is no record does no harm', { skip }, async ({ redis, load, nodes }) => {
        const [key] = await redis.command('KEYS', '*');
        for (const words of [['e', ''], ['e', 'nonsense'], ['e', '\u00fa\u0001'], ['x', 'y', 'e', 'z'], ['e', 'x'.repeat(100_000)]]) {
            await redis.command('XADD', key, '*', ...words);
        }
        await load.flowing();
        assert.ok(await nodes.sum('bus_unreadable_total') >= 12);
    });
});
