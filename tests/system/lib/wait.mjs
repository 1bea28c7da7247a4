// Waiting by event and by trying, with a deadline that says what was being waited for.

/** Generous: the machine may be busy and the daemon instrumented. */
export const DEADLINE = 20_000;

export function deadline(promise, what, ms = DEADLINE) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Tries `probe` until it returns something truthy; what it throws counts as not yet. */
export async function until(probe, what, ms = DEADLINE) {
    const end = Date.now() + ms;
    let last;
    for (;;) {
        try {
            const value = await probe();
            if (value) return value;
            last = undefined;
        } catch (error) {
            last = error;
        }
        if (Date.now() > end) throw new Error(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}${last ? `: ${last.message}` : ''}`);
        await new Promise((done) => setTimeout(done, 20));
    }
}

/** Reads until what is read has not changed for a quarter of a second: connections that a test before has closed may still be counted. */
export async function steady(read, what = 'a steady value') {
    let value, since;
    return until(async () => {
        const now = await read();
        if (since === undefined || now !== value) [value, since] = [now, Date.now()];
        return Date.now() - since >= 250 && { value };
    }, what).then((found) => found.value);
}

/** A queue that is read with await. `take` fails after the deadline with what is said by `context`. */
export class Inbox {
    #items = [];
    #waiters = [];
    push(item) {
        const waiter = this.#waiters.shift();
        if (waiter) waiter(item);
        else this.#items.push(item);
    }
    get waiting() {
        return this.#items;
    }
    take(what = 'a message', ms = DEADLINE) {
        if (this.#items.length) return Promise.resolve(this.#items.shift());
        let waiter;
        const promise = new Promise((resolve) => {
            waiter = resolve;
            this.#waiters.push(resolve);
        });
        return deadline(promise, what, ms).catch((error) => {
            this.#waiters = this.#waiters.filter((other) => other !== waiter);
            throw error;
        });
    }
}
