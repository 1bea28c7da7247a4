// Laravel Echo as every application sets it up: the broadcaster stays 'reverb', which means the Pusher protocol.
import Echo from './vendor/echo.js';
import { $ } from './dom.js';

export const settings = JSON.parse($('settings').textContent);
const csrf = document.querySelector('meta[name="csrf-token"]').content;

export const echo = new Echo({
    broadcaster: 'reverb',
    Pusher: window.Pusher,
    key: settings.key,
    wsHost: settings.host,
    wsPort: settings.port,
    wssPort: settings.port,
    forceTLS: settings.tls,
    enabledTransports: ['ws', 'wss'],
});

const show = (state) => {
    $('state').dataset.state = state;
    $('state').querySelector('span').textContent = state === 'connected' ? `connected as ${settings.user.name}` : state;
};
echo.connector.pusher.connection.bind('state_change', ({ current }) => show(current));
show(echo.connector.pusher.connection.state);

const awaited = new Set();

/** A private channel of the page; the state is ready when it is subscribed to all of them. */
export function channel(name) {
    awaited.add(name);
    return echo.private(name).subscribed(() => {
        awaited.delete(name);
        if (awaited.size === 0) $('state').dataset.ready = '';
    });
}

/** Sends JSON to Laravel; throws what Laravel says when it says no. */
export async function post(path, body) {
    const response = await fetch(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-TOKEN': csrf },
        body: JSON.stringify(body),
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.message ?? `${path} answered ${response.status}`);
    return answer;
}
