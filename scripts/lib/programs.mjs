// Holds every program that scripts and tests call against the lists of Debian packages: what happens to be installed on
// a developer's machine and stands in no list fails on a bare one.
//
// Usage: node scripts/lib/programs.mjs [ROOT]
//
// Looked at, as text: the shell scripts of scripts/, tests/, packaging/ and .ci/, and the calls that start a process in
// the JavaScript and PHP there and in the tests of laravel-bridge/. scripts/lib/programs.txt says which package brings a
// program. Ends with a count, and with 1 when a program is in no list.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const read = (file) => readFileSync(join(root, file), 'utf8');

// --- The table and the lists ----------------------------------------------------------------------------------

const table = new Map(); // program: the packages that bring it; "base" and "optional" need no list
for (const line of read('scripts/lib/programs.txt').split('\n')) {
    const [first, ...rest] = line.split(/\s+/).filter(Boolean);
    if (!first || first.startsWith('#')) continue;
    if (first === 'base:' || first === 'optional:') for (const program of rest) table.set(program, [first.slice(0, -1)]);
    else table.set(first, rest);
}

const lists = {};
for (const name of readdirSync(join(root, 'scripts/lib'))) {
    const list = /^packages-(\w+)\.txt$/.exec(name)?.[1];
    if (list) lists[list] = new Set(read(`scripts/lib/${name}`).split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(/\s+/)[0]));
}

/** The lists that are installed before this file runs. */
function listsOf(file) {
    if (file === 'scripts/lib/packages.sh') return [];
    if (file === 'scripts/quickstart') return ['build', 'demo', 'nodes'];
    if (/^scripts\/(build-ext|demo\/|lib\/(make-app|node-modules|ports))/.test(file)) return ['build', 'demo'];
    if (/^scripts\/(test-trixie|lib\/chroot)/.test(file)) return ['build', 'demo', 'test', 'trixie'];
    return ['build', 'demo', 'test'];
}

// --- What was found -------------------------------------------------------------------------------------------

const uses = []; // {file, line, program}
const wrong = [];

// --- Shell ----------------------------------------------------------------------------------------------------

const words = (text) => new Set(text.trim().split(/\s+/));
const builtins = words(`
    . : [ alias bg bind break builtin caller cd command compgen complete continue declare dirs disown echo enable eval exec exit export
    false fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set
    shift shopt source suspend test times trap true type typeset ulimit umask unalias unset wait`);
const keywords = words('if then elif else fi do done while until ! { } time coproc');

// Programs that run their arguments, and functions of a script that do: how many arguments stand before the command.
// Options, and settings of variables, come first in each.
const runners = {
    builtin: 0, chroot: 1, command: 0, env: 0, exec: 0, flock: 1, nice: 0, nohup: 0, setsid: 0, sudo: 0, taskset: 1, timeout: 1, unshare: 0, xargs: 0,
};
const ownRunners = {
    'scripts/bench': { on: 0, part: 1 },
    'scripts/lib/make-app': { step: 0 },
    'scripts/quickstart': { quiet: 2, start: 2, until_answered: 2 },
    'scripts/test': { check: 1 },
    'scripts/test-trixie': { offline: 0, part: 1 },
};
const optionsWithValue = { env: ['-u', '-C'], exec: ['-a'], nice: ['-n'], xargs: ['-n', '-P', '-I', '-L', '-d', '-a', '-s', '-E'], taskset: [], timeout: ['-k', '-s'], flock: ['-w', '-E', '-o'] };

/** Finds the commands of a text in shell. `known`: names of functions. */
class Shell {
    constructor(file, text, line, known) {
        Object.assign(this, { file, text, line, known, at: 0, functions: new Set(known) });
    }

    run() {
        // A function may be called above the line that defines it.
        for (const found of this.text.matchAll(/^[ \t]*(?:function[ \t]+)?([A-Za-z_][\w-]*)[ \t]*\(\)/gm)) this.functions.add(found[1]);
        this.list(null);
    }

    peek(length = 1) {
        return this.text.substr(this.at, length);
    }

    lineAt(at) {
        return this.line + (this.text.slice(0, at).match(/\n/g)?.length ?? 0);
    }

    nested(text, at) {
        new Shell(this.file, text, this.lineAt(at), this.functions).run();
    }

