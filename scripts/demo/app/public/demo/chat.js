// Messages over a private channel, who is here over a presence channel, and whispers, which never touch PHP.
import { since } from './clock.js';
import { channel, echo, post, settings } from './connection.js';
import { $, avatar, duration, element } from './dom.js';

const KEEP = 100;
const started = new Map();
const members = new Map();

function show(message, delay) {
    const feed = $('feed');
    const time = new Date(message.time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    feed.append(element('li', { className: message.author === settings.user.name ? 'mine' : '' },
        avatar(message.author),
        element('b', { textContent: message.author }),
        element('time', { textContent: delay === undefined ? time : `${duration(delay)} · ${time}`, dateTime: message.time }),
        element('p', { textContent: message.text })));
    while (feed.children.length > KEEP) feed.firstChild.remove();
    feed.scrollTop = feed.scrollHeight;
}

function drawMembers() {
    $('members').replaceChildren(...[...members.values()].map(({ id, name }) => element('li', {},
        avatar(name), element('span', { textContent: id === settings.user.id ? `${name} (you)` : name }))));
}

function notice(text) {
    $('typing').textContent = text;
}

export function start() {
    settings.messages.forEach((message) => show(message));

    channel('feed')
        .listen('MessagePosted', (message) => {
            const delay = since(message.sent_at);
            show(message, delay);
            $('server').textContent = duration(delay);
            if (started.has(message.ref)) {
                $('trip').textContent = duration(performance.now() - started.get(message.ref));
                started.delete(message.ref);
            }
        })
        .error((error) => notice(`private-feed was refused: ${error.status ?? error}`));

    let ends;
    const room = echo.join('room')
        .here((users) => {
            members.clear();
            users.forEach((user) => members.set(user.id, user));
            drawMembers();
        })
        .joining((user) => {
            members.set(user.id, user);
            drawMembers();
        })
        .leaving((user) => {
            members.delete(user.id);
            drawMembers();
        })
        .listenForWhisper('typing', ({ name }) => {
            notice(`${name} is typing…`);
            clearTimeout(ends);
            ends = setTimeout(notice, 1500, '');
        });

    let whispered = -Infinity;
    $('text').addEventListener('input', () => {
        if (performance.now() - whispered < 700) return;
        whispered = performance.now();
        room.whisper('typing', { name: settings.user.name });
    });

    $('form').addEventListener('submit', async (event) => {
        event.preventDefault();
        const text = $('text').value.trim() || 'Hello from this window';
        const ref = Math.random().toString(36).slice(2);
        $('text').value = '';
        started.set(ref, performance.now());
        await post('/messages', { text, ref }).catch((error) => {
            started.delete(ref);
            notice(error.message);
        });
    });

    // The other name of this machine has cookies of its own, and so a guest of its own.
    const other = new URL(location.href);
    other.hostname = location.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
    $('second').href = other.href;
}
