// Several daemons that share a Redis: started, waited for, and asked as one.
import { after, before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { APP, APP2, Daemon } from './daemon.mjs';
import { Ipc } from './ipc.mjs';
import { Redis } from './redis.mjs';
import { hmac } from './sign.mjs';
import { deadline, until } from './wait.mjs';
import { Client } from './ws.mjs';

/** An application that tests do not look at: what goes through it tells that what was said before has arrived. */
const PROBE = { id: 'probe', key: 'probe', secret: 'secret-of-probe' };

/** Time-outs of tests: short, but not so short that a busy machine makes them pass. */
export const QUICK = { node_timeout: 2, query_deadline: 2 };

export class Nodes {
    #probes = [];
    #round = 0;

    /**
     * n daemons named n1, n2, ... redis: its sections or its URL. sections: of all; each(i): of one, from 0 on, or
     * nothing. clocks: of clock.mjs, by node. Waits until each knows all.
     */
    static async start(n, { redis, sections = {}, each = () => ({}), workers = 1, env = () => ({}), clocks = [], lanes = 1, known = true, ...options } = {}) {
        const nodes = new Nodes();
        nodes.lanes = lanes;
        nodes.make = async (i, more = {}) => {
            const merged = {};
            const parts = [
                { [`app "${PROBE.id}"`]: { key: PROBE.key, secret: PROBE.secret } },
                typeof redis === 'string' ? { redis: { url: redis } } : redis,
                { redis: { connect_timeout: 1 }, cluster: { node: `n${i + 1}`, lanes, ...QUICK } },
                sections, each(i) ?? {}, more,
            ];
            for (const part of parts) for (const [name, keys] of Object.entries(part)) merged[name] = keys && { ...merged[name], ...keys };
            const daemon = await Daemon.start({ workers: [workers].flat()[i % [workers].flat().length], sections: merged, env: { ...env(i), ...clocks[i]?.env }, ...options });
            // label: what tests call it, even where two nodes have one name. now(): what time it believes it is.
            return Object.assign(daemon, { label: `n${i + 1}`, now: () => Date.now() + 1000 * (clocks[i]?.seconds ?? 0) });
        };
        nodes.all = [];
        try {
            nodes.all.push(...(await Promise.all(Array.from({ length: n }, (_, i) => nodes.make(i)))));
            if (known) await nodes.known();
        } catch (error) {
            await nodes.stop({ check: false });
            throw error;
        }
        return nodes;
    }

    /** One more, which the others have heard of when it returns. */
    async add(more = {}) {
        const one = await this.make(this.all.length, more);
        this.all.push(one);
        await this.known();
        return one;
    }

    at(i) {
        return this.all[i];
    }
    get running() {
        return this.all.filter((one) => !one.stopped);
    }

    /** What a node says of the cluster. */
    static async report(daemon) {
        const { text } = await daemon.http('/stats', { port: daemon.adminPort });
        return JSON.parse(text).cluster;
    }

    /** Waits until all of `nodes` are ready and count `n` nodes. */
    async known(nodes = this.running, n = nodes.length, ms = 30_000) {
        await Promise.all(nodes.map((one) => until(async () => {
            assert.equal((await one.http('/health/ready', { port: one.adminPort })).status, 200, 'not ready');
            const seen = (await one.metrics()).get('cluster_nodes');
            assert.equal(seen, n, 'nodes that it knows');
            return true;
        }, () => `node ${one.sections.cluster.node} to know ${n} nodes\n${one.stderr.slice(-3000)}`, ms)));
    }

    /** Whatever was said on any of these nodes has reached all of them: a message of each is waited for on each. */
    async flush(nodes = this.running) {
        const probes = await Promise.all(nodes.map((one) => this.#probe(one)));
        const round = `${++this.#round}`;
        await Promise.all(probes.map(async (probe, from) => {
            for (const channel of probe.channels) await probe.ipc.publish({ channel, event: 'probe', data: JSON.stringify(`${round}/${from}`) });
        }));
        const wanted = probes.length * probes[0].channels.length;
        await Promise.all(probes.map(async ({ client }) => {
            for (let got = 0; got < wanted;) {
                const message = await client.expect('probe');
                if (JSON.parse(message.data).split('/')[0] === round) got++;
            }
            await client.sync([]);
        }));
    }

    async #probe(daemon) {
        let probe = this.#probes.find((one) => one.pid === daemon.pid);
        if (!probe) {
            probe = { pid: daemon.pid, ipc: await Ipc.open(daemon.socket, PROBE, { ms: daemon.now() }), client: await Client.open(daemon, { app: PROBE }) };
            // As many channels as make it next to certain that every lane has one.
            probe.channels = Array.from({ length: this.lanes === 1 ? 1 : this.lanes * 10 }, (_, i) => `probe-${i}`);
            for (const channel of probe.channels) await probe.client.subscribe(channel);
            await probe.client.sync();
            await probe.ipc.ping();
            await probe.ipc.ping();
            this.#probes.push(probe);
        }
        return probe;
    }

    /** fanfare_<name> of all running nodes, added up over the lines whose labels contain this. */
    async sum(name, labels = '', nodes = this.running) {
        let total = 0;
        for (const one of nodes) {
            for (const [key, value] of (await one.metrics()).values) {
                const [base, rest = ''] = key.split(/(?=\{)/);
                if (base === `fanfare_${name}` && rest.includes(labels)) total += value;
            }
        }
        return total;
    }

    log() {
        return this.all.map((one) => `--- ${one.sections.cluster.node}\n${one.stderr.slice(-2500)}`).join('\n');
    }

    async stop({ check = true } = {}) {
        for (const { client, ipc } of this.#probes) {
            client.destroy();
            ipc.close();
        }
        const ends = await Promise.allSettled(this.all.map((one) => {
            one.process?.kill('SIGCONT');
            return one.stop({ check: check && !one.stopped });
        }));
        const bad = ends.find(({ status }) => status === 'rejected');
        if (bad && check) throw bad.reason;
    }
}

/** Sends a sign-in and waits for it. */
export async function signIn(client, id, { app = client.app, watchlist } = {}) {
    const user_data = JSON.stringify({ id, ...(watchlist ? { watchlist } : {}) });
    client.send({ event: 'pusher:signin', data: { auth: `${app.key}:${hmac(app.secret, `${client.socketId}::user::${user_data}`)}`, user_data } });
    return client.expect('pusher:signin_success');
}

/**
 * A describe() around n nodes on one Redis. ctx.nodes, ctx.redis and ctx.ipcs exist while tests run; ctx.open(i) opens a
 * client at node i. place(ctx) -> {sections, stop}: another Redis than a plain one.
 */
export function clusterSuite(name, { nodes = 3, place, skip, ...options }, define) {
    describe(name, { skip }, () => {
        const open = new Set();
        const ctx = {
            open: async (i, more = {}) => {
                const client = await Client.open(ctx.nodes.at(i), { app: APP, ...more });
                open.add(client);
                return client;
            },
            ipc: async (i, app = APP) => {
                const ipc = await Ipc.open(ctx.nodes.at(i).socket, app);
                open.add({ destroy: () => ipc.close() });
                return ipc;
            },
        };
        before(async () => {
            if (skip) return;
            ctx.place = place ? await place(ctx) : undefined;
            ctx.redis = ctx.place ? undefined : await Redis.start();
            ctx.nodes = await Nodes.start(nodes, { redis: ctx.place?.sections ?? ctx.redis.url, ...options });
            ctx.ipcs = await Promise.all(ctx.nodes.all.map((_, i) => ctx.ipc(i)));
        });
        after(async () => {
            for (const one of open) one.destroy();
            try {
                await ctx.nodes?.stop();
            } finally {
                await ctx.redis?.stop();
                await ctx.place?.stop();
            }
        });
        define(ctx);
    });
}

export { APP, APP2, deadline };
