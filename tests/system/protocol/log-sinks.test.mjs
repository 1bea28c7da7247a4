// Where the log goes may block, fail or not be there: the daemon serves on and counts the lines that nobody got.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, Daemon } from '../lib/daemon.mjs';
import { Ipc } from '../lib/ipc.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from '../lib/ws.mjs';

/** The path of a pipe. Each side opens it for itself: node makes blocking what it hands to a child. */
function pipe(t) {
    const dir = mkdtempSync(join(tmpdir(), 'ff-pipe-'));
    const path = join(dir, 'log');
    execFileSync('mkfifo', [path]);
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return path;
}

/** Writes until it takes no more. */
function fill(fd) {
    const page = Buffer.alloc(4096, 'x');
    for (const size of [4096, 1]) {
        try {
            for (;;) writeSync(fd, page, 0, size);
        } catch (error) {
            if (error.code !== 'EAGAIN') throw error;
        }
    }
}

/** Reads what there is. */
function drain(fd) {
    const room = Buffer.alloc(65536);
    let text = '';
    try {
        for (;;) text += room.toString('latin1', 0, readSync(fd, room));
    } catch (error) {
        if (error.code !== 'EAGAIN') throw error;
    }
    return text;
}

/** Everybody is served while lines are logged. */
async function works(daemon) {
    const client = await Client.open(daemon, { app: APP });
    await client.subscribe('c');
    const ipc = await Ipc.open(daemon.socket, APP);
    for (let i = 0; i < 5; i++) {
        const refused = await Ipc.open(daemon.socket, { ...APP, secret: 'wrong' });
        await refused.ended;
        assert.equal((await ipc.publish({ channel: 'c', data: String(i) })).recipients, 1);
        assert.equal((await client.expect('E', 'c')).data, String(i));
    }
    await client.close();
    ipc.close();
}

const dropped = async (daemon) => (await daemon.metrics()).get('log_lines_dropped_total');

for (const workers of [1, 3]) {
    const started = async (t, options) => {
        const daemon = await Daemon.start({ workers, ...options });
        t.after(() => daemon.stop());
        return daemon;
    };

    test(`a pipe that is full from the start, and is read later (workers=${workers})`, async (t) => {
        const path = pipe(t);
        const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
        t.after(() => closeSync(fd));
        fill(fd);
        const writer = openSync(path, constants.O_WRONLY);
        const daemon = await started(t, { stderr: writer });
        closeSync(writer);
        await works(daemon);
        const before = await dropped(daemon);
        assert.ok(before >= 10, `${before} lines dropped`);
        drain(fd);
        daemon.process.kill('SIGHUP');
        await until(() => /^\d{4}-\S+Z \w+ \w+: /m.test(drain(fd)), 'a line of the log');
        assert.equal(await dropped(daemon), before);
    });

    test(`a pipe whose reader goes away (workers=${workers})`, async (t) => {
        const path = pipe(t);
        const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
        const writer = openSync(path, constants.O_WRONLY);
        const daemon = await started(t, { stderr: writer });
        closeSync(writer);
        closeSync(reader);
        const before = await dropped(daemon);
        await works(daemon);
        assert.ok((await dropped(daemon)) >= before + 5);
    });

    test(`a full disk (workers=${workers})`, async (t) => {
        const fd = openSync('/dev/full', 'w');
        t.after(() => closeSync(fd));
        const daemon = await started(t, { stderr: fd });
        await works(daemon);
        assert.ok((await dropped(daemon)) >= 10);
    });

    test(`no stderr at all: nobody else's descriptor takes its place (workers=${workers})`, async (t) => {
        const daemon = await started(t, { prefix: ['sh', '-c', 'exec "$0" "$@" 0<&- 1>&- 2>&-'] });
        const links = execFileSync('readlink', ['0', '1', '2'], { cwd: `/proc/${daemon.pid}/fd`, encoding: 'utf8' });
        assert.deepEqual(links.trim().split('\n'), ['/dev/null', '/dev/null', '/dev/null']);
        await works(daemon);
    });
}
