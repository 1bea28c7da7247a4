// One fault under load: nodes on a Redis of their own, numbered messages through each, and members who watch each other.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Nodes } from './cluster.mjs';
import { Load } from './load.mjs';
import { Redis, Wire } from './redis.mjs';

/** FANFARE_TEST_LONG=1: outages of half a minute, with the default time-outs. */
export const long = process.env.FANFARE_TEST_LONG === '1';
/** How long something is away, in ms. */
export const AWAY = long ? 30_000 : 3000;
/** The same for what must be longer than a connection waits for an answer of Redis. */
export const MUTE = long ? 30_000 : 7000;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Losses that the nodes have counted: {receiver: {sender: n}} without the zeros. */
export async function losses(nodes, metric = 'bus_lost_total') {
    const all = {};
    for (const one of nodes.running) {
        for (const [key, value] of (await one.metrics()).values) {
            const match = new RegExp(`^fanfare_${metric}\\{node="([^"]*)"\\}$`).exec(key);
            if (match && value) (all[one.sections.cluster.node] ??= {})[match[1]] = value;
        }
    }
    return all;
}

/**
 * A test. place(): another Redis than a plain one, as {sections, stop}. wires: a wire for each node, in ctx.wires. quiet: no
 * load. run(ctx) does the harm and undoes it; after it all is checked: nothing lost, doubled or reordered, nobody flickered,
 * and the counters say so. expect: what may be otherwise, {lost, flicker}.
 */
export function fault(name, { nodes = 3, place, wires = false, redis, sections = {}, load = {}, quiet = false, expect = {}, skip, timeout = 180_000, ...options }, run) {
    test(name, { skip, timeout }, async () => {
        const ctx = { stops: [] };
        let failed = true;
        try {
            if (place) {
                ctx.place = await place();
                ctx.stops.unshift(() => ctx.place.stop());
            } else {
                ctx.redis = await Redis.start(redis);
                ctx.stops.unshift(() => ctx.redis.stop());
            }
            if (wires) {
                ctx.wires = [];
                for (let i = 0; i < nodes; i++) ctx.wires.push(await Wire.start(ctx.redis.port));
                ctx.stops.unshift(() => Promise.all(ctx.wires.map((wire) => wire.stop())));
            }
            ctx.nodes = await Nodes.start(nodes, {
                redis: ctx.place?.sections ?? ctx.redis.url,
                ...(wires && { each: (i) => ({ redis: { url: ctx.wires[i].url } }) }),
                sections: { ...sections, ...(long && { cluster: { node_timeout: 15, ...sections.cluster } }) },
                ...options,
            });
            ctx.stops.unshift(() => ctx.nodes.stop({ check: !failed }));
            if (!quiet) {
                ctx.load = await Load.on(ctx.nodes, load);
                ctx.stops.unshift(() => ctx.load.close());
            }
            await run(ctx);
            if (!quiet && !ctx.load.stopping) {
                await ctx.load.flowing();
                await ctx.load.stop();
                ctx.load.check(expect);
                if (!expect.lost) assert.deepEqual(await losses(ctx.nodes), {}, `losses that were counted\n${ctx.nodes.log()}`);
            }
            failed = false;
        } finally {
            for (const stop of ctx.stops) {
                try {
                    await stop();
                } catch (error) {
                    if (!failed) {
                        failed = true;
                        // eslint-disable-next-line no-unsafe-finally
                        throw error;
                    }
                }
            }
        }
    });
}
