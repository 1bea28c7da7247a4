// A master with a replica, watched by three Sentinels: failovers lose what the replica had not got, and nodes say it again.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { fault, long, sleep } from '../lib/faults.mjs';
import { Sentinels, noSentinel } from '../lib/redis.mjs';
import { until } from '../lib/wait.mjs';

const skip = noSentinel;
const place = () => Sentinels.start({ password: 'watched-secret' });
// A failover takes some seconds in any case, and Redis away expires nobody.
const sections = { cluster: { node_timeout: long ? 15 : 2 } };

describe('Sentinels under load', () => {
    fault('the master is killed, and its newest writes with it', { skip, place, sections }, async ({ place: set, load, nodes }) => {
        const [master, replica] = set.servers;
        // What is written from now on the replica never gets.
        await replica.command('CONFIG', 'SET', 'masterauth', 'wrong');
        await replica.command('CLIENT', 'KILL', 'TYPE', 'master');
        await sleep(800);
        await load.flowing();
        await master.kill();
        await load.flowingAtHome();
        assert.equal(await set.promoted(master), replica);
        await load.flowing();
        assert.ok(await nodes.sum('bus_resent_total') > 0, 'what was lost was appended again');
        // The old one comes back as a replica of the new one.
        await master.launch();
        await until(async () => (await master.info('replication')).role === 'slave', 'the old master to follow', 40_000);
        await load.flowing();
    });

    fault('a failover on demand, while all are well', { skip, place, sections }, async ({ place: set, load }) => {
        const old = await set.master();
        await until(async () => (await set.sentinels[0].command('SENTINEL', 'FAILOVER', Sentinels.name)) === 'OK', 'a failover to begin');
        await set.promoted(old);
        await load.flowing();
        // For a while the old master goes on as one; nobody may have stayed there.
        await until(async () => (await old.info('replication')).master_link_status === 'up', 'the old master to follow', 40_000);
    });

    fault('the master hangs, is replaced, and wakes up as if nothing had been', { skip, place, sections }, async ({ place: set, load }) => {
        const old = await set.master();
        old.pause();
        await set.promoted(old);
        await load.flowing();
        old.resume();
        await load.flowing();
        await until(async () => (await old.info('replication')).role === 'slave', 'the old master to follow', 40_000);
        await load.flowing();
    });

    fault('Sentinels die one by one; nobody notices while the master lives', { skip, place, sections }, async ({ place: set, load }) => {
        await set.sentinels[0].kill();
        await load.flowing();
        await set.sentinels[1].kill();
        await set.servers[0].hangUp();
        await load.flowing();
    });
});
