// Reporter of one test file: one line per test, details of failures, counts as JSON into $FANFARE_TEST_RESULT.
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';

const cause = (error) => (error?.code === 'ERR_TEST_FAILURE' && error.cause ? error.cause : error);

function text(error) {
    const real = cause(error);
    return real?.stack ?? (typeof real === 'string' ? real : inspect(real));
}

export default async function* reporter(events) {
    const result = { passed: 0, failed: 0, skipped: 0, skips: [] };
    const path = [];
    for await (const { type, data } of events) {
        if (type === 'test:start') {
            path.length = data.nesting;
            path[data.nesting] = data.name;
        }
        if (type !== 'test:pass' && type !== 'test:fail') continue;
        const name = [...path.slice(0, data.nesting), data.name].join(' > ');
        const suite = data.details?.type === 'suite';
        if (data.skip !== undefined && data.skip !== false) {
            result.skipped++;
            result.skips.push({ name, reason: typeof data.skip === 'string' && data.skip ? data.skip : 'no reason given' });
        } else if (type === 'test:pass') {
            if (!suite) {
                result.passed++;
                yield `  ok   ${name} (${Math.round(data.details?.duration_ms ?? 0)} ms)\n`;
            }
        } else {
            const why = data.details?.error;
            // A suite fails with its tests; only a failure of its own (a hook) is counted besides them.
            if (suite && why?.failureType === 'subtestsFailed') continue;
            result.failed++;
            yield `  FAIL ${name}\n${text(why).replace(/^/gm, '       ')}\n`;
        }
    }
    if (process.env.FANFARE_TEST_RESULT) writeFileSync(process.env.FANFARE_TEST_RESULT, JSON.stringify(result));
}