    /** Commands up to `end`, which is ")" , "`" or, for the whole text, null. */
    list(end) {
        let command = [];
        const cases = []; // of the open `case`s: whether a pattern comes next
        const flush = () => {
            if (command.length) this.command(command);
            command = [];
        };
        while (this.at < this.text.length) {
            const c = this.peek();
            if (c === '\n') {
                this.at++;
                flush();
                this.skipDocuments();
            } else if (/[ \t\r]/.test(c)) this.at++;
            else if (this.peek(2) === '\\\n') this.at += 2;
            else if (c === '#') this.comment();
            else if (cases.at(-1) === true && !/^esac\b/.test(this.peek(5))) {
                this.pattern();
                cases[cases.length - 1] = false;
            } else if (this.peek(2) === ';;') {
                this.at += 2;
                flush();
                if (cases.length) cases[cases.length - 1] = true;
            } else if (this.peek(2) === '((' && !command.length) this.arithmetic();
            else if (end && c === end) {
                this.at++;
                flush();
                return;
            } else if (this.peek(2) === '&>') this.redirection();
            else if (/[;&|()]/.test(c)) {
                this.at++;
                flush();
            } else if (/[<>]/.test(c)) this.redirection();
            else {
                const at = this.at;
                const word = this.word();
                if (/^\d+$/.test(word.text) && /[<>]/.test(this.peek())) continue; // a descriptor
                if (/^\{\w+\}$/.test(word.text) && /[<>]/.test(this.peek())) continue;
                if (!command.length && word.plain) {
                    if (keywords.has(word.text)) continue;
                    if (word.text === 'case') {
                        while (/[ \t]/.test(this.peek())) this.at++;
                        this.word();
                        while (/\s/.test(this.peek())) this.at++;
                        if (this.word().text === 'in') cases.push(true);
                        continue;
                    }
                    if (word.text === 'esac') {
                        cases.pop();
                        continue;
                    }
                    if (word.text === 'for' || word.text === 'select') {
                        this.loopHead();
                        continue;
                    }
                    if (word.text === '[[') {
                        this.condition();
                        continue;
                    }
                    if (word.text === 'function') {
                        while (/[ \t]/.test(this.peek())) this.at++;
                        this.functions.add(this.word().text);
                        continue;
                    }
                    if (/^\s*\(\)/.test(this.text.slice(this.at, this.at + 4))) {
                        this.at = this.text.indexOf(')', this.at) + 1;
                        continue;
                    }
                }
                if (/^[A-Za-z_]\w*(\[.*\])?\+?=$/s.test(word.text) && this.peek() === '(') this.array();
                command.push({ ...word, at });
            }
        }
        flush();
    }

    comment() {
        const end = this.text.indexOf('\n', this.at);
        this.at = end < 0 ? this.text.length : end;
    }

    pattern() {
        if (this.peek() === '(') this.at++;
        while (this.at < this.text.length && this.peek() !== ')') {
            if (/[\s|]/.test(this.peek())) this.at++;
            else this.word();
        }
        this.at++;
    }

    arithmetic() {
        let depth = 0;
        do {
            if (this.peek() === '(') depth++;
            else if (this.peek() === ')') depth--;
            this.at++;
        } while (depth > 0 && this.at < this.text.length);
    }

    /** Between `for` and its `do`. */
    loopHead() {
        while (/[ \t]/.test(this.peek())) this.at++;
        if (this.peek(2) === '((') {
            this.arithmetic();
            return;
        }
        while (this.at < this.text.length && !/[;\n]/.test(this.peek())) {
            if (/[ \t]/.test(this.peek())) this.at++;
            else if (this.peek(2) === '\\\n') this.at += 2;
            else this.word();
        }
    }

    condition() {
        while (this.at < this.text.length) {
            if (/[\s()|&<>]/.test(this.peek())) this.at++;
            else if (this.word().text === ']]') return;
        }
    }

    array() {
        this.at++;
        while (this.at < this.text.length && this.peek() !== ')') {
            if (/\s/.test(this.peek())) this.at++;
            else if (this.peek() === '#') this.comment();
            else if (/[<>]/.test(this.peek())) this.redirection();
            else this.word();
        }
        this.at++;
    }

