// FANFARE_TEST_NODES=2: suites of one node run on two that share a Redis. Clients are spread over both, publishers and the HTTP API
// are at the second. A protocol must not notice.
import { Ipc } from './ipc.mjs';
import { Redis } from './redis.mjs';
import { until } from './wait.mjs';
import { Client } from './ws.mjs';

const PROBE = { id: 'probe', key: 'probe', secret: 'secret-of-probe' };
let redis;
let number = 0;

/** One for the whole process, which ends it and does not wait for it. */
async function started() {
    const one = await Redis.start();
    one.connection.close();
    const { child } = one.process;
    for (const handle of [child, child.stdout, child.stderr]) handle.unref();
    return one;
}

/** What both nodes have in their configuration. */
export async function shared() {
    redis ??= started();
    return {
        redis: { url: (await redis).url, prefix: `pair-${++number}` },
        cluster: { query_deadline: 5 },
        [`app "${PROBE.id}"`]: { key: PROBE.key, secret: PROBE.secret },
    };
}

export class Pair {
    #turn = 0;
    #round = 0;
    #running = Promise.resolve();

    /** Two started daemons; waits until they know each other. */
    static async of(...daemons) {
        const pair = new Pair();
        pair.daemons = daemons;
        for (const one of daemons) {
            one.pair = pair;
            await until(async () => (await one.metrics()).get('cluster_nodes') === 2 && (await one.http('/health/ready', { port: one.adminPort })).status === 200, () => `two nodes to know each other\n${one.stderr}`);
        }
        return pair;
    }

    /** The node of the next client. */
    next() {
        return this.daemons[this.#turn++ % 2];
    }

    async #ends() {
        const ends = [];
        for (const daemon of this.daemons) {
            // The socket of the first is that of the second, for tests.
            const end = { ipc: await Ipc.open(daemon.ownSocket ?? daemon.socket, PROBE), client: await Client.open(daemon, { app: PROBE, apart: true }) };
            await end.client.subscribe('probe');
            await end.client.sync();
            await end.ipc.ping();
            await end.ipc.ping();
            ends.push(end);
        }
        return ends;
    }

    /** What either node was told has reached the other, and what that caused has come back. */
    barrier() {
        this.#running = this.#running.then(async () => {
            this.ends ??= await this.#ends();
            for (let i = 0; i < 2; i++) {
                const round = String(++this.#round);
                for (const { ipc } of this.ends) await ipc.publish({ channel: 'probe', event: 'probe', data: round });
                for (const { client } of this.ends) for (let got = 0; got < 2;) if ((await client.expect('probe')).data === round) got++;
            }
        });
        return this.#running;
    }

    close() {
        for (const { ipc, client } of this.ends ?? []) {
            ipc.close();
            client.destroy();
        }
    }
}
