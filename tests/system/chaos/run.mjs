// Faults at random for minutes: node tests/system/chaos/run.mjs [--seed N] [--minutes M] [--nodes N] [--rounds N] [--quiet]
//
// Several nodes on one Redis, under load, while nodes and Redis are killed, stopped, cut off and started again; at the end it is
// checked what each client has seen. The same seed draws the same faults; what they meet depends on the machine. --rounds goes on
// with the seeds that follow. Ends with status 1 and what happened if something was not as promised. The daemon is $FANFARED, else
// out/release/fanfared.
import { chaos } from './chaos.mjs';

const options = { seed: Math.floor(Math.random() * 2 ** 31), minutes: 2, nodes: 3, rounds: 1 };
for (let i = 2; i < process.argv.length; i++) {
    const [name, inline] = process.argv[i].replace(/^--/, '').split(/=(.*)/s);
    if (name === 'quiet') options.quiet = true;
    else if (name in options) options[name] = Number(inline ?? process.argv[++i]);
    else options.bad = process.argv[i];
    if (options.bad || Object.values(options).some((value) => Number.isNaN(value))) {
        console.error('usage: node tests/system/chaos/run.mjs [--seed N] [--minutes M] [--nodes N] [--rounds N] [--quiet]');
        process.exit(2);
    }
}

for (let round = 0; round < options.rounds; round++) {
    const seed = options.seed + round;
    try {
        const { faults, delivered, counted } = await chaos({ seed, seconds: options.minutes * 60, count: options.nodes, say: options.quiet ? undefined : (line) => console.log(line) });
        console.log(`seed ${seed}: ${faults} faults, ${delivered} messages delivered, none doubled or out of order, ${counted || 'none'} missing${counted ? ' and counted, of those that nobody kept' : ''}`);
    } catch (error) {
        console.error(`FAILED: ${error.stack.replace(error.stack.split('\n    at ')[0], error.message)}`);
        console.error(`again: node tests/system/chaos/run.mjs --seed ${seed} --minutes ${options.minutes} --nodes ${options.nodes}`);
        process.exit(1);
    }
}
process.exit(0);
