// A describe() around one running daemon, repeated for each number of workers.
import { after, before, describe } from 'node:test';
import { APP, Daemon } from './daemon.mjs';
import { Ipc } from './ipc.mjs';
import { Client } from './ws.mjs';

/**
 * suite('name', {workers: [1, 3], sections}, (ctx) => tests). ctx.daemon and ctx.ipc (app1's) exist while tests run;
 * ctx.open() opens a client, which is dropped at the end of the suite.
 */
export function suite(name, { workers = [1], ...options }, define) {
    for (const count of [workers].flat()) {
        describe([workers].flat().length > 1 ? `${name} (workers=${count})` : name, () => {
            const open = new Set();
            const ctx = {
                workers: count,
                open: async (options) => {
                    const client = await Client.open(ctx.daemon.pair?.next() ?? ctx.daemon, { app: APP, ...options });
                    open.add(client);
                    return client;
                },
                dial: async (options) => {
                    const client = await Client.dial(ctx.daemon.pair?.next() ?? ctx.daemon, { app: APP, ...options });
                    open.add(client);
                    return client;
                },
            };
            const others = [];
            ctx.ipcOf = async (app) => {
                const ipc = await Ipc.open(ctx.daemon.socket, app);
                others.push(ipc);
                return ipc;
            };
            before(async () => {
                ctx.daemon = await Daemon.start({ workers: count, ...options });
                ctx.ipc = await Ipc.open(ctx.daemon.socket, APP);
            });
            after(async () => {
                for (const client of open) client.destroy();
                for (const ipc of [ctx.ipc, ...others]) ipc?.close();
                await ctx.daemon?.stop();
            });
            define(ctx);
        });
    }
}

let counter = 0;
/** A channel name that no other test of this file uses. */
export const unique = (prefix = 'c') => `${prefix}-${process.pid}-${++counter}`;
