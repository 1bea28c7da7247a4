// The npm packages that the tests use: installed to out/node, never below tests/, and required from there.
import { createRequire } from 'node:module';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeDir, system } from './paths.mjs';

const cache = join(process.env.XDG_CACHE_HOME || join(process.env.HOME || '/tmp', '.cache'), 'fanfare');

/** Installs the exact versions of package.json unless they are there. Throws with npm's words. */
export function install() {
    const wanted = readFileSync(join(system, 'package.json'), 'utf8');
    const stamp = join(nodeDir, '.installed');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
    mkdirSync(nodeDir, { recursive: true });
    copyFileSync(join(system, 'package.json'), join(nodeDir, 'package.json'));
    // What npm downloads and logs lies with what the scripts download, and not in the home directory.
    // Peer dependencies are left alone: laravel-echo names socket.io-client as one, which nobody here uses.
    const npm = spawnSync(
        'flock', // two runs in one checkout install one after the other
        [join(nodeDir, '.lock'), 'npm', 'install', '--no-package-lock', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'],
        { cwd: nodeDir, encoding: 'utf8', env: { npm_config_cache: join(cache, 'npm'), npm_config_update_notifier: 'false', ...process.env } },
    );
    if (npm.status !== 0) throw new Error(`npm install in ${nodeDir} failed:\n${npm.stdout}${npm.stderr}${npm.error ?? ''}`);
    writeFileSync(stamp, wanted);
    return true;
}

let required;
/** require() of an installed package. */
export function need(name) {
    required ??= createRequire(join(nodeDir, 'package.json'));
    return required(name);
}

/** import() of a file of an installed package. laravel-echo's CommonJS build cannot be required: its package says it is ESM. */
export const load = (file) => import(pathToFileURL(join(nodeDir, 'node_modules', file)).href);
