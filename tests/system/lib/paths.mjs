// Where things are: the repository, its build tree, and the daemon under test.
import { fileURLToPath } from 'node:url';
import { dirname, join, resolve } from 'node:path';

export const system = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const root = resolve(system, '..', '..');
export const out = join(root, 'out');
export const nodeDir = join(out, 'node');
export const daemonPath = resolve(process.env.FANFARED || join(out, 'release', 'fanfared'));
/** Options of a test that takes long. */
export const long = process.env.FANFARE_TEST_QUICK === '1' ? { skip: 'takes long, left out by --quick' } : {};
