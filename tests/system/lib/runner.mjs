// Runs the test files of the chosen groups, a few at a time, each in a process of its own, and adds up.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { install } from './deps.mjs';
import { root, system } from './paths.mjs';

const groups = ['protocol', 'cluster', 'laravel', 'supervisor', 'browser'];
const usage = `usage: tests/system/run [--daemon PATH] [--quick] [--only TEXT] [--jobs N] [group...]
groups: ${groups.join(' ')} (default: all)
--only runs the files whose name contains TEXT, and may be given several times; --quick leaves the long tests out`;

function options(argv) {
    const chosen = { groups: [], jobs: 2, daemon: process.env.FANFARED || join(root, 'out/release/fanfared') };
    const fail = (why) => {
        console.error(`tests/system/run: ${why}\n${usage}`);
        process.exit(2);
    };
    for (let i = 0; i < argv.length; i++) {
        const [name, inline] = argv[i].startsWith('--') ? argv[i].split(/=(.*)/s) : [argv[i]];
        const value = () => inline ?? argv[++i] ?? fail(`${name} needs a value`);
        if (name === '--help') {
            console.log(usage);
            process.exit(0);
        } else if (name === '--daemon') chosen.daemon = value();
        else if (name === '--quick') chosen.quick = true;
        else if (name === '--only') (chosen.only ??= []).push(value());
        else if (name === '--jobs') chosen.jobs = Number(value()) || fail('--jobs needs a number');
        else if (groups.includes(name)) chosen.groups.push(name);
        else fail(`unknown argument ${name}`);
    }
    if (!chosen.groups.length) chosen.groups = groups;
    chosen.daemon = resolve(chosen.daemon);
    if (!existsSync(chosen.daemon)) fail(`no daemon at ${chosen.daemon}; build it: cmake --preset release && cmake --build --preset release`);
    return chosen;
}

const chosen = options(process.argv.slice(2));
if (install()) console.log('installed the npm packages of the tests into out/node');

const files = chosen.groups
    .filter((group) => existsSync(join(system, group)))
    .flatMap((group) =>
        readdirSync(join(system, group))
            .filter((name) => name.endsWith('.test.mjs'))
            .map((name) => join(system, group, name)),
    )
    .filter((file) => !chosen.only || chosen.only.some((text) => relative(system, file).includes(text)));

const scratch = mkdtempSync(join(tmpdir(), 'fanfare-system-'));
const total = { passed: 0, failed: 0, skipped: 0, skips: [], broken: [] };
const running = new Set();

/** Ends a test with whatever it has started, which would outlive it and take from the machine of those that follow. */
function end(child, signal) {
    try {
        process.kill(-child.pid, signal);
    } catch {
        // none of them is left
    }
}

function one(file, index) {
    const name = relative(root, file);
    const result = join(scratch, `${index}.json`);
    const started = Date.now();
    const child = spawn(process.execPath, ['--no-warnings', '--test-reporter', join(system, 'lib/reporter.mjs'), '--test-reporter-destination', 'stdout', file], {
        env: {
            ...process.env,
            FANFARED: chosen.daemon,
            FANFARE_TEST_RESULT: result,
            FANFARE_TEST_QUICK: chosen.quick ? '1' : '',
            // Where the test's own temporary directories go, so that nothing stays even if it is killed.
            TMPDIR: mkdtempSync(join(scratch, 't')),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true, // a process group of its own
    });
    running.add(child);
    child.once('exit', () => end(child, 'SIGKILL'));
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const limit = setTimeout(() => {
        output += `\n  FAIL ${name} took over 5 minutes and was killed\n`;
        end(child, 'SIGKILL');
    }, 300_000);
    return new Promise((done) => {
        child.on('close', (code, signal) => {
            clearTimeout(limit);
            running.delete(child);
            let counts = null;
            try {
                counts = JSON.parse(readFileSync(result, 'utf8'));
            } catch {
                counts = null;
            }
            if (counts) {
                for (const key of ['passed', 'failed', 'skipped']) total[key] += counts[key];
                total.skips.push(...counts.skips.map((skip) => ({ ...skip, file: name })));
            }
            if (!counts || (code !== 0 && counts.failed === 0)) {
                total.failed++;
                total.broken.push(`${name} ended with ${signal ?? `status ${code}`} and without a failed test`);
            }
            console.log(`${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n${output.trimEnd()}`);
            done();
        });
    });
}

for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
        for (const child of running) end(child, 'SIGKILL');
        rmSync(scratch, { recursive: true, force: true });
        process.exit(130);
    });
}

const queue = files.map((file, index) => [file, index]);
await Promise.all(
    Array.from({ length: Math.max(1, Math.min(chosen.jobs, cpus().length, queue.length || 1)) }, async () => {
        for (let next = queue.shift(); next; next = queue.shift()) await one(...next);
    }),
);
rmSync(scratch, { recursive: true, force: true });

if (total.skips.length) console.log('\nSkipped:');
for (const { file, name, reason } of total.skips) console.log(`  ${file}: ${name}: ${reason}`);
for (const line of total.broken) console.log(`FAIL ${line}`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed || total.passed === 0 ? 1 : 0);
