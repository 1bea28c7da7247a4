// The build with -DFANFARE_ECHO=ON, made as the daemon under test was made.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { daemonPath, out, root } from './paths.mjs';

/** Builds it into out/echo (out/echo-asan for a daemon of out/asan, and so on) and returns the path of its fanfared. */
export function buildEcho() {
    const from = dirname(daemonPath);
    const cache = join(from, 'CMakeCache.txt');
    const options = ['-DFANFARE_ECHO=ON', '-DFANFARE_WERROR=ON'];
    if (existsSync(cache)) {
        const text = readFileSync(cache, 'utf8');
        for (const name of ['CMAKE_BUILD_TYPE', 'CMAKE_C_COMPILER', 'CMAKE_C_FLAGS', 'FANFARE_SANITIZE']) {
            const value = new RegExp(`^${name}:[A-Z]+=(.+)$`, 'm').exec(text)?.[1];
            if (value) options.push(`-D${name}=${value}`);
        }
    }
    const kind = basename(from);
    const directory = join(out, existsSync(cache) && kind !== 'release' ? `echo-${kind}` : 'echo');
    mkdirSync(directory, { recursive: true });
    const lock = join(directory, '.lock');
    for (const args of [['-S', root, '-B', directory, ...options], ['--build', directory, '--target', 'fanfared', '-j', '2']]) {
        const made = spawnSync('flock', [lock, 'cmake', ...args], { encoding: 'utf8' });
        if (made.status !== 0) throw new Error(`cmake ${args.join(' ')} failed:\n${made.stdout}${made.stderr}${made.error ?? ''}`);
    }
    return join(directory, 'fanfared');
}
