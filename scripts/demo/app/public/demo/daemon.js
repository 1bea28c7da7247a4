// What the daemon is doing, pushed once a second by a command that asks it over the socket.
import { since } from './clock.js';
import { channel, settings } from './connection.js';
import { $, count, duration } from './dom.js';

const POINTS = 60;
const STALE = 4000;
const history = [];
let silence;

function size(bytes) {
    return bytes < 1024 * 1024 ? `${count(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function span(seconds) {
    if (seconds < 120) return `${seconds} s`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
    return `${Math.floor(seconds / 3600)} h`;
}

function drawLine() {
    const most = Math.max(10, ...history);
    $('d-line').querySelector('polyline').setAttribute('points', history
        .map((value, index) => `${((POINTS - history.length + index) * 120 / (POINTS - 1)).toFixed(1)},${(29 - 28 * value / most).toFixed(1)}`)
        .join(' '));
}

function reported(figures) {
    clearTimeout(silence);
    delete $('daemon').dataset.stale;
    silence = setTimeout(() => {
        $('daemon').dataset.stale = '';
        $('daemon-since').textContent = 'has not reported for a while';
    }, STALE);

    $('daemon-since').textContent = `${figures.version}, up for ${span(figures.uptime)}`;
    $('d-connections').textContent = count(figures.connections);
    $('d-channels').textContent = count(figures.channels);
    $('d-trip').textContent = `${count(figures.trip)} µs`;
    $('d-memory').textContent = figures.memory === null ? '–' : size(figures.memory);
    $('d-processor').textContent = figures.processor === null ? '–' : `${(100 * figures.processor).toFixed(1)} %`;
    if (figures.messages === null) return;
    $('d-messages').textContent = count(figures.messages);
    history.push(figures.messages);
    if (history.length > POINTS) history.shift();
    drawLine();
}

export function start() {
    channel(settings.daemon).listen('DaemonReported', reported);
    channel('told').listen('DaemonTold', ({ text, happened_at }) => {
        $('told').textContent = `${text}: here ${duration(since(happened_at))} after it happened`;
    });
}