    redirection() {
        const operator = /^&?(<<<|<<-?|<>|<&|>&|>>|>\||<(?!\()|>(?!\()|[<>](?=\())/.exec(this.text.slice(this.at, this.at + 4));
        this.at += operator[0].length;
        if (this.peek() === '(') {
            this.at++;
            this.list(')');
            return;
        }
        while (/[ \t]/.test(this.peek())) this.at++;
        if (/^<<-?$/.test(operator[1])) {
            const word = this.word();
            (this.documents ??= []).push({ end: word.text, plain: word.quoted });
        } else if (this.peek() === '<' || this.peek() === '>') this.redirection();
        else this.word();
    }

    /** Here-documents begin behind the end of the line. */
    skipDocuments() {
        for (const { end, plain } of this.documents ?? []) {
            const from = this.at;
            const found = new RegExp(`^\\t*${end}$`, 'm').exec(this.text.slice(from));
            const until = found ? from + found.index : this.text.length;
            if (!plain) {
                const inner = this.text.slice(from, until);
                for (let at = inner.indexOf('$('); at >= 0; at = inner.indexOf('$(', at + 2)) {
                    if (inner[at - 1] === '\\' || inner[at + 2] === '(') continue;
                    const shell = new Shell(this.file, this.text, this.line, this.functions);
                    shell.at = from + at + 2;
                    shell.list(')');
                }
            }
            this.at = found ? until + found[0].length : until;
        }
        this.documents = [];
    }

    /** One word: its text, with $_ for what is put in at run time, whether that is nothing (plain), and whether it was quoted. */
    word() {
        let text = '', plain = true, quoted = false;
        const start = this.at;
        while (this.at < this.text.length) {
            const c = this.peek();
            if (/[\s;&|<>()]/.test(c)) break;
            if (c === '\\') {
                text += this.text[this.at + 1] === '\n' ? '' : this.text[this.at + 1] ?? '';
                this.at += 2;
            } else if (c === "'") {
                const end = this.text.indexOf("'", this.at + 1);
                text += this.text.slice(this.at + 1, end < 0 ? undefined : end);
                this.at = end < 0 ? this.text.length : end + 1;
                quoted = true;
            } else if (this.peek(2) === "$'") {
                this.at += 2;
                while (this.at < this.text.length && this.peek() !== "'") this.at += this.peek() === '\\' ? 2 : 1;
                this.at++;
                plain = false;
            } else if (c === '"') {
                quoted = true;
                this.at++;
                while (this.at < this.text.length && this.peek() !== '"') {
                    if (this.peek() === '\\') {
                        text += this.peek(2);
                        this.at += 2;
                    } else if (this.expansion()) {
                        plain = false;
                        text += '$_';
                    } else text += this.text[this.at++];
                }
                this.at++;
            } else if (this.expansion()) {
                plain = false;
                text += '$_';
            }
            else if (c === '`') break;
            else text += this.text[this.at++];
        }
        if (this.at === start) this.at++; // a backtick that ends a list is taken by it
        return { text, plain, quoted };
    }

    /** Takes an expansion, if there is one here, with the commands in it. */
    expansion() {
        if (this.peek(3) === '$((') {
            this.at++;
            this.arithmetic();
        } else if (this.peek(2) === '$(') {
            this.at += 2;
            this.list(')');
        } else if (this.peek(2) === '${') {
            let depth = 0;
            do {
                if (this.peek() === '\\') this.at++;
                else if (this.peek() === '{') depth++;
                else if (this.peek() === '}') depth--;
                else if (this.peek(2) === '$(' && this.peek(3) !== '$((') {
                    this.at += 2;
                    this.list(')');
                    continue;
                }
                this.at++;
            } while (this.at < this.text.length && (depth > 0 || this.text[this.at - 1] === '$'));
        } else if (/^\$[\w@*#?$!-]/.test(this.peek(2))) {
            this.at += 2;
            while (/\w/.test(this.peek()) && /\w/.test(this.text[this.at - 1])) this.at++;
        } else if (this.peek() === '`') {
            this.at++;
            this.list('`');
        } else return false;
        return true;
    }

    command(list) {
        let rest = list;
        while (rest.length && /^[A-Za-z_]\w*(\[.*\])?\+?=/s.test(rest[0].text)) rest = rest.slice(1);
        if (!rest.length) return;
        const { text: name, plain, at } = rest[0];
        if (!plain || name.includes('/') || name === '') return; // a variable, or a file of the checkout or of the test
        const own = this.functions.has(name);
        if (!own && !builtins.has(name)) uses.push({ file: this.file, line: this.lineAt(at), program: name });
        const values = optionsWithValue[name] ?? [];
        if ((name === 'sh' || name === 'bash') && !own) {
            const script = rest.findIndex((word) => /^-\w*c$/.test(word.text));
            if (script > 0 && rest[script + 1]) this.nested(rest[script + 1].text, rest[script + 1].at);
        } else if (name === 'trap' || name === 'eval') {
            if (rest[1]) this.nested(rest[1].text, rest[1].at);
        } else if (name === 'type' && rest[1]?.text === '-P' && rest[2]?.plain) {
            uses.push({ file: this.file, line: this.lineAt(at), program: rest[2].text });
        } else if (name === 'ip' && rest[1]?.text === 'netns' && rest[2]?.text === 'exec') {
            this.command(rest.slice(4));
        } else if ((own ? ownRunners[this.file]?.[name] : runners[name]) !== undefined && !(name === 'command' && /^-[vV]$/.test(rest[1]?.text ?? ''))) {
            let next = rest.slice(1);
            const options = () => {
                while (next.length && (/^-/.test(next[0].text) || (name !== 'exec' && /^[A-Za-z_]\w*=/.test(next[0].text)))) {
                    next = next.slice(values.includes(next[0].text) ? 2 : 1);
                }
            };
            options();
            next = next.slice(own ? ownRunners[this.file][name] : runners[name]);
            options();
            if (next.length) this.command(next);
        }
    }
}

// --- JavaScript and PHP ---------------------------------------------------------------------------------------

const lineOf = (text, at) => text.slice(0, at).split('\n').length;
const unquote = (text) => text.replace(/\\(.)/gs, '$1');
const literal = /^\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/s;
const literalAt = (text, at) => {
    const found = literal.exec(text.slice(at, at + 4000));
    return found ? { text: unquote(found[1] ?? found[2] ?? found[3]), end: at + found[0].length } : null;
};

// Comments, with their line ends kept; a string that holds // or /* is left alone.
const bare = (text) => text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*/g, (part) =>
    /^\/[/*]/.test(part) ? part.replace(/[^\n]/g, ' ') : part);

/** The words of a call: those of an array behind the program too, for programs that run others. */
function called(file, text, at, program, end) {
    const line = lineOf(text, at);
    const rest = /^\s*,\s*(\[)?/.exec(text.slice(end, end + 200));
    const args = [];
    let next = rest ? end + rest[0].length : undefined;
    while (next !== undefined && args.length < 12) {
        const one = literalAt(text, next);
        if (one) args.push({ text: one.text, plain: true, at: 0 });
        // A call or a variable among the arguments: what it is does not matter, only that it is one.
        const other = one ? null : /^\s*[\w.#$]+(\([^()]*\))?/.exec(text.slice(next, next + 400));
        if (other) args.push({ text: '', plain: false, at: 0 });
        const after = one ? one.end : other ? next + other[0].length : undefined;
        const comma = after === undefined ? null : /^\s*,/.exec(text.slice(after, after + 50));
        next = comma ? after + comma[0].length : undefined;
    }
    new Shell(file, '', line, []).command([{ text: program, plain: true, at: 0 }, ...args]);
}

// What runs its first argument, and which of those arguments that are no text are known to be a path, or a name that the
// caller of the function around it gives.
const startsInScript = /(?<![\w.])(?:spawn|spawnSync|execFile|execFileSync|new Process|missingCommand)\(|(?:this\.#(?:spawn|run)|Proxy\.start)\(|(?<![\w.])(exec|execSync)\(/g;
const givenInScript = /^\s*(?:process\.execPath|daemonPath|php|command(?:\[0\])?|name|this\.as\[0\]|this\.program|options\.command|join\()/;

function javascript(file, source) {
    const text = bare(source);
    for (const found of text.matchAll(startsInScript)) {
        if (/\b(?:function|async)\s+$/.test(text.slice(0, found.index)) || /^\s*\w+\(.*\)\s*\{$/m.test(text.slice(found.index).split('\n')[0])) continue;
        const at = found.index + found[0].length;
        const program = literalAt(text, at);
        const prefixed = /^\s*\.\.\.\(\w+ \? \['([\w.-]+)'[^\]]*\] : \[\]\),\s*'([\w.-]+)'/.exec(text.slice(at, at + 200));
        if (prefixed) {
            for (const one of prefixed.slice(1)) uses.push({ file, line: lineOf(text, at), program: one });
        } else if (!program) {
            if (!givenInScript.test(text.slice(at, at + 100))) wrong.push(`${file}:${lineOf(text, at)}: cannot see which program is started here: name it, or add the expression to givenInScript in scripts/lib/programs.mjs`);
        } else if (found[1]) new Shell(file, program.text, lineOf(text, at), []).run();
        else if (!program.text.includes('/')) called(file, text, at, program.text, program.end);
    }
    // Names that are tried one after the other: one of them must be to be had.
    for (const found of text.matchAll(/\[((?:\s*'[\w.+-]+'\s*,?)+)\]\s*\.(?:some|find|map|filter)\(\(?(\w+)\)?\s*=>[^;\n]*spawnSync\(/g)) {
        const names = [...found[1].matchAll(/'([^']+)'/g)].map((one) => one[1]);
        const known = names.filter((one) => table.has(one));
        for (const program of known.length ? known : names) uses.push({ file, line: lineOf(text, found.index), program });
    }
}

const startsInPhp = /(?<![\w>:$\\])(?:shell_exec|exec|passthru|system|popen)\(|(?<![\w>:$\\])(proc_open|pcntl_exec)\(|new (Process)\(/g;

function php(file, source) {
    const text = bare(source);
    for (const found of text.matchAll(startsInPhp)) {
        if (/function\s+$/.test(text.slice(0, found.index))) continue;
        const at = found.index + found[0].length;
        const inner = /^\s*\[/.exec(text.slice(at, at + 200));
        const program = literalAt(text, inner ? at + inner[0].length : at);
        if (program && (inner || found[2])) {
            if (!program.text.includes('/')) called(file, text, at, program.text, program.end);
        } else if (program) new Shell(file, program.text, lineOf(text, at), []).run();
    }
}

// --- The files ------------------------------------------------------------------------------------------------

function files(directory) {
    return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) return ['node_modules', 'vendor', 'out', 'corpus'].includes(entry.name) ? [] : files(path);
        return entry.isFile() ? [path] : [];
    });
}

const all = ['scripts', 'tests', 'packaging', '.ci', 'laravel-bridge/tests'].flatMap(files);
const isShell = (file, text) => file.endsWith('.sh') || /^#!.*\b(ba|da)?sh\b/.test(text.slice(0, 100).split('\n')[0]);
const common = new Set();
for (const file of all.filter((one) => /^scripts\/lib\/.*\.sh$/.test(one))) {
    for (const found of read(file).matchAll(/^([A-Za-z_]\w*)\(\)/gm)) common.add(found[1]);
}
let looked = 0;
for (const file of all) {
    if (/\.(mjs|js|cjs)$/.test(file)) javascript(file, read(file));
    else if (/\.(php|phpt|inc)$/.test(file)) php(file, read(file));
    else {
        const text = readFileSync(join(root, file)).subarray(0, 200_000).toString('latin1');
        if (!isShell(file, text)) continue;
        new Shell(file, read(file), 1, common).run();
    }
    looked++;
}

// --- The verdict ----------------------------------------------------------------------------------------------

const verdict = new Map();
for (const { file, line, program } of uses) {
    const packages = table.get(program);
    const needed = listsOf(file);
    const key = `${program} ${needed}`;
    if (packages && (['base', 'optional'].includes(packages[0]) || packages.some((one) => needed.some((list) => lists[list]?.has(one))))) {
        if (!verdict.has(key)) verdict.set(key, true);
        continue;
    }
    verdict.set(key, false);
    const where = needed.length ? needed.map((list) => `scripts/lib/packages-${list}.txt`).join(', ') : 'none, as it runs before any package is installed';
    wrong.push(packages
        ? `${file}:${line}: calls ${program}, which comes with ${packages.join(' or ')}, in no list that is installed here: ${where}`
        : `${file}:${line}: calls ${program}, and scripts/lib/programs.txt does not say which package brings it; that must be in a list that is installed here: ${where}`);
}
const used = new Set(uses.map((one) => one.program));
for (const [program, packages] of table) {
    if (!used.has(program) && !['base', 'optional'].includes(packages[0])) wrong.push(`scripts/lib/programs.txt: nothing calls ${program} any more`);
    for (const one of packages) {
        if (!['base', 'optional'].includes(one) && !Object.values(lists).some((list) => list.has(one))) wrong.push(`scripts/lib/programs.txt: ${program} comes with ${one}, which is in no scripts/lib/packages-*.txt`);
    }
}
for (const line of [...new Set(wrong)]) console.log(line);
if (process.argv.includes('--print')) for (const { file, line, program } of uses) console.log(`${program}\t${file}:${line}`);
console.log(`${looked} files call ${used.size} programs ${uses.length} times`);
const passed = [...verdict.values()].filter(Boolean).length;
console.log(`${passed} passed, ${new Set(wrong).size} failed, 0 skipped`);
process.exit(wrong.length ? 1 : 0);
