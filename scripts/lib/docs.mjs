// What links and quotes in the documentation promise. The docs suite of scripts/test runs it.
//
// - A link to a heading (`page.md#heading`) leads to one, by GitHub's rules: lower case, what is no letter, number, hyphen, underscore
//   or space goes, spaces become hyphens, and a second one of the same name gets `-1`.
// - A message that docs/troubleshooting.md quotes is one of ours, so that one that was reworded in the code is noticed: any three words
//   that follow each other stand so in a text of the sources. What a text leaves open is `…` in the quote, a number, a path or in quotes.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const read = (file) => readFileSync(file, 'utf8');
const walk = (...names) => execFileSync('find', names, { encoding: 'utf8' }).split('\n').filter(Boolean);
let passed = 0, failed = 0;
const check = (good, what) => {
    if (good) return void passed++;
    failed++;
    console.log(`wrong: ${what}`);
};

const prose = (file) => read(file).replace(/^```[^]*?^```$/gm, '').replace(/^( {4}|\t).*$/gm, '');
const anchors = (file) => {
    const seen = new Map();
    return [...prose(file).matchAll(/^#{1,6} +(.*?) *$/gm)].map(([, heading]) => {
        const anchor = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{M}\p{N}_ -]/gu, '').replaceAll(' ', '-');
        const before = seen.get(anchor) ?? 0;
        seen.set(anchor, before + 1);
        return before ? `${anchor}-${before}` : anchor;
    });
};
const pages = walk('.', '-name', '*.md', '-not', '-path', './out/*', '-not', '-path', '*/node_modules/*', '-not', '-path', '*/vendor/*').map(normalize);
for (const file of pages) {
    for (const [, target, anchor] of prose(file).matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)) {
        const page = target ? normalize(join(dirname(file), target)) : file;
        if (page.endsWith('.md')) check(existsSync(page) && anchors(page).includes(anchor), `${file} links to ${target}#${anchor}: no such heading in ${page}`);
    }
}

// Others say these: PHP, browsers, nginx, OpenSSL.
const theirs = ['Class "Fanfare\\Client" not found', "WebSocket connection to 'wss://…' failed", 'worker_connections are not enough', 'Cannot assign requested address', 'connect() failed (111: Connection refused)'];
const commands = /^(curl|docker|fanfared (-|ctl)|journalctl|kubectl|ls|openssl|php|proxy_set_header|php-fpm8.2|phpenmod|setcap|sudo|systemctl|usermod) |^[\w[\]. -]+ [=+] |: \{|^FANFARE_|^drwx/;
const system = /Address already in use|Connection refused|No such file or directory|Operation not permitted|Permission denied|Read-only file system/g;
const words = (text) => text.replace(/\s+/g, ' ');
const texts = walk('daemon', 'ext', 'shared', 'laravel-bridge/src', '-type', 'f').filter((file) => /\.([chj]s?|html|php)$/.test(file))
    .map((file) => words(read(file).replace(/"\s*(PRI\w+\s*)?"/g, '').replace(/'\s*\.\s*'/g, '').replace(/\\(["'])/g, '$1').replace(/^\s*(\/\/|\* ).*$/gm, ''))).join('\n');
for (const [, quote] of prose('docs/troubleshooting.md').matchAll(/`([^`]+)`/g)) {
    const message = words(quote);
    if (!/\S \S+ \S/.test(message) || commands.test(message) || theirs.includes(message)) continue;
    const missing = message.replace(system, '…').split(/\s*(?:…|"[^"]*"|\S*[\d/]\S*|\b[MN]\b|[:;,] | \()\s*/).flatMap((piece) => {
        const list = piece.replace(/^[:;,.?() ]+|[:;,.() ]+$/g, '').split(' ');
        return list.map((_, i) => list.slice(i, i + 3).join(' ')).slice(0, Math.max(1, list.length - 2)).filter((three) => !texts.includes(three));
    });
    check(missing.length === 0, `docs/troubleshooting.md: \`${message}\`: no text of ours has "${missing[0]}"`);
}
console.log(`${passed} links and messages are right, ${failed} are not`);
process.exitCode = failed ? 1 : 0;
