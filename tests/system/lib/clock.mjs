// A wall clock of one's own for a program under test, which can jump while it runs.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { daemonPath } from './paths.mjs';

const library = readdirSync('/usr/lib')
    .map((dir) => `/usr/lib/${dir}/faketime/libfaketimeMT.so.1`)
    .find(existsSync);

/** Why no clock can be faked, or false; and why not the daemon's. */
export const noClock = library ? false : 'libfaketime is not installed';
export const noDaemonClock = noClock || (/[/](asan|tsan)[/]|san/.test(daemonPath) ? 'a sanitizer must be loaded first' : false);

export class Clock {
    constructor(seconds = 0) {
        this.dir = mkdtempSync(join(tmpdir(), 'ff-clock-'));
        this.file = join(this.dir, 'clock');
        this.jump(seconds);
    }

    /** How far it is ahead of ours from now on. */
    jump(seconds) {
        this.seconds = seconds;
        writeFileSync(`${this.file}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}`);
        renameSync(`${this.file}.new`, this.file);
    }

    // The C library in front of jemalloc: that asks for the time while libfaketime still allocates.
    get env() {
        return { LD_PRELOAD: `${library} libc.so.6`, FAKETIME_TIMESTAMP_FILE: this.file, FAKETIME_NO_CACHE: '1', DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    }

    remove() {
        rmSync(this.dir, { recursive: true, force: true });
    }
}
