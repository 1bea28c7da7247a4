// The time of day in fractions of a millisecond, to be compared with PHP's. On one machine both read one clock; what the
// browser adds to its start may have moved away from it since, and Date.now() itself knows whole milliseconds only.
import { $ } from './dom.js';

const SPELL = 15_000;
let offset = 0; // from the start of the page plus what has run since, to the clock of the machine
let shift = 0; // from the clock of this machine to the server's, where that is another one

const running = () => performance.timeOrigin + performance.now();

/** The moment in which Date.now() steps is known exactly. A step that was seen late makes it smaller: the largest is right. */
function align() {
    let best = -Infinity;
    for (let turn = 0; turn < 3; turn++) {
        const before = Date.now();
        let stepped = before;
        while (stepped === before) stepped = Date.now();
        best = Math.max(best, stepped - running());
    }
    offset = best;
}

/** Milliseconds of the epoch by the server's clock. */
export const now = () => running() + offset + shift;

/** How long ago the server said that it was `then`; what rounding makes negative is nothing. */
export const since = (then) => Math.max(0, now() - then);

export async function start() {
    align();
    setInterval(align, SPELL);

    const asked = now();
    const answer = await fetch('/clock', { headers: { Accept: 'application/json' } });
    const answered = now();
    const { now: server } = await answer.json();
    // An answer that was given before it was asked for, or after it was there: two clocks.
    if (server < asked - 1 || server > answered + 1) {
        shift = server - (asked + answered) / 2;
        $('clocks').hidden = false;
        $('clocks').textContent = `The server's clock is not this one: they differ by ${Math.abs(shift).toFixed(0)} ms. ` +
            `The durations from server to browser are corrected by that, and good to ± ${((answered - asked) / 2).toFixed(0)} ms only.`;
    }
}
