'use strict';

const $ = (id) => document.getElementById(id);
const settings = JSON.parse($('settings').textContent);
const csrf = document.querySelector('meta[name="csrf-token"]').content;
const now = () => performance.timeOrigin + performance.now();

// Laravel Echo as every application sets it up: the broadcaster stays 'reverb', which means the Pusher protocol.
const echo = new Echo.default({
    broadcaster: 'reverb',
    key: settings.key,
    wsHost: settings.host,
    wsPort: settings.port,
    wssPort: settings.port,
    forceTLS: settings.tls,
    enabledTransports: ['ws', 'wss'],
});
window.echo = echo;

function element(tag, attributes = {}, ...children) {
    const node = Object.assign(document.createElement(tag), attributes);
    node.append(...children);
    return node;
}

function avatar(name) {
    const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
    const initials = name.split(' ').map((word) => word[0]).join('').slice(0, 2).toUpperCase();
    const node = element('span', { className: 'avatar', textContent: initials });
    node.style.background = `hsl(${hue} 52% 46%)`;
    return node;
}

// Connection state.
const connection = echo.connector.pusher.connection;
connection.bind('state_change', ({ current }) => {
    $('state').dataset.state = current;
    $('state').querySelector('span').textContent = current;
    $('socket').textContent = current === 'connected' ? echo.socketId() : '';
});

// What the server sends, as it arrives.
function wire(direction, event, channel) {
    const row = element('li', {}, element('span', { textContent: direction }), element('em', { textContent: event }));
    if (channel) {
        row.append(element('span', { textContent: channel }));
    }
    $('wire').prepend(row);
    while ($('wire').children.length > 14) {
        $('wire').lastChild.remove();
    }
}
connection.bind('message', ({ event, channel }) => wire('←', event, channel));

// The feed.
function show(message, delay) {
    const mine = message.author === settings.user.name;
    const time = new Date(message.time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    $('feed').append(element('li', { className: mine ? 'mine' : '' },
        avatar(message.author),
        element('b', { textContent: message.author }),
        element('time', { textContent: delay === undefined ? time : `${delay.toFixed(1)} ms · ${time}` }),
        element('p', { textContent: message.text })));
    while ($('feed').children.length > 100) {
        $('feed').firstChild.remove();
    }
    $('feed').scrollTop = $('feed').scrollHeight;
}
settings.messages.forEach((message) => show(message));

const started = new Map();
function measured(delay) {
    $('server').textContent = `${delay.toFixed(1)} ms`;
    const bar = element('i');
    bar.dataset.delay = delay;
    $('bars').append(bar);
    while ($('bars').children.length > 40) {
        $('bars').firstChild.remove();
    }
    const bars = [...$('bars').children];
    const highest = Math.max(5, ...bars.map((other) => Number(other.dataset.delay)));
    bars.forEach((other) => { other.style.height = `${100 * Number(other.dataset.delay) / highest}%`; });
}

echo.private('feed')
    .listen('MessagePosted', (message) => {
        // PHP's clock and the browser's are one clock only on one machine, and a step below zero is rounding.
        const delay = Math.max(0, now() - message.sent_at);
        show(message, delay);
        measured(delay);
        if (started.has(message.ref)) {
            $('trip').textContent = `${(performance.now() - started.get(message.ref)).toFixed(0)} ms`;
            started.delete(message.ref);
        }
    })
    .error((error) => wire('!', `not authorized: ${error.status ?? error}`, 'private-feed'));

$('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = $('text').value.trim() || 'Hello from this tab';
    const ref = Math.random().toString(36).slice(2);
    $('text').value = '';
    started.set(ref, performance.now());
    const response = await fetch('/messages', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Accept': 'application/json', 'X-CSRF-TOKEN': csrf },
        body: JSON.stringify({ text, ref }),
    });
    if (!response.ok) {
        const { message } = await response.json().catch(() => ({}));
        wire('!', `POST /messages: ${response.status} ${message ?? ''}`);
    }
});

// Who is here, and who types.
const members = new Map();
function drawMembers() {
    $('members').replaceChildren(...[...members.values()].map(({ id, name }) => element('li', {},
        avatar(name), element('span', { textContent: id === settings.user.id ? `${name} (you)` : name }))));
}

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
        $('typing').textContent = `${name} is typing…`;
        clearTimeout(room.typingEnds);
        room.typingEnds = setTimeout(() => { $('typing').textContent = '\u00a0'; }, 1500);
    });

let whispered = 0;
$('text').addEventListener('input', () => {
    if (performance.now() - whispered > 700) {
        whispered = performance.now();
        room.whisper('typing', { name: settings.user.name });
        wire('→', 'client-typing', 'presence-room');
    }
});

// The other name of this machine has cookies of its own, and so a guest of its own.
const other = new URL(location.href);
other.hostname = location.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
$('second').href = other.href;
