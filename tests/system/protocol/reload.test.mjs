// SIGHUP: what changes while everything runs, and what it does to whom.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { APP, APP2 } from '../lib/daemon.mjs';
import { suite, unique } from '../lib/suite.mjs';
import { Client } from '../lib/ws.mjs';
import { Ipc } from '../lib/ipc.mjs';

suite('reload', { workers: [1, 3] }, (ctx) => {
    const APP3 = { id: 'app3', key: 'key3', secret: 'secret-of-app3' };

    test('an application is added, its key changed, and it is removed again', async () => {
        const { daemon, ipc } = ctx;
        const channel = unique();
        const bystander = await ctx.open();
        await bystander.subscribe(channel);
        await daemon.reload({ 'app "app3"': { key: 'key3', secret: APP3.secret } });
        const early = await ctx.open({ app: APP3 });
        await daemon.reload({ 'app "app3"': { key: 'key3b', secret: APP3.secret } });
        await (await ctx.dial({ app: APP3 })).response();
        const late = await ctx.open({ app: { ...APP3, key: 'key3b' } });
        await Promise.all([early.sync(), late.sync()]);
        await daemon.reload({ 'app "app3"': null });
        for (const client of [early, late]) {
            await client.error(4001);
            await client.closedWith(4001);
        }
        await ipc.publish({ channel });
        await bystander.expect('E', channel);
    });
});
