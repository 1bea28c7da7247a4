// A node and Redis at once: what one node has not read yet is in the log no more, and who said it says it again.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { fault, sleep } from '../lib/faults.mjs';
import { noRedis } from '../lib/redis.mjs';

const skip = noRedis;
const sections = { cluster: { node_timeout: 8 } };

describe('a node and Redis under load', () => {
    const lacking = (name, harm) => fault(name, { skip, sections }, async (ctx) => {
        const { nodes, load } = ctx;
        for (const slow of [nodes.at(0), nodes.at(2)]) {
            slow.process.kill('SIGSTOP');
            await sleep(400);
            await harm(ctx);
            await sleep(400);
            slow.process.kill('SIGCONT');
            await load.flowing();
        }
        assert.ok(await nodes.sum('bus_resent_total') > 0, 'something had to be said again');
    });

    lacking('emptied while one node stands still', ({ redis }) => redis.command('FLUSHALL'));
    lacking('the stream is deleted while one node stands still', ({ redis }) => redis.command('DEL', 'fanfare:lane:0'));
    lacking('killed and started empty while one node stands still', async ({ redis }) => {
        await redis.kill();
        await redis.launch();
    });
    lacking('trimmed to nothing while one node stands still', ({ redis }) => redis.command('XTRIM', 'fanfare:lane:0', 'MAXLEN', 0));
});
