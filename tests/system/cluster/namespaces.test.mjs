// Nodes and Redis in network namespaces, with addresses of their own and cables that are pulled: what is sent is lost without a
// word, and so are attempts to connect. The network and the names in it are gone with the process.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Process } from '../lib/daemon.mjs';
import { system } from '../lib/paths.mjs';
import { missingCommand } from '../lib/proxy.mjs';
import { noRedis } from '../lib/redis.mjs';

const enter = 'mount --make-rprivate / && mkdir -p /run/netns && mount -t tmpfs none /run/netns';
const may = () => (spawnSync('unshare', ['--net', '--mount', 'sh', '-c', `${enter} && ip link add try0 type veth peer name try1 && ip netns add try`]).status === 0 ? false : 'this machine lets nobody make network namespaces');
const skip = noRedis || missingCommand('ip') || missingCommand('unshare') || may();

test('cables between nodes and Redis are pulled', { skip, timeout: 240_000 }, async () => {
    const env = { ...process.env };
    delete env.FANFARE_TEST_RESULT;
    delete env.NODE_TEST_CONTEXT;
    const inside = new Process('unshare', ['--net', '--mount', 'sh', '-c', `${enter} && exec "$@"`, 'sh', process.execPath, '--no-warnings', '--test-reporter', join(system, 'lib/reporter.mjs'), '--test-reporter-destination', 'stdout', join(system, 'cluster/namespaces.mjs')], { env });
    const status = await inside.exit(200_000).catch((error) => {
        inside.kill('SIGKILL');
        throw error;
    });
    assert.equal(status.code, 0, `${inside.stdout}${inside.stderr}`);
    assert.equal(inside.stdout.match(/^ {2}ok /gm)?.length, 4, inside.stdout);
});
