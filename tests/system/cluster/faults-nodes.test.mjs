// Nodes go away, stand still, come back, share a name, and disagree about the time: under load, nothing is lost, doubled or
// reordered; members leave once and come back once, and nobody else flickers.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { get } from '../lib/api.mjs';
import { Nodes } from '../lib/cluster.mjs';
import { fault, losses, sleep } from '../lib/faults.mjs';
import { Member } from '../lib/load.mjs';
import { ahead, noFaketime, noRedis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const skip = noRedis;
const TIMEOUT = 2000; // ms, node_timeout of tests
const flicker = { expect: { flicker: true } };

/** Everybody left knows of this member no more; returns after how long. */
async function gone(load, nodes, member, others) {
    const start = Date.now();
    await until(() => others.every((other) => !other.users.has(member.user)), () => `${member.user} to be gone\n${nodes.log()}`, 30_000);
    return Date.now() - start;
}

const told = (others, ...changes) => {
    for (const other of others) assert.deepEqual(other.changes, changes, `what ${other.user} was told`);
};

describe('nodes under load', () => {
    fault('killed: its members leave once, within node_timeout and a little, and no other', { skip, ...flicker }, async ({ nodes, load }) => {
        const [victim, ...others] = load.members;
        load.sessions[0].closing = true;
        await nodes.at(0).kill();
        const took = await gone(load, nodes, victim, others);
        assert.ok(took > TIMEOUT / 4 && took < 3 * TIMEOUT + 2000, `${took} ms`);
        await nodes.known();
        await load.flowing();
        await sleep(500);
        told(others, `-${victim.user}`);
        for (const node of nodes.running) {
            const { json } = await get(node, `/channels/${load.presence}/users`);
            assert.deepEqual(json.users.map(({ id }) => id).sort(), others.map(({ user }) => user).sort());
        }
    });

    fault('killed and started again under the same name: nobody is left behind', { skip, ...flicker }, async ({ nodes, load }) => {
        const [victim, ...others] = load.members;
        load.sessions[0].closing = true;
        const daemon = nodes.at(0);
        await daemon.kill();
        await daemon.launch();
        // Its member comes back before the others have missed it, and is there for good.
        const again = await load.join(daemon, victim.user);
        load.members.splice(load.members.indexOf(victim), 1);
        await nodes.known(undefined, 3);
        await until(() => again.ids.length === 3, () => `the new member to see all: ${again.ids}\n${nodes.log()}`);
        await nodes.flush();
        for (const other of others) {
            assert.ok(other.users.has(victim.user));
            assert.ok(['', `-${victim.user},+${victim.user}`].includes(other.changes.join()), `${other.changes}`);
        }
        await again.close();
        await gone(load, nodes, victim, others);
        load.members.splice(load.members.indexOf(again), 1);
        for (const node of nodes.running) assert.equal((await get(node, `/channels/${load.presence}/users`)).json.users.length, 2);
    });

    fault('ended properly: its members leave at once, and all that it took arrives', { skip, ...flicker, sections: { cluster: { node_timeout: 60 } } }, async ({ nodes, load }) => {
        const [victim, ...others] = load.members;
        load.sessions[0].closing = true;
        const publisher = load.publishers[0];
        await nodes.at(0).stop({ keep: true });
        await gone(load, nodes, victim, others);
        await nodes.known(undefined, 2, 5000);
        await load.flowing();
        await load.stop();
        told(others, `-${victim.user}`);
        for (const session of load.living) {
            for (const channel of load.channels) assert.ok(session.upTo(publisher, channel) >= publisher.sent.get(channel), `what ${publisher.name} had sent: ${publisher.sent.get(channel)}, arrived: ${session.upTo(publisher, channel)}`);
        }
        load.check({ flicker: true });
        assert.deepEqual(await losses(nodes), {});
    });

    fault('stopped for less than node_timeout: nobody notices', { skip, sections: { cluster: { node_timeout: 30 } } }, async ({ nodes, load }) => {
        for (let round = 0; round < 3; round++) {
            nodes.at(1).process.kill('SIGSTOP');
            await sleep(1000);
            nodes.at(1).process.kill('SIGCONT');
            await load.flowing();
        }
    });

    fault('stopped for longer than node_timeout and continued: its members leave once and come back once, it misses nothing', { skip, ...flicker }, async ({ nodes, load }) => {
        const [victim, ...others] = load.members;
        nodes.at(0).process.kill('SIGSTOP');
        await gone(load, nodes, victim, others);
        await sleep(1000);
        nodes.at(0).process.kill('SIGCONT');
        await until(() => others.every((other) => other.users.has(victim.user)), () => `${victim.user} to be back\n${nodes.log()}`);
        await nodes.known();
        await load.flowing();
        told(others, `-${victim.user}`, `+${victim.user}`);
        told([victim]);
    });

    fault('a newcomer under load hears all from then on, and knows all members at once', { skip }, async ({ nodes, load }) => {
        const one = await nodes.add();
        await load.listen(one);
        const here = await get(one, `/channels/${load.presence}/users`);
        assert.deepEqual(here.json.users.map(({ id }) => id).sort(), load.members.map(({ user }) => user).sort());
        load.publish(one);
        await load.flowing();
    });

    fault('two nodes of one name work, and it is said that they are', { skip, each: (i) => ({ cluster: { node: i ? 'twin' : 'single' } }) }, async ({ nodes, load }) => {
        assert.equal(await nodes.sum('cluster_nodes'), 9);
        assert.ok(nodes.all.some((one) => /two nodes with the name twin/.test(one.stderr)), nodes.log());
        assert.deepEqual((await Nodes.report(nodes.at(0))).nodes.map(({ node }) => node).sort(), ['single', 'twin', 'twin']);
        await load.flowing();
    });

    fault('clocks an hour apart', { skip: skip || noFaketime || (/san/.test(process.env.FANFARED ?? '') && 'a sanitizer must be loaded first'), env: (i) => (i ? ahead(i === 1 ? 3600 : -3600) : {}) }, async ({ nodes, load }) => {
        for (let round = 0; round < 3; round++) {
            await sleep(TIMEOUT / 2);
            await load.flowing();
        }
        assert.equal(await nodes.sum('cluster_nodes'), 9);
        assert.match(nodes.at(1).stderr, new RegExp(`^${new Date(Date.now() + 3_600_000).toISOString().slice(0, 11)}`), 'its clock is ahead');
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

    fault('nodes of other lanes refuse each other, and say which node and what to change', { skip, quiet: true, nodes: 2 }, async ({ nodes }) => {
        const odd = await nodes.make(2, { cluster: { lanes: 2, node: 'odd' } });
        try {
            await until(() => /odd.*lanes|lanes.*odd/.test(nodes.at(0).stderr) || /lanes/.test(odd.stderr.replace(/this node is.*\n/, '')), () => `a line about lanes\n${nodes.log()}\n${odd.stderr}`);
        } finally {
            await odd.stop();
        }
        await nodes.known();
    });
});
