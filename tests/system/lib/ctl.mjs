// fanfared ctl, run against a daemon of a test.
import assert from 'node:assert/strict';
import { Process } from './daemon.mjs';
import { daemonPath } from './paths.mjs';

/** The socket by which ctl reaches it. */
export const adminOf = (daemon) => (daemon.ownSocket ?? daemon.socket).replace(/\.sock$/, '-admin.sock');

/** Runs fanfared ctl against a daemon: {code, stdout, stderr}. The last argument may be options: input, command and before, env. */
export async function ctl(daemon, ...args) {
    const { input, ...options } = typeof args.at(-1) === 'object' ? args.pop() : {};
    const process_ = new Process(options.command ?? daemonPath, [...(options.before ?? []), 'ctl', ...args], {
        env: { PATH: process.env.PATH, ...(daemon && { FANFARE_SOCKET: daemon.ownSocket ?? daemon.socket }), ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
    });
    process_.child.stdin.on('error', () => {});
    process_.child.stdin.end(input ?? '');
    const { code } = await process_.exit();
    return { code, stdout: process_.stdout, stderr: process_.stderr };
}

/** What it prints; it must have done what was asked. */
export async function done(daemon, ...args) {
    const { code, stdout, stderr } = await ctl(daemon, ...args);
    assert.equal(code, 0, `ctl ${args.join(' ')}: ${code}\n${stdout}${stderr}`);
    return stdout;
}

export const json = async (daemon, ...args) => JSON.parse(await done(daemon, ...args, '--json'));
