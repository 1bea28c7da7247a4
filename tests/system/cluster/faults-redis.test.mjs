// Redis goes away, lies, forgets and refuses, under load: within the window nothing is lost, doubled or reordered, and nobody
// sees a member come or go.
import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { Clock, noClock } from '../lib/clock.mjs';
import { AWAY, MUTE, fault, losses, sleep } from '../lib/faults.mjs';
import { noRedis } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const skip = noRedis;
const clocks = noClock ? [] : [new Clock(), new Clock()];
after(() => clocks.forEach((clock) => clock.remove()));

describe('Redis under load', () => {
    fault('killed for a while and empty when it returns', { skip }, async ({ redis, load, nodes }) => {
        await redis.kill();
        // Own subscribers do not wait for it.
        await load.flowingAtHome();
        await sleep(AWAY);
        await redis.launch();
        await load.flowing();
        assert.ok(await nodes.sum('bus_resent_total') > 0, 'what was said meanwhile was appended again');
    });

    fault('killed three times in a row, as soon as nodes have found it again', { skip }, async ({ redis, load }) => {
        for (let round = 0; round < 3; round++) {
            await redis.kill();
            await sleep(200);
            await redis.launch();
            await load.flowing();
        }
    });

    fault('stopped, with all its connections open', { skip }, async ({ redis, load }) => {
        redis.pause();
        await load.flowingAtHome();
        await sleep(MUTE);
        redis.resume();
        await load.flowing();
    });

    fault('stopped again and again for a moment', { skip }, async ({ redis }) => {
        for (let round = 0; round < 8; round++) {
            redis.pause();
            await sleep(250);
            redis.resume();
            await sleep(150);
        }
    });

    fault('every connection ended, again and again', { skip }, async ({ redis, nodes }) => {
        for (let round = 0; round < 20; round++) {
            await redis.hangUp();
            await sleep(100);
        }
        assert.ok(await nodes.sum('redis_reconnects_total') > 0);
    });

    fault('emptied by FLUSHALL, again and again', { skip }, async ({ redis, load, nodes }) => {
        for (let round = 0; round < 5; round++) {
            await redis.command('FLUSHALL');
            await sleep(200);
        }
        await load.flowing();
        assert.equal(await nodes.sum('bus_lost_control_total'), 0);
    });

    fault('the stream is deleted, or trimmed to nothing', { skip }, async ({ redis, load }) => {
        for (let round = 0; round < 4; round++) {
            for (const key of await redis.command('KEYS', '*')) {
                if (round % 2) await redis.command('XTRIM', key, 'MAXLEN', 0);
                else await redis.command('DEL', key);
            }
            await sleep(200);
            await load.flowing();
        }
    });

    fault('another kind of value stands where the stream was', { skip }, async ({ redis, load }) => {
        const [key] = await redis.command('KEYS', '*');
        await redis.command('SET', key, 'x');
        await sleep(500);
        await redis.command('DEL', key);
        await load.flowing();
    });

    fault('a replica of somebody else for a while: READONLY', { skip, redis: { conf: ['replica-serve-stale-data yes'] } }, async ({ redis, load }) => {
        await redis.command('REPLICAOF', '127.0.0.1', '1');
        await sleep(AWAY / 2);
        await redis.command('REPLICAOF', 'NO', 'ONE');
        await load.flowing();
    });

    fault('out of memory for a while', { skip }, async ({ redis, load }) => {
        await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
        await redis.command('CONFIG', 'SET', 'maxmemory', '1');
        await sleep(AWAY / 2);
        await redis.command('CONFIG', 'SET', 'maxmemory', '0');
        await load.flowing();
    });

    fault('its password is changed, and nodes learn it by a reload', { skip, redis: { password: 'before' } }, async ({ redis, nodes, load }) => {
        await redis.command('CONFIG', 'SET', 'requirepass', 'after');
        redis.password = 'after';
        await redis.hangUp();
        await until(() => nodes.all.every((one) => /password|WRONGPASS|NOAUTH/i.test(one.stderr)), () => `the nodes to say what is wrong\n${nodes.log()}`);
        for (const one of nodes.all) await one.reload({ redis: { url: redis.url } });
        await load.flowing();
        assert.ok(!nodes.all.some((one) => /:before@|:after@/.test(one.stderr)), 'no password in the log');
    });

    fault('comes back with a clock an hour behind, and so with lower ids', { skip: skip || noClock, redis: { clock: clocks[0] } }, async ({ redis, load }) => {
        await redis.kill();
        redis.clock.jump(-3600);
        await redis.launch();
        await load.flowing();
        // And back again, which leaves a gap of an hour in the ids.
        await redis.kill();
        redis.clock.jump(0);
        await redis.launch();
    });

    fault('its clock jumps by an hour while it runs, forth and back', { skip: skip || noClock, redis: { clock: clocks[1] } }, async ({ redis, load }) => {
        redis.clock.jump(3600);
        await load.flowing();
        await sleep(1000);
        redis.clock.jump(0);
        await load.flowing();
        await redis.command('FLUSHALL');
        await load.flowing();
    });
});

describe('beyond the window', () => {
    /** What each node's subscribers miss of each other node is what that node has counted. */
    const exact = async ({ nodes, load }) => {
        await load.flowing();
        await load.stop();
        const counted = await losses(nodes);
        let total = 0;
        for (const session of load.sessions) {
            const at = session.daemon.sections.cluster.node;
            for (const from of nodes.all.map((one) => one.sections.cluster.node)) {
                const missing = session.missing(`${from}:`);
                total += missing;
                assert.equal(missing, counted[at]?.[from] ?? 0, `what ${at} misses of ${from}; counted: ${JSON.stringify(counted)}\n${nodes.log()}`);
            }
        }
        assert.ok(total > 0, 'something must have been lost for this to mean anything');
    };

    fault('what is older than resend_window is lost, and counted exactly', { skip, sections: { cluster: { resend_window: 1 } }, expect: { lost: true } }, async (ctx) => {
        await ctx.redis.kill();
        await sleep(3500);
        await ctx.redis.launch();
        await exact(ctx);
    });

    fault('what is more than resend_bytes is lost, and counted exactly', { skip, sections: { cluster: { resend_bytes: '1M' } }, load: { size: 4000, channels: 3 }, expect: { lost: true } }, async (ctx) => {
        await ctx.redis.kill();
        await sleep(3500);
        await ctx.redis.launch();
        await exact(ctx);
    });
});
